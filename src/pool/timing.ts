import { bandOf, faded, LOAD_BANDS, movingAverage, peakAverage } from '../pick/latency.ts';
import type { Backend } from './backend.ts';
import { isFailure, Lease, type Lessor, type Outcome } from './lease.ts';
import type { SharedTable } from './table.ts';

/** The series of the table that peaks go into; behind it comes one for each band of load. */
const PEAKS = 0;
const firstBand = 1;

/** Estimates are Int32 cells: 35 minutes is as long as anything is taken to be. */
const LONGEST_US = 2 ** 31 - 1;

/** The share of a pool's backends that are as fast or faster than what a failure counts as. */
const FAILURE_QUANTILE = 0.9;

/**
 * What a failure counts as while nobody in the pool was measured; and how long a lease must wait for its first answer to
 * say anything about a backend. Less would make a new backend seem fast as long as it has not answered.
 */
const UNKNOWN_US = 100_000;

/** What failures in a row come to at most. */
const LONGEST_FAILURE_US = 10_000_000;

/** Measures how long leases of a pool wait for their answers; only pools whose algorithm asks for it have one. */
export class PoolTiming {
  readonly table: SharedTable;
  /** The time of the last look. Time is read once for each pick, not for each backend. */
  nowMs = 0;
  readonly #now: () => number;
  readonly #backends = new Map<number, BackendTiming>();

  constructor(table: SharedTable, now: () => number) {
    this.table = table;
    this.#now = now;
    this.look();
  }

  /** Reads the clock. */
  look(): void {
    this.nowMs = this.#now();
  }

  /** The timing of the backend on a slot. */
  of(slot: number): BackendTiming {
    let timing = this.#backends.get(slot);
    if (timing === undefined) {
      timing = new BackendTiming(this, slot);
      this.#backends.set(slot, timing);
    }
    return timing;
  }

  /** A lease that is measured. */
  lease(lessor: Lessor, backend: Backend): Lease {
    // A session's lease comes without a pick, and so without a look.
    this.look();
    return new TimedLease(lessor, backend, this.of(backend.slot));
  }

