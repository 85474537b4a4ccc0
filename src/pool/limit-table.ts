import { highHalf, mix53 } from '../pick/text-hash.ts';
import type { Rate } from '../support/rate.ts';
import { createLocks, SetLocks } from './set-locks.ts';

/** Sources whose connections are counted at a time, over all listeners and workers, unless told otherwise. */
export const DEFAULT_SOURCES = 65_536;
/** Keys of rate limits that are remembered at most, over all routes and workers, unless told otherwise. */
export const DEFAULT_RATE_KEYS = 131_072;

/** Places that one key may take: when others have them all, it takes that of the one which would be forgotten first. */
const WAYS = 8;
/** Two random numbers, so that nobody outside can tell which keys share their places. */
const SEED_CELLS = 2;
/** What an entry has before the counts of the workers. */
const Cell = { tag: 0, until: 1, due: 2, counts: 3 } as const;

/** The memory of a table; it can be posted to a worker as it is. */
export interface LimitMemory {
  readonly cells: SharedArrayBuffer;
  readonly locks: SharedArrayBuffer;
  /** Workers that count connections in it; 0 for a table of rates only. */
  readonly lanes: number;
}

/** Memory for at least `keys`; `random` is uniform in [0, 1). */
export function createLimitMemory(keys: number, lanes: number, random: () => number): LimitMemory {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(1, keys / WAYS)));
  const length = SEED_CELLS + sets * WAYS * (Cell.counts + lanes);
  const cells = new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT);
  new Float64Array(cells).set([Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 32)]);
  return { cells, locks: createLocks(sets), lanes };
}

/** What came of a connection that wants to be counted. `uncounted` is let in, for want of a place to count it in. */
export type Entry = 'counted' | 'uncounted' | 'too-many' | 'too-fast';

/**
 * Rates and counts by key (a source, a header's value), exact over all workers. It never grows: each key has a few places
 * to be in. When they are full it takes the place of the entry that matters least: one whose rate has recovered, else the
 * one that recovers first. So a flood of keys forgets those who owe little, and never one that is being held back, nor a
 * source that has connections open. Two keys are one to it when 53 bits of their hashes are the same.
 */
export class LimitTable {
  readonly #cells: Float64Array;
  readonly #locks: SetLocks;
  readonly #lanes: number;
  readonly #stride: number;
  readonly #sets: number;
  readonly #lane: number;
  readonly #now: () => number;

  /** `now` is a time in milliseconds that all threads agree on. */
  constructor({ cells, locks, lanes }: LimitMemory, lane: number, now: () => number) {
    this.#cells = new Float64Array(cells);
    this.#locks = new SetLocks(locks, lane);
    this.#lanes = lanes;
    this.#stride = Cell.counts + lanes;
    this.#sets = this.#locks.length;
    this.#lane = lane;
    this.#now = now;
  }

  /** How many keys it can hold. */
  get capacity(): number {
    return this.#sets * WAYS;
  }

