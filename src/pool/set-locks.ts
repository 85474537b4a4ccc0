/** Looks at a lock that another thread has before this one sleeps for a moment. */
const MAX_SPINS = 200;
/**
 * Moments of 1 ms that a lock is waited for. A worker that died gives its locks back sooner; one that the system has
 * stopped in the middle must not find its lock taken over, or what it writes then is of old.
 */
const MAX_SLEEPS = 100;

/** Memory for so many locks, for all threads. */
export function createLocks(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT);
}

/** Locks of a table in shared memory, one for each set of places; each is held for well under a microsecond. */
export class SetLocks {
  readonly #locks: Int32Array;
  readonly #mine: number;

  /** `lane` tells the threads apart, from 0 on. */
  constructor(memory: SharedArrayBuffer, lane: number) {
    this.#locks = new Int32Array(memory);
    this.#mine = lane + 1;
  }

  get length(): number {
    return this.#locks.length;
  }

  /** Takes the lock of a set; one that is never given back is taken over in the end. */
  lock(set: number): void {
    for (let spin = 0; spin < MAX_SPINS; spin++) {
      if (Atomics.compareExchange(this.#locks, set, 0, this.#mine) === 0) return;
    }
    for (let sleep = 0; sleep < MAX_SLEEPS; sleep++) {
      const held = Atomics.compareExchange(this.#locks, set, 0, this.#mine);
      if (held === 0) return;
      Atomics.wait(this.#locks, set, held, 1);
    }
    Atomics.store(this.#locks, set, this.#mine);
  }

  unlock(set: number): void {
    Atomics.compareExchange(this.#locks, set, this.#mine, 0);
  }

  /** Gives back what a dead worker held. */
  clearLane(lane: number): void {
    for (let set = 0; set < this.length; set++) Atomics.compareExchange(this.#locks, set, lane + 1, 0);
  }
}