  /** Forgets the backends on other slots. */
  keep(slots: readonly number[]): void {
    for (const slot of this.#backends.keys()) if (!slots.includes(slot)) this.#backends.delete(slot);
  }

  /** What a failure counts as: as slow as the slowest tenth of the pool. */
  get failureUs(): number {
    const known = [...this.#backends.values()].map(({ latencyUs }) => latencyUs).filter((us) => us > 0);
    if (known.length === 0) return UNKNOWN_US;
    return known.sort((a, b) => a - b)[Math.ceil(known.length * FAILURE_QUANTILE) - 1]!;
  }
}

/** How long leases on one backend wait: by all workers, and of those that are waiting now, by this one. */
export class BackendTiming {
  readonly pool: PoolTiming;
  readonly #slot: number;
  /** The leases of this worker that wait for their answer, the oldest first: a list that each lease links itself into. */
  #oldest: TimedLease | undefined;
  #newest: TimedLease | undefined;

  constructor(pool: PoolTiming, slot: number) {
    this.pool = pool;
    this.#slot = slot;
  }

  /** Peaks counting at once. What still waits counts with its age, and all workers hear of that. */
  get latencyUs(): number {
    const estimateUs = this.#faded(PEAKS);
    const waitingUs = this.#waitingUs();
    if (waitingUs <= (estimateUs || UNKNOWN_US)) return estimateUs;
    this.#store(PEAKS, waitingUs);
    return waitingUs;
  }

  /**
   * At about this load. What was faster at a higher load would be at this one, so the least estimate from here up counts:
   * single slow answers, of which a band that is seldom visited keeps one for long, then do no harm. When no higher load
   * was measured, the nearest lower one counts.
   */
  latencyAt(active: number): number {
    const band = bandOf(active);
    let estimateUs = 0;
    for (let at = band; at < LOAD_BANDS; at++) {
      const here = this.#faded(firstBand + at);
      if (here > 0 && (estimateUs === 0 || here < estimateUs)) estimateUs = here;
    }
    for (let at = band - 1; at >= 0 && estimateUs === 0; at--) estimateUs = this.#faded(firstBand + at);
    const waitingUs = this.#waitingUs();
    return waitingUs > (estimateUs || UNKNOWN_US) ? waitingUs : estimateUs;
  }

  #waitingUs(): number {
    const oldest = this.#oldest;
    return oldest === undefined ? 0 : (this.pool.nowMs - oldest.sinceMs) * 1000;
  }

  #faded(series: number): number {
    const { table } = this.pool;
    return faded(table.latencyUs(this.#slot, series), this.#ageMs(series));
  }

  /** Wrapped, so an estimate that rested for weeks may seem to be of now: it is as good as none, and soon replaced. */
  #ageMs(series: number): number {
    return (Math.trunc(this.pool.nowMs) - this.pool.table.latencyStamp(this.#slot, series)) | 0;
  }

  #store(series: number, us: number): void {
    const estimateUs = Math.min(LONGEST_US, Math.max(1, Math.round(us)));
    this.pool.table.setLatency(this.#slot, series, estimateUs, Math.trunc(this.pool.nowMs) | 0);
  }

  /** A lease begins to wait. */
  add(lease: TimedLease): void {
    lease.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = lease;
    else this.#newest.newer = lease;
    this.#newest = lease;
  }

  /** It waits no longer. */
  remove(lease: TimedLease): void {
    if (lease.older === undefined) this.#oldest = lease.newer;
    else lease.older.newer = lease.newer;
    if (lease.newer === undefined) this.#newest = lease.older;
    else lease.newer.older = lease.older;
  }

  /** An answer came after `us`, to a lease that was taken at a load of this band. */
  record(us: number, band: number): void {
    this.pool.look();
    const { table } = this.pool;
    const [peaks, atLoad] = [table.latencyUs(this.#slot, PEAKS), table.latencyUs(this.#slot, firstBand + band)];
    this.#store(PEAKS, peakAverage(peaks, us, this.#ageMs(PEAKS)));
    this.#store(firstBand + band, movingAverage(atLoad, us, this.#ageMs(firstBand + band)));
  }

  /**
   * A lease failed, which had waited since `sinceMs` if it still did. Failing fast must not look like answering fast: it
   * counts as slow as the slowest tenth, and each further failure in a row as twice as slow, or one that fails all its
   * leases, and so is always idle, would draw the most of them.
   */
  recordFailure(sinceMs: number | undefined, band: number): void {
    this.pool.look();
    const waitedUs = sinceMs === undefined ? 0 : (this.pool.nowMs - sinceMs) * 1000;
    const factor = this.pool.table.streak(this.#slot) > 1 ? 2 : 1;
    const slowUs = Math.min(factor * Math.max(this.pool.failureUs, this.#faded(PEAKS)), LONGEST_FAILURE_US);
    const least = Math.max(waitedUs, slowUs);
    this.#store(PEAKS, Math.max(least, this.#faded(PEAKS)));
    this.#store(firstBand + band, Math.max(least, this.#faded(firstBand + band)));
  }
}

/** A lease in a pool that goes by latency. */
class TimedLease extends Lease {
  readonly sinceMs: number;
  older: TimedLease | undefined;
  newer: TimedLease | undefined;
  readonly #timing: BackendTiming;
  readonly #band: number;
  #waits = true;

  constructor(lessor: Lessor, backend: Backend, timing: BackendTiming) {
    super(lessor, backend);
    this.#timing = timing;
    this.sinceMs = timing.pool.nowMs;
    // Its own lease is held already.
    this.#band = bandOf(backend.active - 1);
    timing.add(this);
  }

  override answered(us: number): void {
    if (!this.#waits) return;
    this.#stopWaiting();
    this.#timing.record(us, this.#band);
  }

  override release(outcome: Outcome): void {
    const waited = this.#waits;
    this.#stopWaiting();
    super.release(outcome);
    if (isFailure(outcome)) this.#timing.recordFailure(waited ? this.sinceMs : undefined, this.#band);
  }

  #stopWaiting(): void {
    if (this.#waits) this.#timing.remove(this);
    this.#waits = false;
  }
}
