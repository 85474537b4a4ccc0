import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { MAGLEV_PLACES, maglevTable } from './maglev-table.ts';
import { Roster } from './roster.ts';
import { RoundRobin } from './round-robin.ts';
import { hash53, highHalf, mix53 } from './text-hash.ts';

/** How much more than its share a candidate may carry, unless the pool says otherwise. */
export const DEFAULT_LOAD_FACTOR = 1.25;

/** Makes a 53-bit whole number a fraction in [0, 1). */
const TO_FRACTION = 2 ** -53;

/**
 * The same candidate for the same key, found in one look-up however many candidates there are (Maglev's table), unless
 * that one is overloaded (bounded load: Mirrokni, Thorup and Zadimoghaddam 2018): with m leases in the pool a candidate
 * of share s takes no more than ⌈c · (m + 1) · s⌉ of them, c being the load factor, 0 for no bound. So one hot key
 * cannot drown one backend while the others rest.
 *
 * A key whose candidate is over its bound, full, or to be avoided goes on by random jumps that the key decides: always
 * the same ones, and not to the neighbour, who would soon be over its bound as well. When jumps run out, the least
 * loaded of the open takes it. Each key has a mark, and goes on likewise while its candidate starts slowly and has a smaller
 * share of its weight than that: so the keys come to it one after another, each once, and the table stays. Without a key the pool's turn decides. The table is made anew at each update, which
 * takes some milliseconds: for pools that change often `hash` costs less, for large ones `maglev` does.
 */
export class Maglev<C extends Candidate> implements Balancer<C> {
  readonly #loadFactor: number;
  readonly #roster = new Roster<C>();
  readonly #keyless: RoundRobin<C>;
  #table: Uint32Array = new Uint32Array(0);
  #totalWeight = 0;
  #leases = new Float64Array(0);

  constructor(ctx: BalancerContext) {
    this.#loadFactor = ctx.loadFactor ?? DEFAULT_LOAD_FACTOR;
    this.#keyless = new RoundRobin(ctx);
  }

  update(eligible: readonly C[]): void {
    this.#keyless.update(eligible);
    this.#roster.update(eligible);
    const { candidates, full } = this.#roster;
    const ids = candidates.map(({ id }) => id);
    this.#table = maglevTable(ids, full);
    this.#weigh();
    this.#leases = new Float64Array(full.length);
  }

  #weigh(): void {
    this.#totalWeight = this.#roster.weights.reduce((sum, weight) => sum + weight, 0);
  }

  pick(hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (hint.key === undefined) return this.#keyless.pick(hint, avoid);
    const { ramping } = this.#roster;
    if (ramping) {
      this.#roster.follow();
      this.#weigh();
    }
    const { candidates, ramps } = this.#roster;
    const bound = this.#boundPerWeight();
    const key = hash53(hint.key);
    const [high, low] = [highHalf(key), key >>> 0];
    let place = key % MAGLEV_PLACES;
    const mark = ramping ? mix53(low, high) * TO_FRACTION : 0;
    for (let jump = 1; jump <= candidates.length; jump++) {
      const index = this.#table[place]!;
      if (mark < ramps[index]! && this.#isOpen(index, bound, avoid)) return candidates[index];
      place = mix53(high + jump, low) % MAGLEV_PLACES;
    }
    return this.#leastLoaded(avoid);
  }

  /** Reads all leases, and returns the most that a candidate may carry for each unit of its weight. */
  #boundPerWeight(): number {
    const { candidates } = this.#roster;
    let total = 0;
    for (let index = 0; index < candidates.length; index++) {
      total += this.#leases[index] = candidates[index]!.active;
    }
    return this.#loadFactor === 0 ? Number.POSITIVE_INFINITY : (this.#loadFactor * (total + 1)) / this.#totalWeight;
  }

  #isOpen(index: number, bound: number, avoid: ReadonlySet<C> | undefined): boolean {
    const candidate = this.#roster.candidates[index]!;
    const leases = this.#leases[index]!;
    const { maxActive } = candidate;
    if (leases >= Math.ceil(bound * this.#roster.weights[index]!)) return false;
    return (maxActive === 0 || leases < maxActive) && !avoid?.has(candidate);
  }

  #leastLoaded(avoid: ReadonlySet<C> | undefined): C | undefined {
    const { candidates, weights } = this.#roster;
    let best: C | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < candidates.length; index++) {
      const load = (this.#leases[index]! + 1) / weights[index]!;
      // A load may be infinite where a weight is next to nothing, and that candidate is still better than none.
      if (best !== undefined && load >= least) continue;
      if (!this.#isOpen(index, Number.POSITIVE_INFINITY, avoid)) continue;
      best = candidates[index];
      least = load;
    }
    return best;
  }
}
