/** Mixes 32 bits so that neighbouring inputs give unrelated outputs (the finalizer of MurmurHash3, public domain). */
function mix(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/**
 * Random numbers that a seed and the number of a case settle, so that any case can be made again without those before
 * it. Not for secrets.
 */
export class Random {
  #state: number;

  constructor(seed: number, index: number) {
    this.#state = mix(mix(seed >>> 0) ^ Math.imul(index + 1, 0x9e3779b1));
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }

  /** A whole number from 0 to `limit` - 1; 0 when `limit` is 0. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** True in one of `of` cases. */
  oneIn(of: number): boolean {
    return this.below(of) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Places at which `length` bytes arrive in pieces: ascending, the last one `length`; mostly few, sometimes every one. */
  cuts(length: number): number[] {
    if (this.oneIn(16)) return Array.from({ length }, (_, i) => i + 1);
    const places = new Set([length]);
    for (let left = this.below(6); left > 0; left--) places.add(this.below(length + 1));
    return [...places].sort((a, b) => a - b);
  }
}
