import { hash53, highHalf, mix53 } from '../pick/text-hash.ts';
import { packNetwork, unpackNetwork } from '../support/network.ts';
import { createLocks, SetLocks } from './set-locks.ts';

/** Bans that are in force at a time at most, over all listeners, unless told otherwise: 1 MiB, used as they come. */
export const DEFAULT_BANS = 16_384;

/** What a source was banned for. */
export const banReasons = ['bad', 'not-found', 'manual'] as const;
/** One of these. */
export type BanReason = (typeof banReasons)[number];

/** Places that one ban may take: when others have them all, it takes that of the one which ends first. */
const WAYS = 8;
/** Two random numbers, so that nobody outside can tell which sources share their places. */
const SEED_CELLS = 2;
/** One entry: a cache line. `until` is 0 in a place that is empty, or being written. */
const Cell = { tag: 0, until: 1, since: 2, listener: 3, reason: 4, cause: 5, high: 6, low: 7 } as const;
const STRIDE = 8;

/** The memory of a table; it can be posted to a worker as it is. */
export interface BanMemory {
  readonly cells: SharedArrayBuffer;
  readonly locks: SharedArrayBuffer;
}

/** Memory for at least `bans`; `random` is uniform in [0, 1). */
export function createBanMemory(bans: number, random: () => number): BanMemory {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(1, bans / WAYS)));
  const cells = new SharedArrayBuffer((SEED_CELLS + sets * WAYS * STRIDE) * Float64Array.BYTES_PER_ELEMENT);
  new Float64Array(cells).set([Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 32)]);
  return { cells, locks: createLocks(sets) };
}

/** Why a source is banned, and for how long. */
export interface BanOrder {
  readonly reason: BanReason;
  /** A number of the caller's that says more of the reason. */
  readonly cause: number;
  readonly forMs: number;
}

/** A ban that is in force. */
export interface Ban {
  /** An IPv4 address, or a /64 of IPv6. */
  readonly source: string;
  /** The hash of the listener's name. */
  readonly listener: number;
  readonly reason: BanReason;
  readonly cause: number;
  /** Times of the table's clock, in ms. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * Who is banned from which listener, for all threads together. It never grows: each ban has a few places to be in, and
 * takes that of the one which ends first when they are full. To ask takes no lock; to change does, one of many.
 */
export class BanTable {
  readonly #cells: Float64Array;
  readonly #locks: SetLocks;
  readonly #now: () => number;

  /** `now` is a time in milliseconds, above 0, that all threads agree on. */
  constructor({ cells, locks }: BanMemory, lane: number, now: () => number) {
    this.#cells = new Float64Array(cells);
    this.#locks = new SetLocks(locks, lane);
    this.#now = now;
  }

  /** How many bans it can hold. */
  get capacity(): number {
    return this.#locks.length * WAYS;
  }

  /** True while this source is banned; `network` as of `networkOf`, `listener` the hash of the listener's name. */
  has(network: string, listener: number): boolean {
    const at = this.#find(this.#tagOf(network, listener));
    return at >= 0 && this.#cells[at + Cell.until]! > this.#now();
  }

  /** Bans a source. False, and nothing changes, when it is banned already, or is no IP address. */
  add(network: string, listener: number, { reason, cause, forMs }: BanOrder): boolean {
    const packed = packNetwork(network);
    if (packed === undefined) return false;
    const tag = this.#tagOf(network, listener);
    const set = this.#setOf(tag);
    const now = this.#now();
    this.#locks.lock(set);
    const known = this.#find(tag);
    const fresh = known < 0 || this.#cells[known + Cell.until]! <= now;
    if (fresh) {
      const at = known < 0 ? this.#soonestIn(set) : known;
      const { high, low } = packed;
      this.#cells[at + Cell.until] = 0;
      this.#cells.set([now, listener, banReasons.indexOf(reason), cause, high, low], at + Cell.since);
      this.#cells[at + Cell.tag] = tag;
      this.#cells[at + Cell.until] = now + forMs;
    }
    this.#locks.unlock(set);
    return fresh;
  }

  /** Lifts a ban; false when there is none. */
  lift(network: string, listener: number): boolean {
    const tag = this.#tagOf(network, listener);
    const set = this.#setOf(tag);
    this.#locks.lock(set);
    const at = this.#find(tag);
    const lifted = at >= 0 && this.#cells[at + Cell.until]! > this.#now();
    if (at >= 0) this.#cells[at + Cell.until] = 0;
    this.#locks.unlock(set);
    return lifted;
  }

  /** All bans that are in force. */
  active(): Ban[] {
    const bans: Ban[] = [];
    const now = this.#now();
    for (let at = SEED_CELLS; at < this.#cells.length; at += STRIDE) {
      const [tag, untilMs, sinceMs, listener, reason, cause, high, low] = this.#cells.subarray(at, at + STRIDE);
      if (untilMs! <= now || this.#cells[at] !== tag) continue;
      bans.push({
        source: unpackNetwork(high!, low!),
        listener: listener!,
        reason: banReasons[reason!]!,
        cause: cause!,
        sinceMs: sinceMs!,
        untilMs: untilMs!,
      });
    }
    return bans;
  }

  /** Never 0, which is the tag of an empty place. */
  #tagOf(network: string, listener: number): number {
    const key = hash53(network);
    const low = Math.imul(listener, 0x9e3779b1);
    return mix53(highHalf(key) ^ this.#cells[0]! ^ highHalf(listener), (key >>> 0) ^ this.#cells[1]! ^ low) || 1;
  }

  #setOf(tag: number): number {
    return highHalf(tag) & (this.#locks.length - 1);
  }

  #find(tag: number): number {
    const first = SEED_CELLS + this.#setOf(tag) * WAYS * STRIDE;
    for (let at = first; at < first + WAYS * STRIDE; at += STRIDE) if (this.#cells[at] === tag) return at;
    return -1;
  }

  /** The place of the ban that ends first; empty ones, and those of bans that are over, come before all. */
  #soonestIn(set: number): number {
    const first = SEED_CELLS + set * WAYS * STRIDE;
    let soonest = first;
    for (let at = first; at < first + WAYS * STRIDE; at += STRIDE) {
      if (this.#cells[at + Cell.until]! < this.#cells[soonest + Cell.until]!) soonest = at;
    }
    return soonest;
  }
}
