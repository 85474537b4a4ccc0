/**
 * How long backends take, as a histogram of fixed size whose buckets grow with the value: eight to each doubling, so
 * that any percentile read from it is right to within 12.5 % from 8 µs to a minute. The idea is HdrHistogram's (Gil
 * Tene). It counts in microseconds, because in whole milliseconds all local backends look alike.
 */

const BUCKETS_PER_DOUBLING_BITS = 3;
const LINEAR_MICROS = 1 << BUCKETS_PER_DOUBLING_BITS;
const DOUBLINGS = 26;
const LIMIT_MICROS = 2 ** DOUBLINGS;

/** Cells that one latency histogram takes; the last bucket ends at 2²⁶ µs (67 s) and takes all that is longer too. */
export const LATENCY_CELLS: number = (DOUBLINGS - BUCKETS_PER_DOUBLING_BITS + 1) << BUCKETS_PER_DOUBLING_BITS;

/** The bucket of a latency of 0 µs or more. */
export function latencyCell(micros: number): number {
  if (micros >= LIMIT_MICROS) return LATENCY_CELLS - 1;
  const whole = micros | 0;
  if (whole < LINEAR_MICROS) return whole;
  const shift = 31 - Math.clz32(whole) - BUCKETS_PER_DOUBLING_BITS;
  return (shift << BUCKETS_PER_DOUBLING_BITS) + (whole >> shift);
}

/** The shortest latency, in µs, that bucket `cell` counts; for LATENCY_CELLS, where the last bucket ends. */
export function latencyFloor(cell: number): number {
  const shift = (cell >> BUCKETS_PER_DOUBLING_BITS) - 1;
  return shift < 0 ? cell : ((cell & (LINEAR_MICROS - 1)) + LINEAR_MICROS) * 2 ** shift;
}

/**
 * The latency, in µs, that a share `q` (0 to 1) of what `cells` counts does not exceed, taking the counts of a bucket
 * as spread evenly over it; undefined when nothing was counted.
 */
export function quantile(cells: ArrayLike<number>, q: number): number | undefined {
  let total = 0;
  for (let cell = 0; cell < LATENCY_CELLS; cell++) total += cells[cell]!;
  if (total <= 0) return undefined;
  const rank = q * total;
  let below = 0;
  let last = 0;
  for (let cell = 0; cell < LATENCY_CELLS; cell++) {
    const count = cells[cell]!;
    if (count <= 0) continue;
    last = cell;
    if (below + count >= rank) break;
    below += count;
  }
  const floor = latencyFloor(last);
  return floor + ((latencyFloor(last + 1) - floor) * (rank - below)) / cells[last]!;
}

/** Counts latencies into a block of LATENCY_CELLS cells. */
export class LatencyRecorder {
  readonly #cells: Float64Array;
  readonly #base: number;

  /** `cells` are a lane's, `base` the index of the block's first cell in them. */
  constructor(cells: Float64Array, base: number) {
    this.#cells = cells;
    this.#base = base;
  }

  /** Counts one latency; what is no duration (negative, NaN) is not counted. Allocates nothing. */
  observe(micros: number): void {
    if (micros >= 0) this.#cells[this.#base + latencyCell(micros)]! += 1;
  }
}
