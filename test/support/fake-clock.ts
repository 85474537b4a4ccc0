import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, TimerHandle } from '../../src/support/clock.ts';

interface FakeTimer extends TimerHandle {
  readonly dueMs: number;
  readonly fn: () => void;
}

const MOST_FIRINGS = 100_000;

/** A clock that stands still until `advance` moves it; starts at 0 unless told otherwise. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<FakeTimer>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  /** How many timers are set and have not fired: 0 at the end of a test means that none leaked. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in ms from now; undefined when none is set. */
  get nextInMs(): number | undefined {
    const next = this.#earliest();
    return next && next.dueMs - this.#nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const timer: FakeTimer = { dueMs: this.#nowMs + Math.max(0, ms), fn, unref: () => timer };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as FakeTimer);
  }

  /**
   * Moves time on by `ms`, firing what falls due in the order of its due time, then of its setting, timers set on the
   * way included. Promises settle before the first timer, between timers and after the last. `advance(0)` fires what
   * is due now.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await nextTurn();
    for (let fired = 0; ; fired++) {
      const timer = this.#earliest();
      if (timer === undefined || timer.dueMs > endMs) break;
      if (fired === MOST_FIRINGS) throw new Error(`timers keep falling due at ${timer.dueMs} ms`);
      this.#timers.delete(timer);
      this.#nowMs = timer.dueMs;
      timer.fn();
      await nextTurn();
    }
    this.#nowMs = endMs;
  }

  #earliest(): FakeTimer | undefined {
    let first: FakeTimer | undefined;
    // A set keeps the order of setting, so the first of equals stays.
    for (const timer of this.#timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  }
}
