import type { SharedTable } from '../pool/table.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';

/** What a backend begins with: less would hardly warm it up. */
const LEAST_SHARE = 0.1;

/** How often shares are brought up to now, in ms. */
const STEP_MS = 50;

/** The share of its weight that a backend may have, so long after its start. */
export function rampShare(elapsedMs: number, windowMs: number): number {
  return Math.min(1, Math.max(LEAST_SHARE, elapsedMs / windowMs));
}

/**
 * Lets backends start slowly: their share of their weight grows evenly over the time of the pool's `slowStart`, in one
 * place, so that every worker sees the same. It costs nothing while nobody starts.
 */
export class SlowStart {
  readonly #table: SharedTable;
  readonly #clock: Clock;
  readonly #starts = new Map<number, { readonly atMs: number; readonly windowMs: number }>();
  #timer: TimerHandle | undefined;

  constructor(table: SharedTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** A backend starts now; the touch of its pool that brings it into play has to come after this. */
  begin(slot: number, windowMs: number): void {
    if (windowMs === 0) return this.end(slot);
    this.#starts.set(slot, { atMs: this.#clock.now(), windowMs });
    this.#table.setRamp(slot, LEAST_SHARE);
    this.#arm();
  }

  /** A backend has all of its weight, or is of no more interest. */
  end(slot: number): void {
    if (this.#starts.delete(slot)) this.#table.setRamp(slot, 1);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#starts.size === 0) return;
    this.#timer = this.#clock.setTimeout(() => this.#step(), STEP_MS);
    this.#timer.unref();
  }

  #step(): void {
    this.#timer = undefined;
    for (const [slot, { atMs, windowMs }] of this.#starts) {
      const share = rampShare(this.#clock.now() - atMs, windowMs);
      if (share < 1) this.#table.setRamp(slot, share);
      else this.end(slot);
    }
    this.#arm();
  }

  /** Leaves no timer behind. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#starts.clear();
  }
}
