/** A backend's fixed capacity: so many requests at a time, each taking so long. Capacity is slots / service time. */
export interface Capacity {
  readonly slots: number;
  readonly serviceMs: number;
}

/** Requests per second a backend of this capacity can finish. */
export function requestsPerSecond(capacity: Capacity): number {
  return (capacity.slots * 1000) / capacity.serviceMs;
}

/**
 * An application server that waits on its database, as a queue with several places: whoever comes when all slots are
 * taken waits, first come first served, for the slot that is free earliest. Time is the caller's. A slot is free again
 * at the moment its work was due to end, not when a timer noticed, so that late timers on a busy machine show up as
 * latency and never as less capacity.
 */
export class Slots {
  readonly #freeAtMs: number[];
  readonly #serviceMs: number;

  constructor(capacity: Capacity) {
    this.#freeAtMs = new Array<number>(capacity.slots).fill(Number.NEGATIVE_INFINITY);
    this.#serviceMs = capacity.serviceMs;
  }

  /** Takes a request that arrived at `nowMs` and returns when its answer is due, on the same clock. */
  admit(nowMs: number): number {
    let earliest = 0;
    for (let i = 1; i < this.#freeAtMs.length; i++) {
      if (this.#freeAtMs[i]! < this.#freeAtMs[earliest]!) earliest = i;
    }
    const dueMs = Math.max(nowMs, this.#freeAtMs[earliest]!) + this.#serviceMs;
    this.#freeAtMs[earliest] = dueMs;
    return dueMs;
  }
}
