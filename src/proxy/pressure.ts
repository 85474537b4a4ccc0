/** How the event loop of a worker did for a while. */
export interface LoopSample {
  /** Turns of the loop: how often all was seen that had come by then. */
  readonly turns: number;
  /** Time that the thread had a processor, in ms: what others on the machine take from it is not in here. */
  readonly cpuMs: number;
  /** Share of the time, 0 to 1, in which it did not wait for something to do. */
  readonly utilization: number;
}

/**
 * Turns of so much work on average, in ms of processor, are too long: each brings what some two thousand requests take. One
 * of half as much says that there is no queue.
 */
const LONG_TURN_MS = 60;
/** Long turns in a row that took so much together are no start, pause or burst any more, but more than the worker can do. */
const OVERLOAD_MS = 1000;
const LEAST_LONG_TURNS = 3;
/** Below this there are moments without work, so nothing piles up. */
const BUSY = 0.95;

/** What a turn is to take while work is refused, in ms of processor: what is let in then waits for two at most. */
const AIM_MS = 5;
/** How far into a turn requests are let in, in ms of processor. */
const LONGEST_OPEN_MS = 2.5;
const SHORTEST_OPEN_MS = 0.5;
/** By how much longer than that they are let in with each sample that shows short turns, in ms. */
const STEP_MS = 0.125;
/** The part of a turn that is kept for those that are let in, when to refuse takes long by itself. */
const LEAST_OPEN_SHARE = 1 / 5;
/** Samples without a refusal after which it is over. */
const QUIET_SAMPLES = 10;

/** What it works with. */
export interface PressureParts {
  /** How long this thread has had a processor, in ms. */
  cpuNow(): number;
  /** Calls back at the end of this turn. */
  afterTurn(done: () => void): void;
  /** Hears when work begins to be refused, and when that is over. */
  onChange(shedding: boolean): void;
}

/**
 * Refuses new work while a worker has more than it can do, so that what it takes on is done in time. That it has too much
 * shows in turns of the event loop: each serves what came during the one before, so a standing queue makes all of them
 * long (as CoDel tells one from a burst, RFC 8289 §3.2). It takes a second of such turns, at whole use, in time of the
 * processor: neither a collection of garbage, nor a burst, nor a machine that is busy with other things looks like that.
 *
 * Then each turn lets in what comes in its first moments, and refuses the rest. How long those are is adjusted until turns
 * are short again, less when they are too long and little by little more (AIMD); once nothing is refused, it is over.
 */
export class Pressure {
  readonly #parts: PressureParts;
  #shedding = false;
  #longTurns = 0;
  #longMs = 0;
  #openMs = LONGEST_OPEN_MS;
  #quiet = 0;
  #refusals = 0;
  #turnBegan = 0;
  #inTurn = false;

  constructor(parts: PressureParts) {
    this.#parts = parts;
  }

  /** True while new work may be refused. */
  get shedding(): boolean {
    return this.#shedding;
  }

  /** True when the work that has come just now is to be refused. */
  sheds(): boolean {
    return this.#shedding && this.#isLate();
  }

  #isLate(): boolean {
    const now = this.#parts.cpuNow();
    if (!this.#inTurn) {
      this.#inTurn = true;
      this.#turnBegan = now;
      this.#parts.afterTurn(this.#onTurnEnd);
    }
    if (now - this.#turnBegan < this.#openMs) return false;
    this.#refusals++;
    return true;
  }

  readonly #onTurnEnd = (): void => {
    this.#inTurn = false;
  };

  /** Takes how the loop did since the last sample, about ten times a second. */
  observe(sample: LoopSample): void {
    if (this.#shedding) this.#adjust(sample);
    else this.#look(sample);
  }

  #look({ turns, cpuMs, utilization }: LoopSample): void {
    const queued = utilization >= BUSY && cpuMs >= (LONG_TURN_MS / 2) * turns;
    this.#longTurns = queued ? this.#longTurns + turns : 0;
    this.#longMs = queued ? this.#longMs + cpuMs : 0;
    if (this.#longTurns < LEAST_LONG_TURNS || this.#longMs < OVERLOAD_MS) return;
    const isOverload = this.#longMs >= LONG_TURN_MS * this.#longTurns;
    this.#longTurns = isOverload ? 0 : this.#longTurns / 2;
    this.#longMs = isOverload ? 0 : this.#longMs / 2;
    if (!isOverload) return;
    this.#quiet = 0;
    this.#refusals = 0;
    // There is a queue to be worked off first.
    this.#openMs = SHORTEST_OPEN_MS;
    this.#change(true);
  }

  #adjust({ turns, cpuMs }: LoopSample): void {
    this.#quiet = this.#refusals === 0 ? this.#quiet + 1 : 0;
    this.#refusals = 0;
    if (this.#quiet >= QUIET_SAMPLES) return this.#change(false);
    const turnMs = turns > 0 ? cpuMs / turns : 0;
    if (turnMs <= AIM_MS) this.#openMs = Math.min(LONGEST_OPEN_MS, this.#openMs + STEP_MS);
    else {
      const least = Math.min(LONGEST_OPEN_MS, turnMs * LEAST_OPEN_SHARE);
      this.#openMs = Math.max(SHORTEST_OPEN_MS, least, this.#openMs * 0.7);
    }
  }

  #change(shedding: boolean): void {
    this.#shedding = shedding;
    this.#parts.onChange(shedding);
  }
}
