import type { Balancer, BalancerContext, Candidate, PickHint } from './balancer.ts';
import { hasRoom, Roster } from './roster.ts';
import { smoothSchedule } from './smooth-schedule.ts';
import { SmoothTurns } from './smooth-turns.ts';

/** A candidate that took leases out of turn passes over this many rounds at most: long gone load is not made good for. */
const MOST_ROUNDS_OWED = 32;

/**
 * Everyone in turn, as often as the weights say, exactly: over all workers together, any L picks in a row (L being
 * the length of the schedule) hold each candidate as often as the schedule does. Smooth weighted round-robin is
 * nginx's; here one full cycle is laid out beforehand and a cursor shared by the workers walks it, so that no worker
 * keeps a place of its own. The cursor is a bare count: after an update it enters the new cycle wherever it stands,
 * which is as good a place as any. When the count wraps, once in 2^32 turns, at most one cycle is cut short.
 *
 * When the turn of a full candidate comes up, the pick takes the turns that follow, as many as there are candidates at
 * most. A pick that has something to avoid is a second try and takes no turn: if it did, then of two candidates, one of
 * them broken, every first try would meet the broken one. Those picks, and what the turns did not settle, are shared
 * out by weight among the open candidates, in smooth turns that each worker keeps for itself.
 *
 * While a candidate starts slowly the schedule stays as it is, since a new one for each step of its weight would cost too
 * much: it passes over as many of its turns as it is short of weight, in each worker by itself.
 *
 * A lease that was charged, since a session took it out of turn, is owed: the candidate passes over as many of its turns.
 * Each worker keeps the debts that it made, and what all candidates owe alike is forgiven.
 */
export class RoundRobin<C extends Candidate> implements Balancer<C> {
  readonly #ctx: BalancerContext;
  readonly #roster = new Roster<C>();
  readonly #standIns = new SmoothTurns();
  #schedule: Uint32Array = new Uint32Array(0);
  /** Turns that each candidate is to pass over, and how many it has in a round. */
  #debts = new Float64Array(0);
  #shares = new Float64Array(0);
  /** The part of a turn that those which start slowly have together. */
  #earned = new Float64Array(0);

  constructor(ctx: BalancerContext) {
    this.#ctx = ctx;
  }

  update(eligible: readonly C[]): void {
    this.#roster.update(eligible);
    const { weights, full } = this.#roster;
    this.#schedule = smoothSchedule(full);
    const lightest = Math.min(...full);
    this.#shares = full.map((weight) => weight / lightest);
    this.#debts = new Float64Array(weights.length);
    this.#earned = new Float64Array(weights.length);
    this.#standIns.reset(weights, Math.floor(this.#ctx.random() * weights.length));
  }

  pick(_hint: PickHint, avoid?: ReadonlySet<C>): C | undefined {
    if (this.#roster.ramping) this.#roster.follow();
    const { candidates } = this.#roster;
    const schedule = this.#schedule;
    const turns = avoid === undefined || avoid.size === 0 ? candidates.length : 0;
    for (let left = turns; left > 0; left--) {
      const index = schedule[(this.#ctx.nextTurn() >>> 0) % schedule.length]!;
      const candidate = candidates[index]!;
      if (!hasRoom(candidate) || (this.#roster.ramping && !this.#hasEarned(index))) continue;
      if (this.#debts[index]! < 1) return candidate;
      this.#debts[index]! -= 1;
    }
    return this.#standIn(avoid);
  }

  /** One that starts slowly takes that share of its turns, and leaves the others to those who come next. */
  #hasEarned(index: number): boolean {
    const earned = this.#earned[index]! + this.#roster.ramps[index]!;
    this.#earned[index] = earned < 1 ? earned : earned - 1;
    return earned >= 1;
  }

  charge(candidate: C): void {
    const debts = this.#debts;
    const shares = this.#shares;
    const index = this.#roster.candidates.indexOf(candidate);
    if (index < 0) return;
    debts[index] = Math.min(debts[index]! + 1, shares[index]! * MOST_ROUNDS_OWED);
    for (let other = 0; other < debts.length; other++) if (debts[other]! < shares[other]!) return;
    for (let other = 0; other < debts.length; other++) debts[other]! -= shares[other]!;
  }

  #standIn(avoid: ReadonlySet<C> | undefined): C | undefined {
    const { candidates, shortlist } = this.#roster;
    const count = this.#roster.shortlistOpen(avoid);
    return count === 0 ? undefined : candidates[this.#standIns.take(shortlist, count)];
  }
}
