import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { knownAverage } from './latency.ts';
import { isOpen, Roster } from './roster.ts';
import { SmoothTurns } from './smooth-turns.ts';

/**
 * The candidate that would keep a lease waiting the shortest: the least latency × (active + 1) / weight, where latency
 * is a moving average that jumps to every peak and comes down slowly (Finagle's Peak EWMA; tower has it too). A slow
 * backend is noticed with its first slow answer, or before it: a lease that is still waiting counts with its age.
 *
 * What was never measured counts as the average of the others: neither as 0, which draws everything, nor as a second,
 * which draws nothing. A failure counts as slow as the slowest tenth, so that one that fails fast draws no traffic.
 * Leases and latencies are those of all workers, so all candidates are compared and none is rushed; Finagle draws two
 * because it cannot know. While leases hardly overlap, the fastest takes nearly all of them; what rests fades, and is
 * tried again. Equals are served in smooth weighted turns.
 */
export class PeakEwma<C extends Candidate> implements Balancer<C> {
  readonly #ctx: BalancerContext;
  readonly #roster = new Roster<C>();
  readonly #turns = new SmoothTurns();
  #latenciesUs = new Float64Array(0);

  constructor(ctx: BalancerContext) {
    this.#ctx = ctx;
  }

  update(eligible: readonly C[]): void {
    this.#roster.update(eligible);
    const { weights } = this.#roster;
    this.#turns.reset(weights, Math.floor(this.#ctx.random() * weights.length));
    this.#latenciesUs = new Float64Array(weights.length);
  }

  pick(_hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (this.#roster.ramping) this.#roster.follow();
    const { candidates, weights, shortlist } = this.#roster;
    const latenciesUs = this.#latenciesUs;
    for (let index = 0; index < candidates.length; index++) latenciesUs[index] = candidates[index]!.latencyUs;
    const averageUs = knownAverage(latenciesUs, candidates.length);
    let equals = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index]!;
      if (!isOpen(candidate, avoid)) continue;
      const cost = ((latenciesUs[index]! || averageUs) * (candidate.active + 1)) / weights[index]!;
      if (cost > least) continue;
      if (cost < least) equals = 0;
      least = cost;
      shortlist[equals++] = index;
    }
    if (equals === 0) return undefined;
    return candidates[equals === 1 ? shortlist[0]! : this.#turns.take(shortlist, equals)];
  }
}