  /** Keys that it holds. */
  get size(): number {
    let size = 0;
    for (let at = SEED_CELLS; at < this.#cells.length; at += this.#stride) if (this.#cells[at] !== 0) size++;
    return size;
  }

  /**
   * One more event of a key; `salt` tells apart what it is limited for. `burst` may come at once, then one in each
   * interval. Returns 0 when it is within the rate, else in how many ms it would be.
   */
  take(key: number, salt: number, { intervalMs, count: burst }: Rate): number {
    const tag = this.#tagOf(key, salt);
    const set = this.#lock(tag);
    const at = this.#placeOf(tag, set);
    const waitMs = at < 0 ? 0 : this.#charge(at, intervalMs, burst);
    if (at >= 0) this.#keepUntil(at);
    this.#locks.unlock(set);
    return waitMs;
  }

  /** Counts a connection in; 0 and undefined for no limit. Each one that is `counted` has to `leave`. */
  enter(key: number, salt: number, limits: { readonly connections: number; readonly rate: Rate | undefined }): Entry {
    const { connections, rate } = limits;
    const tag = this.#tagOf(key, salt);
    const set = this.#lock(tag);
    const at = this.#placeOf(tag, set);
    let entry: Entry = at < 0 ? 'uncounted' : 'counted';
    if (at >= 0) {
      if (connections > 0 && this.#open(at) >= connections) entry = 'too-many';
      else if (rate !== undefined && this.#charge(at, rate.intervalMs, rate.count) > 0) entry = 'too-fast';
      else this.#cells[at + Cell.counts + this.#lane]! += 1;
      this.#keepUntil(at);
    }
    this.#locks.unlock(set);
    return entry;
  }

  /** Forgets the rate of a key; the connections it has open stay counted. */
  forgive(key: number, salt: number): void {
    const tag = this.#tagOf(key, salt);
    const set = this.#lock(tag);
    const at = this.#find(tag, set);
    if (at >= 0) {
      this.#cells[at + Cell.due] = 0;
      this.#keepUntil(at);
    }
    this.#locks.unlock(set);
  }

  /** Counts a connection out. */
  leave(key: number, salt: number): void {
    const tag = this.#tagOf(key, salt);
    const set = this.#lock(tag);
    const at = this.#find(tag, set);
    if (at >= 0 && this.#cells[at + Cell.counts + this.#lane]! > 0) {
      this.#cells[at + Cell.counts + this.#lane]! -= 1;
      this.#keepUntil(at);
    }
    this.#locks.unlock(set);
  }

  /** Gives back what a dead worker had counted, and the locks it held. */
  clearLane(lane: number): void {
    this.#locks.clearLane(lane);
    for (let at = SEED_CELLS; at < this.#cells.length; at += this.#stride) {
      if (this.#cells[at + Cell.counts + lane] === 0) continue;
      this.#cells[at + Cell.counts + lane] = 0;
      this.#keepUntil(at);
    }
  }

  /** One event against the rate of an entry: `due` is when all that came would have come at exactly the rate. */
  #charge(at: number, intervalMs: number, burst: number): number {
    const now = this.#now();
    const due = Math.max(this.#cells[at + Cell.due]!, now);
    const waitMs = due - now - (burst - 1) * intervalMs;
    if (waitMs > 0) return waitMs;
    this.#cells[at + Cell.due] = due + intervalMs;
    return 0;
  }

  #open(at: number): number {
    let open = 0;
    for (let lane = 0; lane < this.#lanes; lane++) open += this.#cells[at + Cell.counts + lane]!;
    return open;
  }

  #keepUntil(at: number): void {
    this.#cells[at + Cell.until] = this.#open(at) > 0 ? Number.POSITIVE_INFINITY : this.#cells[at + Cell.due]!;
  }

  /** Never 0, which is the tag of an empty place. */
  #tagOf(key: number, salt: number): number {
    const low = Math.imul(salt, 0x9e3779b1);
    return mix53(highHalf(key) ^ this.#cells[0]! ^ highHalf(salt), (key >>> 0) ^ this.#cells[1]! ^ low) || 1;
  }

  #find(tag: number, set: number): number {
    const first = SEED_CELLS + set * WAYS * this.#stride;
    for (let way = 0; way < WAYS; way++) {
      if (this.#cells[first + way * this.#stride] === tag) return first + way * this.#stride;
    }
    return -1;
  }

  /** The entry of a key, made if there is none; -1 when every place is that of a source with connections. */
  #placeOf(tag: number, set: number): number {
    const known = this.#find(tag, set);
    if (known >= 0) return known;
    const first = SEED_CELLS + set * WAYS * this.#stride;
    let victim = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let way = 0; way < WAYS; way++) {
      const at = first + way * this.#stride;
      if (this.#cells[at + Cell.until]! >= least) continue;
      least = this.#cells[at + Cell.until]!;
      victim = at;
    }
    if (victim < 0) return -1;
    this.#cells.fill(0, victim, victim + this.#stride);
    this.#cells[victim] = tag;
    return victim;
  }

  /** Locks the places of a key. */
  #lock(tag: number): number {
    const set = highHalf(tag) & (this.#sets - 1);
    this.#locks.lock(set);
    return set;
  }
}
