/**
 * What a balancing algorithm sees of a backend, and what it answers with. Policy is arithmetic on candidates: nothing
 * in this folder knows of sockets, clocks or addresses (the split katran's ring builder and Pingora's selection show).
 */

/** A backend as an algorithm sees it. */
export interface Candidate {
  /** Unique in its pool and stable over reloads: `hash` places keys by it. */
  readonly id: string;
  /** Share of the load relative to the others. Not above 0: never picked. Above 65,535: counts as 65,535. */
  readonly weight: number;
  /** The share of its weight that it may have by now, above 0; 1 unless it starts slowly. Read anew at every pick. */
  readonly ramp: number;
  /** Leases held now, by all workers together. Read anew at every pick. */
  readonly active: number;
  /** Most leases it may hold at once; 0 = no limit. */
  readonly maxActive: number;
  /** How long a lease waits for its answer here lately, peaks counting at once, in µs; 0 when it was never measured. */
  readonly latencyUs: number;
  /** The same at about the load it has now, peaks counting like all else; 0 when it was never measured. */
  readonly latencyAtLoadUs: number;
}

/** What a pick may go by, besides the candidates. */
export interface PickHint {
  /** What `hash` and `maglev` hash. Absent: the request carries no key, and takes the pool's turn instead. */
  readonly key?: string | undefined;
}

/** One algorithm over one pool's candidates, in one worker. */
export interface Balancer<C extends Candidate> {
  /**
   * Replaces the candidates. To be called whenever the set or a weight changes (weights are read here, `active` and
   * `maxActive` at each pick), with the same order in every worker: the round-robin schedule is numbered by it.
   */
  update(eligible: readonly C[]): void;
  /**
   * The candidate to use, or undefined when each one has weight 0, is at `maxActive` or is in `avoid`. Allocates
   * nothing, never throws, and takes steps in proportion to the number of candidates at most. It reserves nothing:
   * two workers may pick the last free place of a candidate, and whoever takes the lease decides.
   */
  pick(hint: PickHint, avoid?: ReadonlySet<C>): C | undefined;
  /**
   * A lease was taken on a candidate that this algorithm was not asked about, or that it does not have: for an algorithm
   * that goes by turns, so that the turn counts. Those that go by `active` see it there.
   */
  charge?(candidate: C): void;
}

/** What a pool hands to its algorithm. */
export interface BalancerContext {
  /** The next number of the cursor that all workers of the pool share: a uint32 that wraps. */
  nextTurn(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** How much more than its share `maglev` lets a candidate carry; 0 for no bound. */
  readonly loadFactor?: number | undefined;
}
