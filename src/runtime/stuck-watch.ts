import type { Clock, TimerHandle } from '../support/clock.ts';

/** How often workers are looked at, in ms. */
const LOOK_MS = 1000;
/** How long the event loop of a worker may stand still, in ms. Nothing that a worker is meant to do takes a tenth of it. */
export const STUCK_MS = 10_000;

/** What it looks at, and whom it tells. */
export interface StuckWatchDeps {
  /** One count per worker, which goes on as long as its event loop does. */
  readonly beats: Int32Array;
  readonly clock: Clock;
  onStuck(lane: number): void;
}

/**
 * Finds workers whose event loop stands still, whatever holds it up.
 * While the whole process stood still, nothing is held against any of them.
 */
export class StuckWatch {
  readonly #deps: StuckWatchDeps;
  readonly #seen: number[];
  /** Since when each count has not gone on, in ms of the clock. */
  readonly #since: number[];
  #lookedAt: number;
  #timer: TimerHandle;

  constructor(deps: StuckWatchDeps) {
    this.#deps = deps;
    this.#lookedAt = deps.clock.now();
    this.#seen = Array.from(deps.beats, () => 0);
    this.#since = Array.from(deps.beats, () => this.#lookedAt);
    this.#timer = this.#schedule();
  }

  #schedule(): TimerHandle {
    const timer = this.#deps.clock.setTimeout(() => this.#look(), LOOK_MS);
    timer.unref();
    return timer;
  }

  #look(): void {
    const { beats, clock, onStuck } = this.#deps;
    this.#timer = this.#schedule();
    const now = clock.now();
    const stoodStill = now - this.#lookedAt > 2 * LOOK_MS;
    this.#lookedAt = now;
    for (let lane = 0; lane < beats.length; lane++) {
      const beat = Atomics.load(beats, lane);
      const goesOn = beat !== this.#seen[lane] || stoodStill;
      this.#seen[lane] = beat;
      if (!goesOn && now - this.#since[lane]! < STUCK_MS) continue;
      this.#since[lane] = now;
      if (!goesOn) onStuck(lane);
    }
  }

  stop(): void {
    this.#deps.clock.clearTimeout(this.#timer);
  }
}
