import type { Candidate } from './balancer.ts';

/** The largest weight the config accepts; a candidate with more counts as this much, so that sums stay finite. */
export const MAX_WEIGHT = 65_535;

/** Whether `candidate` is below its own limit on leases. */
export function hasRoom(candidate: Candidate): boolean {
  const { maxActive } = candidate;
  return maxActive === 0 || candidate.active < maxActive;
}

/** Whether `candidate` may be picked: it has room and is not to be avoided. */
export function isOpen<C extends Candidate>(candidate: C, avoid: ReadonlySet<C> | undefined): boolean {
  return hasRoom(candidate) && !avoid?.has(candidate);
}

/**
 * The candidates an algorithm picks from, with their weights and a reusable list of indexes. Weights are copied beside
 * the candidates they were read from, and the two are only ever replaced together (Caddy kept them in lists of their
 * own, and the weights shifted when the first backend went down).
 */
export class Roster<C extends Candidate> {
  candidates: readonly C[] = [];
  /** Weights of now: those that were read, less what a slow start keeps from them. */
  weights: Float64Array = new Float64Array(0);
  /** Weights as they were read. */
  full: Float64Array = new Float64Array(0);
  /** The share of its weight that each may have, in relation to the one that may have most: when all start, none does. */
  ramps: Float64Array = new Float64Array(0);
  /** True while any of them starts slowly. */
  ramping = false;
  /** Indexes into `candidates`; how many of them count is known to whoever filled it last. */
  shortlist: Uint32Array = new Uint32Array(0);

  /** Takes over those of `eligible` that may be picked at all. */
  update(eligible: readonly C[]): void {
    this.candidates = eligible.filter((candidate) => candidate.weight > 0);
    this.full = Float64Array.from(this.candidates, (candidate) => Math.min(candidate.weight, MAX_WEIGHT));
    this.weights = this.full.slice();
    this.ramps = new Float64Array(this.candidates.length).fill(1);
    this.ramping = this.candidates.some(({ ramp }) => ramp < 1);
    if (this.ramping) this.follow();
    this.shortlist = new Uint32Array(this.candidates.length);
  }

  /** Brings the weights of those that start slowly up to now. To be called at each pick while `ramping`. */
  follow(): void {
    const { candidates, ramps } = this;
    let [least, most] = [1, 0];
    for (let index = 0; index < candidates.length; index++) {
      const { ramp } = candidates[index]!;
      ramps[index] = ramp;
      if (ramp < least) least = ramp;
      if (ramp > most) most = ramp;
    }
    for (let index = 0; index < candidates.length; index++) {
      ramps[index]! /= most;
      this.weights[index] = this.full[index]! * ramps[index]!;
    }
    this.ramping = least < 1;
  }

  /** Fills the shortlist with those that have room and are not to be avoided; returns how many there are. */
  shortlistOpen(avoid: ReadonlySet<C> | undefined): number {
    const { candidates, shortlist } = this;
    let count = 0;
    for (let index = 0; index < candidates.length; index++) {
      if (isOpen(candidates[index]!, avoid)) shortlist[count++] = index;
    }
    return count;
  }
}
