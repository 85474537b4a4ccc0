/** Something that must be looked at by a moment. `deadline` is a plain field, so that moving it costs an assignment. */
export interface Expiring {
  /** Milliseconds on the clock of `Deadlines.now`; `Infinity` for none. */
  deadline: number;
  /** Its place in the list of `Deadlines`, -1 outside. Owned by `Deadlines`. */
  deadlineIndex: number;
  /** Called once the deadline has passed. The deadline has been set to `Infinity` before. */
  onDeadline(): void;
}

/** Calls back in a later turn of the event loop. */
export type LaterTurn = (then: () => void) => void;

/** In how many steps per tick many members are looked at: what is due at about the same time is fired at several times. */
const MOST_STEPS = 4;

/** How many are looked at in one step at least, so that an idle proxy wakes once per tick. */
const LEAST_PART = 64;

/**
 * How many are fired in one turn at first. Each may close sockets and write answers, which takes some tens of microseconds,
 * and whoever else is served in that turn waits for all of them.
 */
const FEW = 4;

/**
 * Deadlines of many connections without a timer each: all of them are looked at once every `tickMs`, a part at a time. A
 * busy proxy moves deadlines far more often than they fire, so moving must be free and a late notice is the price: of one
 * tick, of two for a member that is new.
 */
export class Deadlines {
  /** Milliseconds, monotonic, as of the last step: cheap enough to read on every event. */
  now: number;
  /** How long it takes to look at all, in ms. */
  tickMs = 0;
  readonly #members: Expiring[] = [];
  readonly #clock: () => number;
  readonly #later: LaterTurn;
  /**
   * Where it has looked last, 0 when all have had their turn. It goes backwards, since a member that fires usually leaves its
   * place to the last one, which was looked at.
   */
  #at = 0;
  /** How many a step looks at. */
  #part = 0;
  /** Ms between two steps. */
  #pauseMs = 0;
  /** How many are to be looked at in the step under way. */
  #left = 0;
  #perTurn = FEW;

  /** `clock` tells monotonic milliseconds. */
  constructor(clock: () => number, later: LaterTurn) {
    this.#clock = clock;
    this.#later = later;
    this.now = clock();
  }

  /**
   * The moment `ms` from now, never early: a tick is added for the age of `now`, which busy turns make longer than a step.
   * `Infinity` when `ms` is 0, which means none.
   */
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

  /**
   * Looks at the next part of all members and fires what has expired, a few in each turn, twice as many when it is still at it
   * by the next step. Returns in how many ms that is due.
   */
  step(): number {
    this.now = this.#clock();
    if (this.#at === 0) this.#beginRound();
    const isBehind = this.#left > 0;
    this.#left += this.#part;
    this.#perTurn = isBehind ? this.#perTurn * 2 : FEW;
    if (!isBehind) this.#goOn();
    return this.#pauseMs;
  }

  readonly #goOn = (): void => {
    this.#left = Math.min(this.#left, this.#members.length);
    for (let fired = 0; this.#left > 0; ) {
      if (fired === this.#perTurn) return this.#later(this.#goOn);
      this.#left--;
      const member = this.#next();
      if (member === undefined || member.deadline > this.now) continue;
      member.deadline = Number.POSITIVE_INFINITY;
      member.onDeadline();
      fired++;
    }
  };

  #next(): Expiring | undefined {
    if (this.#at === 0) this.#beginRound();
    this.#at = Math.min(this.#at, this.#members.length);
    return this.#at === 0 ? undefined : this.#members[--this.#at];
  }

  /** Parts stay as large when many leave: a round takes no longer than it was to. */
  #beginRound(): void {
    const all = this.#members.length;
    const steps = Math.min(MOST_STEPS, Math.ceil(all / LEAST_PART)) || 1;
    this.#at = all;
    this.#part = Math.ceil(all / steps);
    this.#pauseMs = this.tickMs / steps;
  }
}
