import { highHalf, mix53 } from '../pick/text-hash.ts';

/** Sessions that are remembered at most, over all routes and workers, unless told otherwise: 3 MiB, used as they come. */
export const DEFAULT_SESSIONS = 262_144;

/** Places that one session may take: when others have them all, it takes that of the one not seen for longest. */
const WAYS = 8;
const CELLS = 3;
/** Two random numbers, so that nobody outside can tell which sessions share their places. */
const SEED_CELLS = 2;
/** Times are kept in steps of this many milliseconds: 32 bits of them wrap after eight years. */
const STEP_MS = 128;
/** Stands in place of a backend while a worker writes an entry. */
const BUSY = -1;

const Cell = { tag: 0, backend: 1, seen: 2 } as const;

/** Memory for a table of at least `sessions`, for all threads; `random` is uniform in [0, 1). */
export function createSessionMemory(sessions: number, random: () => number): SharedArrayBuffer {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(1, sessions / WAYS)));
  const memory = new SharedArrayBuffer((SEED_CELLS + sets * WAYS * CELLS) * Int32Array.BYTES_PER_ELEMENT);
  const cells = new Int32Array(memory);
  for (let cell = 0; cell < SEED_CELLS; cell++) cells[cell] = Math.floor(random() * 2 ** 32);
  return memory;
}

/**
 * Which backend a session is on, by a hash of its key, for all workers together. It never grows: each session has a few
 * places to be in, and takes that of another when they are full. Two sessions are one to it when 45 or more bits of
 * their hashes are the same. Nothing is locked: an entry that one worker writes is passed over by the others meanwhile.
 */
export class SessionTable {
  readonly #cells: Int32Array;
  readonly #sets: number;
  readonly #now: () => number;

  /** `now` is a time in milliseconds that all threads agree on. */
  constructor(memory: SharedArrayBuffer, now: () => number) {
    this.#cells = new Int32Array(memory);
    this.#sets = (this.#cells.length - SEED_CELLS) / WAYS / CELLS;
    this.#now = now;
  }

  /** How many sessions it can hold. */
  get capacity(): number {
    return this.#sets * WAYS;
  }

  /**
   * The backend's number of the session with this 53-bit hash, and -1 when none is known or it was not seen for `ttlMs`
   * (0 for no limit). Finding a session counts as seeing it.
   */
  find(hash: number, ttlMs: number): number {
    const cells = this.#cells;
    const place = this.#placeOf(hash);
    const at = this.#entryOf(place);
    if (at < 0) return -1;
    const backend = Atomics.load(cells, at + Cell.backend);
    const seen = Atomics.load(cells, at + Cell.seen);
    const now = this.#step();
    // Looked at again: another session may have taken the place in between.
    if (backend <= 0 || Atomics.load(cells, at + Cell.tag) !== place.tag) return -1;
    if (ttlMs > 0 && ((now - seen) | 0) * STEP_MS >= ttlMs) return -1;
    if (seen !== now) Atomics.store(cells, at + Cell.seen, now);
    return backend - 1;
  }

  /** Remembers that the session is on that backend from now on. */
  put(hash: number, backend: number): void {
    const cells = this.#cells;
    const place = this.#placeOf(hash);
    let at = this.#entryOf(place);
    if (at < 0) at = this.#victimIn(place.first);
    const before = Atomics.load(cells, at + Cell.backend);
    if (before === BUSY || Atomics.compareExchange(cells, at + Cell.backend, before, BUSY) !== before) return;
    Atomics.store(cells, at + Cell.tag, place.tag);
    Atomics.store(cells, at + Cell.seen, this.#step());
    Atomics.store(cells, at + Cell.backend, backend + 1);
  }

  #step(): number {
    return Math.floor(this.#now() / STEP_MS) | 0;
  }

  /** The first cell of the places that a session may have, and what tells it from others there. */
  #placeOf(hash: number): { readonly first: number; readonly tag: number } {
    const mixed = mix53(highHalf(hash) ^ this.#cells[0]!, (hash >>> 0) ^ this.#cells[1]!);
    const set = highHalf(mixed) & (this.#sets - 1);
    return { first: SEED_CELLS + set * WAYS * CELLS, tag: mixed | 0 };
  }

  #entryOf({ first, tag }: { readonly first: number; readonly tag: number }): number {
    for (let at = first; at < first + WAYS * CELLS; at += CELLS) {
      if (Atomics.load(this.#cells, at + Cell.tag) === tag && this.#cells[at + Cell.backend] !== 0) return at;
    }
    return -1;
  }

  /** An empty place, or the one whose session was not seen for longest. */
  #victimIn(first: number): number {
    const now = this.#step();
    let victim = first;
    let longest = -1;
    for (let at = first; at < first + WAYS * CELLS; at += CELLS) {
      if (Atomics.load(this.#cells, at + Cell.backend) === 0) return at;
      const age = (now - Atomics.load(this.#cells, at + Cell.seen)) | 0;
      if (age <= longest) continue;
      longest = age;
      victim = at;
    }
    return victim;
  }
}
