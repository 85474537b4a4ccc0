/** A request that waits for a place among those that are tried again. */
export interface RetryWaiter {
  /** As `take` of the budget has it. */
  readonly share: number;
  /** It has its place and waits no longer. */
  mayRetry(): void;
}

/** Retries that a pool may have under way in a worker whatever its load, so that a quiet pool can retry at all. */
export const MIN_RETRIES = 3;

/** Requests of a pool that may wait in a worker at a time. */
export const MOST_WAITING = 1000;

/**
 * How many requests of a pool are tried again at a time in one worker, so that a pool in trouble is not given much more
 * to do than before. Who finds no place may wait for one, first in, first out: what a backend that died had before it
 * then goes to the others one after another.
 */
export class RetryBudget {
  readonly #held: () => number;
  readonly #waiters = new Set<RetryWaiter>();
  #underWay = 0;
  #scheduled = false;

  /** `held` tells how many leases of the pool the worker holds. */
  constructor(held: () => number) {
    this.#held = held;
  }

  /**
   * Takes a place, of which there are `share` of the requests under way, and MIN_RETRIES at least; false when all are
   * taken, or when somebody waits for one.
   */
  take(share: number): boolean {
    if (this.#waiters.size > 0 || !this.#hasRoom(share)) return false;
    this.#underWay++;
    return true;
  }

  /** Those who wait have no lease any more, and are under way nevertheless: a failure must not shrink the budget. */
  #hasRoom(share: number): boolean {
    const active = this.#held() + this.#waiters.size;
    return this.#underWay + 1 <= Math.max(MIN_RETRIES, active * share);
  }

  /** Waits for a place, behind all who do; false when too many wait. */
  join(waiter: RetryWaiter): boolean {
    if (this.#waiters.size >= MOST_WAITING) return false;
    this.#waiters.add(waiter);
    return true;
  }

  /** Waits no longer. Harmless for one that does not wait. */
  leave(waiter: RetryWaiter): void {
    this.#waiters.delete(waiter);
  }

  /** Gives a place back, for the first of those who wait. */
  giveBack(): void {
    this.#underWay--;
    if (this.#waiters.size > 0) this.#serveSoon();
  }

  /** Not at once: whoever gives a place back has other things to end first. */
  #serveSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#serve();
    });
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (!this.#hasRoom(waiter.share)) return;
      this.#waiters.delete(waiter);
      this.#underWay++;
      waiter.mayRetry();
    }
  }
}
