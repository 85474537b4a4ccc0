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
  weights: Float64Array = new Float64Array(0);
  /** Indexes into `candidates`; how many of them count is known to whoever filled it last. */
  shortlist: Uint32Array = new Uint32Array(0);

  /** Takes over those of `eligible` that may be picked at all. */
  update(eligible: readonly C[]): void {
    this.candidates = eligible.filter((candidate) => candidate.weight > 0);
    this.weights = Float64Array.from(this.candidates, (candidate) => Math.min(candidate.weight, MAX_WEIGHT));
    this.shortlist = new Uint32Array(this.candidates.length);
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
