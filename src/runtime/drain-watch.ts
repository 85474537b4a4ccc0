import type { Clock, TimerHandle } from '../support/clock.ts';

/** How often backends that drain are looked at, in ms. */
const LOOK_MS = 200;

/** A backend that drains. */
export interface Draining {
  readonly pool: string;
  readonly backend: string;
}

/** What the watch asks and tells. */
export interface DrainWatchDeps {
  readonly clock: Clock;
  /** Leases still held on a backend; undefined when it no longer drains. */
  activeOf(draining: Draining): number | undefined;
  /** Told at every look of each backend that still holds leases. */
  onLeft(draining: Draining, active: number): void;
  /** Told of a backend that holds none any more, after which it is no longer watched. */
  onDrained(draining: Draining): void;
}

/** Looks after backends that drain until they hold no leases. Runs only while there are any. */
export class DrainWatch {
  readonly #deps: DrainWatchDeps;
  readonly #watched = new Map<string, Draining>();
  #timer: TimerHandle | undefined;

  constructor(deps: DrainWatchDeps) {
    this.#deps = deps;
  }

  /** Watches a backend, from the next look on. */
  add(draining: Draining): void {
    this.#watched.set(`${draining.pool}\n${draining.backend}`, draining);
    this.#timer ??= this.#schedule();
  }

  close(): void {
    this.#watched.clear();
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
  }

  #schedule(): TimerHandle {
    const timer = this.#deps.clock.setTimeout(() => this.#look(), LOOK_MS);
    timer.unref();
    return timer;
  }

  #look(): void {
    for (const [key, draining] of this.#watched) {
      const active = this.#deps.activeOf(draining);
      if (active !== undefined && active > 0) {
        this.#deps.onLeft(draining, active);
        continue;
      }
      this.#watched.delete(key);
      if (active === 0) this.#deps.onDrained(draining);
    }
    this.#timer = this.#watched.size > 0 ? this.#schedule() : undefined;
  }
}
