/**
 * Latencies of a load test: how many there were of each length, in buckets that grow by one percent from 1 µs to an hour,
 * so that every percentile is right to within one percent in a few thousand cells however many requests there are. The
 * idea is HdrHistogram's (Gil Tene). Times are in ms; below 1 µs all are alike.
 */

const GROWTH = 1.01;
const SHORTEST_MS = 0.001;
const LOG_GROWTH = Math.log(GROWTH);
const CELLS = Math.ceil(Math.log(3_600_000 / SHORTEST_MS) / LOG_GROWTH) + 1;

/** What was recorded, as plain data to be sent between processes. */
export interface LatencyCounts {
  readonly cells: Uint32Array;
  readonly count: number;
  readonly sumMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** One bar of a histogram. */
export interface Bar {
  /** Latencies above `fromMs`, up to and with `toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Records latencies. */
export class Latencies {
  readonly #cells = new Uint32Array(CELLS);
  #count = 0;
  #sumMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;

  record(ms: number): void {
    const steps = ms <= SHORTEST_MS ? 0 : Math.ceil(Math.log(ms / SHORTEST_MS) / LOG_GROWTH);
    this.#cells[Math.min(steps, CELLS - 1)]!++;
    this.#count++;
    this.#sumMs += ms;
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** Adds what another one has recorded. */
  add({ cells, count, sumMs, minMs, maxMs }: LatencyCounts): void {
    for (const [cell, counted] of cells.entries()) this.#cells[cell]! += counted;
    this.#count += count;
    this.#sumMs += sumMs;
    this.#minMs = Math.min(this.#minMs, minMs);
    this.#maxMs = Math.max(this.#maxMs, maxMs);
  }

  /** All of it as plain data. */
  get counts(): LatencyCounts {
    return { cells: this.#cells, count: this.#count, sumMs: this.#sumMs, minMs: this.#minMs, maxMs: this.#maxMs };
  }

  get count(): number {
    return this.#count;
  }

  /** 0 when nothing was recorded, as for all of these. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  get minMs(): number {
    return this.#count === 0 ? 0 : this.#minMs;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** What a share `q` (0 to 1) of the latencies does not exceed. */
  percentileMs(q: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let below = 0;
    for (const [cell, counted] of this.#cells.entries()) {
      below += counted;
      if (below >= rank) return Math.min(Math.max(ceilingOf(cell), this.#minMs), this.#maxMs);
    }
    return this.#maxMs;
  }

  /** The histogram in at most `most` bars of equal growth. */
  bars(most: number): Bar[] {
    if (this.#count === 0) return [];
    const first = this.#cells.findIndex((counted) => counted > 0);
    const last = Math.max(
      first,
      this.#cells.findLastIndex((counted) => counted > 0),
    );
    const perBar = Math.max(1, Math.ceil((last - first + 1) / most));
    const bars: Bar[] = [];
    for (let cell = first; cell <= last; cell += perBar) {
      const end = Math.min(cell + perBar, last + 1);
      const count = this.#cells.subarray(cell, end).reduce((sum, counted) => sum + counted, 0);
      bars.push({ fromMs: cell === 0 ? 0 : ceilingOf(cell - 1), toMs: ceilingOf(end - 1), count });
    }
    return bars;
  }
}

/** The longest latency that a cell counts. */
function ceilingOf(cell: number): number {
  return SHORTEST_MS * GROWTH ** cell;
}
