import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { isOpen, Roster } from './roster.ts';
import { WeightedDraw } from './weighted-draw.ts';

/**
 * The less loaded of two different candidates drawn at random (Mitzenmacher, "The Power of Two Choices in Randomized
 * Load Balancing", 2001): close to least-connections at a cost that hardly grows with their number, and without the
 * rush of many balancers towards one idle backend.
 *
 * Weights count twice. Both draws have odds in proportion to them, so that one heavy candidate among many light ones is
 * drawn often enough to carry its share; and load is compared as active / weight, equals going to the first drawn, so
 * that idle candidates are picked exactly in proportion. The second is drawn from the others by shifting, neither with
 * replacement nor as the neighbour, both of which are biased. With two candidates it is least-connections with random
 * ties, with one there is no choice. When a drawn one is full or to be avoided, both are drawn anew among the open.
 */
export class PowerOfTwoChoices<C extends Candidate> implements Balancer<C> {
  readonly #ctx: BalancerContext;
  readonly #roster = new Roster<C>();
  #all = new WeightedDraw(0);
  #open = new WeightedDraw(0);
  /** Indexes of the two candidates drawn last. */
  #first = 0;
  #second = 0;

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
    const { candidates, weights, shortlist } = this.#roster;
    this.#drawTwo(this.#all);
    if (isOpen(candidates[this.#first]!, avoid) && isOpen(candidates[this.#second]!, avoid)) return this.#lessLoaded();
    this.#open.fill(weights, shortlist, this.#roster.shortlistOpen(avoid));
    if (this.#open.count === 0) return undefined;
    this.#drawTwo(this.#open);
    return this.#lessLoaded();
  }

  #drawTwo(from: WeightedDraw): void {
    const place = from.place(this.#ctx.random());
    this.#first = from.memberAt(place);
    this.#second = from.count === 1 ? this.#first : from.memberAt(from.placeBeside(place, this.#ctx.random()));
  }

  #lessLoaded(): C {
    const { candidates, weights } = this.#roster;
    const first = candidates[this.#first]!;
    const second = candidates[this.#second]!;
    return second.active * weights[this.#first]! < first.active * weights[this.#second]! ? second : first;
  }
}
