import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { Roster } from './roster.ts';
import { SmoothTurns } from './smooth-turns.ts';

/**
 * The candidate that would be the least loaded with this lease added: the smallest (active + 1) / weight, over the
 * leases of all workers. The lease to come is counted in so that weight matters among idle candidates too (it is LVS's
 * shortest expected delay; HAProxy counts only what is there, so that all its idle servers tie). One consequence: while
 * load is so low that leases hardly overlap, the heaviest takes nearly all of it, for it is the fastest.
 *
 * Fractions are compared by cross-multiplication: whole numbers, no rounding, no division. Equals are served in
 * smooth weighted turns, in which the one picked pays, so that a candidate left out leaves its turns to all the others
 * alike. Every candidate is looked at: choosing from two at random errs too often while there are few.
 */
export class LeastConnections<C extends Candidate> implements Balancer<C> {
  readonly #ctx: BalancerContext;
  readonly #roster = new Roster<C>();
  readonly #turns = new SmoothTurns();

  constructor(ctx: BalancerContext) {
    this.#ctx = ctx;
  }

  update(eligible: readonly C[]): void {
    this.#roster.update(eligible);
    const { weights } = this.#roster;
    this.#turns.reset(weights, Math.floor(this.#ctx.random() * weights.length));
  }

  pick(_hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (this.#roster.ramping) this.#roster.follow();
    const { candidates, weights, shortlist } = this.#roster;
    let equals = 0;
    // 1/0 stands for a load above every other.
    let leastLeases = 1;
    let leastWeight = 0;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index]!;
      // Read once, for other workers change it meanwhile.
      const { active, maxActive } = candidate;
      if ((maxActive !== 0 && active >= maxActive) || avoid?.has(candidate)) continue;
      const weight = weights[index]!;
      const here = (active + 1) * leastWeight;
      const least = leastLeases * weight;
      if (here > least) continue;
      if (here < least) {
        equals = 0;
        leastLeases = active + 1;
        leastWeight = weight;
      }
      shortlist[equals++] = index;
    }
    if (equals === 0) return undefined;
    return candidates[equals === 1 ? shortlist[0]! : this.#turns.take(shortlist, equals)];
  }
}
