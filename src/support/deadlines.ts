/** Something that must be looked at by a moment. `deadline` is a plain field, so that moving it costs an assignment. */
export interface Expiring {
  /** Milliseconds on the clock of `Deadlines.now`; `Infinity` for none. */
  deadline: number;
  /** Its place in the list of `Deadlines`, -1 outside. Owned by `Deadlines`. */
  deadlineIndex: number;
  /** Called once the deadline has passed. The deadline has been set to `Infinity` before. */
  onDeadline(): void;
}

/**
 * Deadlines of many connections without a timer each: one sweep looks at all of them every `tickMs`. A busy proxy moves
 * deadlines far more often than they fire, so moving must be free and a late notice of one tick is the price.
 */
export class Deadlines {
  /** Milliseconds, monotonic, as of the last sweep: cheap enough to read on every event, late by at most one tick. */
  now: number;
  /** How often `sweep` is called, in ms: how late a deadline may be noticed. */
  tickMs = 0;
  readonly #members: Expiring[] = [];
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.now = clock();
  }

  /** The moment `ms` from now, never early: the age of `now` is added. `Infinity` when `ms` is 0, which means none. */
  in(ms: number): number {
    return ms === 0 ? Number.POSITIVE_INFINITY : this.now + ms + this.tickMs;
  }

  get size(): number {
    return this.#members.length;
  }

  add(member: Expiring): void {
    member.deadlineIndex = this.#members.length;
    this.#members.push(member);
  }

  /** Forgets a member; harmless when it is not there. */
  remove(member: Expiring): void {
    const index = member.deadlineIndex;
    if (index < 0) return;
    member.deadlineIndex = -1;
    const last = this.#members.pop();
    if (last === undefined || last === member) return;
    this.#members[index] = last;
    last.deadlineIndex = index;
  }

  /** Fires what has expired. Walks backwards, since a member that fires usually removes itself. */
  sweep(): void {
    this.now = this.#clock();
    for (let i = this.#members.length - 1; i >= 0; i--) {
      const member = this.#members[i];
      if (member === undefined || member.deadline > this.now) continue;
      member.deadline = Number.POSITIVE_INFINITY;
      member.onDeadline();
    }
  }
}
