import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { knownLeast } from './latency.ts';
import { LoadRank } from './load-rank.ts';
import { isOpen, Roster } from './roster.ts';
import { SmoothTurns } from './smooth-turns.ts';

/** A candidate above this quantile of the loads is hot. */
const HOT_QUANTILE = 0.84;

/** Latencies are told apart in steps of a factor of two: what differs by chance must not decide. */
const paceOf = (latencyUs: number): number => Math.round(Math.log2(latencyUs));

/**
 * The fastest of those that are not the busiest (Wydmuch and others, "Load is not what you should balance: Introducing
 * Prequal", NSDI 2024). A candidate is hot when its leases for its weight are above the 0.84 quantile of the pool's, and
 * gets nothing while another is cold; among the cold the least latency wins, taken at about the load that candidate has
 * now. So latency decides while there is room, and load does before a fast candidate drowns.
 *
 * Prequal probes because no balancer sees all traffic; here the workers share true counts and latencies. The quantile
 * is rounded down: of two or three the busiest is hot whenever it is alone, so at high load small pools are balanced by
 * load. Never measured counts as fast as the fastest, for as anything slower it would never be tried; equal latency falls
 * to the least (active + 1) / weight, so that it is not rushed, and that, when equal, to smooth weighted turns.
 */
export class Prequal<C extends Candidate> implements Balancer<C> {
  readonly #ctx: BalancerContext;
  readonly #roster = new Roster<C>();
  readonly #turns = new SmoothTurns();
  readonly #rank = new LoadRank();
  /** Leases, loads and latencies of the shortlisted, read once at each pick because other workers change them. */
  #leases = new Float64Array(0);
  #loads = new Float64Array(0);
  #latenciesUs = new Float64Array(0);

  constructor(ctx: BalancerContext) {
    this.#ctx = ctx;
  }

  update(eligible: readonly C[]): void {
    this.#roster.update(eligible);
    const { weights } = this.#roster;
    this.#turns.reset(weights, Math.floor(this.#ctx.random() * weights.length));
    this.#leases = new Float64Array(weights.length);
    this.#loads = new Float64Array(weights.length);
    this.#latenciesUs = new Float64Array(weights.length);
  }

  pick(_hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (this.#roster.ramping) this.#roster.follow();
    const { candidates, shortlist } = this.#roster;
    const cold = this.#shortlistCold(avoid);
    if (cold === 0) return undefined;
    for (let k = 0; k < cold; k++) this.#latenciesUs[k] = candidates[shortlist[k]!]!.latencyAtLoadUs;
    const equals = this.#keepFastest(cold, knownLeast(this.#latenciesUs, cold));
    return candidates[equals === 1 ? shortlist[0]! : this.#turns.take(shortlist, equals)];
  }

  /** Shortlists the cold of the open ones; returns how many. */
  #shortlistCold(avoid: ReadonlySet<C> | undefined): number {
    const { candidates, weights, shortlist } = this.#roster;
    let open = 0;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index]!;
      if (!isOpen(candidate, avoid)) continue;
      this.#leases[open] = candidate.active;
      this.#loads[open] = Math.min(this.#leases[open]! / weights[index]!, Number.MAX_SAFE_INTEGER);
      shortlist[open++] = index;
    }
    const limit = this.#rank.quantile(this.#loads, open, HOT_QUANTILE);
    let cold = 0;
    for (let k = 0; k < open; k++) {
      if (this.#loads[k]! > limit) continue;
      this.#leases[cold] = this.#leases[k]!;
      shortlist[cold++] = shortlist[k]!;
    }
    return cold;
  }

  /** Leaves the fastest on the shortlist, of equally fast ones the least loaded; returns how many there are. */
  #keepFastest(cold: number, unknownUs: number): number {
    const { weights, shortlist } = this.#roster;
    let equals = 0;
    let leastPace = Number.POSITIVE_INFINITY;
    let leastLoad = Number.POSITIVE_INFINITY;
    for (let k = 0; k < cold; k++) {
      const index = shortlist[k]!;
      const pace = paceOf(this.#latenciesUs[k]! || unknownUs);
      const load = (this.#leases[k]! + 1) / weights[index]!;
      if (pace > leastPace || (pace === leastPace && load > leastLoad)) continue;
      if (pace < leastPace || load < leastLoad) equals = 0;
      leastPace = pace;
      leastLoad = load;
      shortlist[equals++] = index;
    }
    return equals;
  }
}
