import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { isOpen, Roster } from './roster.ts';
import { WeightedDraw } from './weighted-draw.ts';

/**
 * Each pick by itself, at random, with odds in proportion to the weights. It shares no state with anyone, and promises
 * shares only in the long run: of m picks, a share s strays by about √(m·s·(1 − s)). When the one drawn is full or to
 * be avoided, one more draw is made among the open ones only, so that their odds keep their proportions.
 */
export class Random<C extends Candidate> implements Balancer<C> {
  readonly #ctx: BalancerContext;
  readonly #roster = new Roster<C>();
  #all = new WeightedDraw(0);
  #open = new WeightedDraw(0);

  constructor(ctx: BalancerContext) {
    this.#ctx = ctx;
  }

  update(eligible: readonly C[]): void {
    this.#roster.update(eligible);
    this.#all = WeightedDraw.over(this.#roster.weights);
    this.#open = new WeightedDraw(this.#roster.weights.length);
  }

  pick(_hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (this.#all.count === 0) return undefined;
    if (this.#roster.ramping) {
      this.#roster.follow();
      this.#all.weigh(this.#roster.weights);
    }
    const drawn = this.#draw(this.#all);
    if (isOpen(drawn, avoid)) return drawn;
    const { weights, shortlist } = this.#roster;
    this.#open.fill(weights, shortlist, this.#roster.shortlistOpen(avoid));
    return this.#open.count === 0 ? undefined : this.#draw(this.#open);
  }

  #draw(from: WeightedDraw): C {
    return this.#roster.candidates[from.memberAt(from.place(this.#ctx.random()))]!;
  }
}
