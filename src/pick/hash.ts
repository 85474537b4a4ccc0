import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { isOpen, Roster } from './roster.ts';
import { RoundRobin } from './round-robin.ts';
import { hash53, highHalf, mix53 } from './text-hash.ts';

/** Makes a 53-bit whole number, plus one, a fraction in (0, 1]: a logarithm of 0 never comes up. */
const TO_FRACTION = 2 ** -53;

/**
 * The same candidate for the same key, as long as it is there: weighted rendezvous hashing (Thaler and Ravishankar
 * 1998; the weights by the logarithm are from Schindelhauer and Schomaker 2005). Key and candidate together give a
 * fraction u, the highest ln(u) / weight wins, and a candidate wins a share of the keys in proportion to its weight.
 *
 * Each score depends on one candidate only. So when one leaves, its keys alone move, spread over the others by weight;
 * when one joins or gains weight it only takes keys; the order of the candidates does not matter; and a key whose
 * candidate is full or to be avoided goes to its next best, always the same. One that starts slowly has its growing weight at
 * each pick, so that it only takes keys. Every candidate is scored at each pick:
 * right up to about a hundred of them. Without a key the pool's turn decides.
 */
export class Hash<C extends Candidate> implements Balancer<C> {
  readonly #roster = new Roster<C>();
  readonly #keyless: RoundRobin<C>;
  /** Hashes of the ids, in two halves of 32 bits. */
  #idHigh = new Uint32Array(0);
  #idLow = new Uint32Array(0);

  constructor(ctx: BalancerContext) {
    this.#keyless = new RoundRobin(ctx);
  }

  update(eligible: readonly C[]): void {
    this.#keyless.update(eligible);
    this.#roster.update(eligible);
    const hashes = this.#roster.candidates.map((candidate) => hash53(candidate.id));
    this.#idHigh = Uint32Array.from(hashes, highHalf);
    this.#idLow = Uint32Array.from(hashes, (hash) => hash >>> 0);
  }

  pick(hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (hint.key === undefined) return this.#keyless.pick(hint, avoid);
    if (this.#roster.ramping) this.#roster.follow();
    const { candidates, weights } = this.#roster;
    const key = hash53(hint.key);
    const keyHigh = highHalf(key);
    let best: C | undefined;
    let bestScore = 0;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index]!;
      if (!isOpen(candidate, avoid)) continue;
      const fraction = (mix53(keyHigh ^ this.#idHigh[index]!, key ^ this.#idLow[index]!) + 1) * TO_FRACTION;
      const weight = weights[index]!;
      // A logarithm is never above its argument less one, which mostly rules a candidate out without taking it.
      if (best !== undefined && (fraction - 1) / weight <= bestScore) continue;
      const score = Math.log(fraction) / weight;
      if (best !== undefined && score <= bestScore) continue;
      best = candidate;
      bestScore = score;
    }
    return best;
  }
}
