/** Credits closer than this are equal. Far above what rounding adds up to, far below any difference that is meant. */
const SAME_CREDIT = 1e-9;
/** How far those before the starting place are set back: it decides between equals, and nothing else. */
const SET_BACK = 1e-6;

/**
 * Smooth weighted round-robin between members of any subset, which may be another one at each turn. Every participant
 * earns its share of the turn, the one with the most credit takes it and pays one turn: nginx's rule, except that
 * credit is counted in turns and not in weight. A turn won among a hundred then weighs as much as one won between two,
 * so that each member's turns stay within a few of what its subsets owed it; and since the one who took a turn is the
 * one who paid, the turns of a member left out are shared by all the others and do not fall to its neighbour.
 */
export class SmoothTurns {
  #weights: Float64Array = new Float64Array(0);
  #credits = new Float64Array(0);

  /**
   * Starts anew over `weights`, none of them 0. Of equal members the one at `first` is served first: started at random
   * it keeps workers, and the many short lives between updates, from all serving the same member first.
   */
  reset(weights: Float64Array, first: number): void {
    this.#weights = weights;
    this.#credits = new Float64Array(weights.length).fill(-SET_BACK, 0, first);
  }

  /** The member whose turn it is among the first `count` (at least one) indexes of `subset`. */
  take(subset: Uint32Array, count: number): number {
    const weights = this.#weights;
    const credits = this.#credits;
    let total = 0;
    for (let k = 0; k < count; k++) total += weights[subset[k]!]!;
    let winner = subset[0]!;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < count; k++) {
      const member = subset[k]!;
      const credit = credits[member]! + weights[member]! / total;
      credits[member] = credit;
      if (credit <= most + SAME_CREDIT) continue;
      most = credit;
      winner = member;
    }
    credits[winner] = most - 1;
    return winner;
  }
}
