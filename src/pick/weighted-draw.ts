/**
 * Draws members in proportion to their weights: running sums of the weights, searched by halving. A draw costs one
 * random number and about log2(n) steps; refilling costs n and allocates nothing, which an alias table would not allow.
 */
export class WeightedDraw {
  readonly #members: Uint32Array;
  /** `#sums[k]` is the weight of all places before k, and `#sums[count]` that of them all. */
  readonly #sums: Float64Array;
  #count = 0;

  /** Empty, with room for `capacity` members. */
  constructor(capacity: number) {
    this.#members = new Uint32Array(capacity);
    this.#sums = new Float64Array(capacity + 1);
  }

  /** One that holds every index of `weights`. */
  static over(weights: Float64Array): WeightedDraw {
    const draw = new WeightedDraw(weights.length);
    draw.fill(weights, Uint32Array.from(weights.keys()), weights.length);
    return draw;
  }

  /** Takes the first `count` indexes of `subset`, each with its entry in `weights`, in place of what it held. */
  fill(weights: Float64Array, subset: Uint32Array, count: number): void {
    for (let place = 0; place < count; place++) {
      const member = subset[place]!;
      this.#members[place] = member;
      this.#sums[place + 1] = this.#sums[place]! + weights[member]!;
    }
    this.#count = count;
  }

  /** Goes by other weights of the same members. */
  weigh(weights: Float64Array): void {
    for (let place = 0; place < this.#count; place++)
      this.#sums[place + 1] = this.#sums[place]! + weights[this.#members[place]!]!;
  }

  /** How many members it holds. */
  get count(): number {
    return this.#count;
  }

  /** The member at a place that was drawn. */
  memberAt(place: number): number {
    return this.#members[place]!;
  }

  /** A place, for `random` uniform in [0, 1); there must be at least one. */
  place(random: number): number {
    return this.#search(random * this.#sums[this.#count]!);
  }

  /**
   * A place other than `taken`, for `random` uniform in [0, 1); there must be at least two. It draws from a line in
   * which `taken` has no length and shifts what lies behind it: no redraw, and no preference for the neighbour.
   */
  placeBeside(taken: number, random: number): number {
    const start = this.#sums[taken]!;
    const length = this.#sums[taken + 1]! - start;
    const at = random * (this.#sums[this.#count]! - length);
    return this.#search(at < start ? at : at + length);
  }

  /** The first place whose end lies beyond `at`, or the last place of all. */
  #search(at: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sums[middle + 1]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
