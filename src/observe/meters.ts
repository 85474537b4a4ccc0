import { type LabelsOf, type LaneMetric, type MeterName, type MeterShape, meterShapes } from './catalogue.ts';
import { LatencyRecorder } from './latency.ts';

/**
 * Cells of one lane unless told otherwise: room for ten thousand routes that all have been asked for. It is 2 MiB, of
 * which the system gives out only the pages that are counted in.
 */
export const CELLS_PER_LANE = 262_144;

const CELL_BYTES = 8;
const CELLS_PER_CACHE_LINE = 8;
const reservedCells = meterShapes.reduce((sum, shape) => sum + shape.width, 0);

/**
 * The cells that all workers count in, one lane for each worker. It can be posted to a worker thread as it is; both
 * sides then see the same memory.
 *
 * There is no lock, because a lane has one writer at a time: its worker, or between the end of a worker and the start
 * of its replacement the control plane. A cell is 8 bytes on an 8-byte boundary, so on the machines Node runs on a
 * store or a load of it is one instruction: a reader sees the value before or the value after, never half of each.
 */
export interface MeterMemory {
  readonly buffer: SharedArrayBuffer;
  readonly lanes: number;
  readonly cellsPerLane: number;
}

/** The values of a series' labels, by label. */
export type Labels = Readonly<Record<string, string>>;

/** A worker's word that from cell `index` of its lane on lies the series of these labels. */
export interface Claim {
  readonly index: number;
  readonly name: MeterName;
  readonly labels: Labels;
  /** The cells were given up: they are for the next series of this meter. */
  readonly free?: boolean;
}

/**
 * Makes cells that are all 0. `cellsPerLane` is rounded up to whole cache lines, so that two workers never write to
 * the same one; throws a RangeError when it is too few for one series of every meter.
 */
export function createMeterMemory(size: { lanes: number; cellsPerLane?: number }): MeterMemory {
  const lines = Math.ceil((size.cellsPerLane ?? CELLS_PER_LANE) / CELLS_PER_CACHE_LINE);
  const cellsPerLane = lines * CELLS_PER_CACHE_LINE;
  if (cellsPerLane < reservedCells) throw new RangeError(`a lane takes at least ${reservedCells} cells`);
  const buffer = new SharedArrayBuffer(size.lanes * cellsPerLane * CELL_BYTES);
  return { buffer, lanes: size.lanes, cellsPerLane };
}

/** One text for each series: no two series share it. */
export function seriesKey(shape: MeterShape, labels: Labels): string {
  return JSON.stringify([shape.name, ...shape.labels.map((label) => labels[label])]);
}

/** What a backend's series go by, whatever the meter. */
export function backendName(pool: string, backend: string): string {
  return `${pool}\n${backend}`;
}

/** The shape of a meter; throws on a name that the catalogue does not have. */
export function shapeOf(name: MeterName): MeterShape {
  const shape = shapes.get(name);
  if (shape === undefined) throw new RangeError(`no meter is called '${name}'`);
  return shape;
}

const shapes = new Map(meterShapes.map((shape) => [shape.name, shape]));

/** Counts durations into a block of cells: one for each bucket, one for what exceeds them all, then the sum. */
export class Histogram {
  readonly #cells: Float64Array;
  readonly #base: number;
  readonly #bounds: Float64Array;

  /** `bounds` are the buckets' upper bounds in seconds, ascending; a bound belongs to its bucket. */
  constructor(cells: Float64Array, base: number, bounds: readonly number[]) {
    this.#cells = cells;
    this.#base = base;
    this.#bounds = Float64Array.from(bounds);
  }

  /** Counts one duration; what is no duration (negative, infinite, NaN) is not counted. Allocates nothing. */
  observe(seconds: number): void {
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++;
    this.#cells[this.#base + bucket]! += 1;
    this.#cells[this.#base + bounds.length + 1]! += seconds;
  }
}

/**
 * A worker's own lane. A series is asked for once, by its name and labels; the index that comes back is then counted
 * at with `cells[index]! += 1`, which is all that happens on the path of traffic.
 *
 * When the lane is full, further series of a metric share one whose labels all read 'other', so nothing is lost from
 * the sums and nothing throws; the room for those shared series is set aside from the start.
 *
 * Cells of backends that have left are used again, in three steps, so that a cell is never read as one series and counted
 * in as another: `keepBackends` gives them up, the control plane reads them for the last time, and `reuse` frees them.
 */
export class Meters {
  /** This lane's cells; nobody else writes to them. */
  readonly cells: Float64Array;
  readonly #announce: (claim: Claim) => void;
  readonly #claimed = new Map<string, number>();
  readonly #shared = new Map<MeterName, Claim>();
  readonly #sharedFrom: number;
  /** The claims of each backend that has any. */
  readonly #ofBackends = new Map<string, Claim[]>();
  /** Given up and not yet free, by index. */
  readonly #givenUp = new Map<number, Claim>();
  readonly #free = new Map<MeterName, number[]>();
  #next = 0;
  #releases = 0;

  /**
   * `announce` is called once for every series, with the claim that the control plane must be told of. `known` are
   * the claims a former worker of this lane had announced: their series go on from the counts they have.
   */
  constructor(memory: MeterMemory, lane: number, announce: (claim: Claim) => void, known: readonly Claim[] = []) {
    const { buffer, cellsPerLane } = memory;
    this.cells = new Float64Array(buffer, lane * cellsPerLane * CELL_BYTES, cellsPerLane);
    this.#announce = announce;
    this.#sharedFrom = cellsPerLane - reservedCells;
    for (const claim of known) this.#adopt(claim);
  }

  /** The cell of a counter's series. */
  counter<N extends LaneMetric<'counter'>>(name: N, labels: LabelsOf<N>): number {
    return this.#claim(name, labels);
  }

  /** The cell of a gauge's series; the value scraped is the sum over all lanes. */
  gauge<N extends LaneMetric<'gauge'>>(name: N, labels: LabelsOf<N>): number {
    return this.#claim(name, labels);
  }

  /** A histogram's series, with the buckets of the catalogue. */
  histogram<N extends LaneMetric<'histogram'>>(name: N, labels: LabelsOf<N>): Histogram {
    return new Histogram(this.cells, this.#claim(name, labels), shapeOf(name).buckets);
  }

  /** Where the latencies of one backend are counted. */
  latency(labels: { readonly pool: string; readonly backend: string }): LatencyRecorder {
    return new LatencyRecorder(this.cells, this.#claim('backend_latency', labels));
  }

  /** Another number whenever the cells of backends' series may be others than before: who holds some asks again then. */
  get releases(): number {
    return this.#releases;
  }

  /** Gives up the series of all backends but these, by `backendName`; gives back where their cells are. */
  keepBackends(kept: ReadonlySet<string>): number[] {
    const left = [...this.#ofBackends].filter(([name]) => !kept.has(name));
    for (const [name, claims] of left) {
      this.#ofBackends.delete(name);
      for (const claim of claims) {
        this.#claimed.delete(seriesKey(shapeOf(claim.name), claim.labels));
        this.#givenUp.set(claim.index, claim);
      }
    }
    if (left.length > 0) this.#releases++;
    return left.flatMap(([, claims]) => claims.map(({ index }) => index));
  }

  /** Frees cells that were given up, once nobody reads them any more. */
  reuse(cells: readonly number[]): void {
    for (const index of cells) {
      const claim = this.#givenUp.get(index);
      // A former worker may have given it up, in whose place this one has taken over the claim as it then was.
      if (claim === undefined) continue;
      this.#givenUp.delete(index);
      this.#addFree(claim);
    }
    // Those that found the lane full may now have cells of their own.
    this.#releases++;
  }

  #addFree({ name, index }: Claim): void {
    const free = this.#free.get(name);
    if (free === undefined) this.#free.set(name, [index]);
    else free.push(index);
  }

  #adopt(claim: Claim): void {
    const shape = shapeOf(claim.name);
    if (claim.index >= this.#sharedFrom) {
      this.#shared.set(claim.name, claim);
      return;
    }
    this.#next = Math.max(this.#next, claim.index + shape.width);
    if (claim.free === true) this.#addFree(claim);
    else this.#hold(claim);
  }

  #hold(claim: Claim): void {
    const { name, labels, index } = claim;
    this.#claimed.set(seriesKey(shapeOf(name), labels), index);
    const { pool, backend } = labels;
    if (pool === undefined || backend === undefined || backend === '') return;
    const claims = this.#ofBackends.get(backendName(pool, backend));
    if (claims === undefined) this.#ofBackends.set(backendName(pool, backend), [claim]);
    else claims.push(claim);
  }

  #claim(name: MeterName, labels: Labels): number {
    const shape = shapeOf(name);
    const key = seriesKey(shape, labels);
    const claimed = this.#claimed.get(key);
    if (claimed !== undefined) return claimed;
    const index = this.#free.get(name)?.pop() ?? this.#next;
    if (index + shape.width > this.#sharedFrom) return this.#claimShared(shape);
    this.#next = Math.max(this.#next, index + shape.width);
    // A backend that left has counted here, or a former worker for a claim that died with it, unannounced.
    this.cells.fill(0, index, index + shape.width);
    const claim = { index, name, labels: Object.fromEntries(shape.labels.map((label) => [label, labels[label]!])) };
    this.#hold(claim);
    this.#announce(claim);
    return index;
  }

  #claimShared(shape: MeterShape): number {
    const shared = this.#shared.get(shape.name);
    if (shared !== undefined) return shared.index;
    let index = this.#sharedFrom;
    for (const before of meterShapes.slice(0, meterShapes.indexOf(shape))) index += before.width;
    this.cells.fill(0, index, index + shape.width);
    const labels = Object.fromEntries(shape.labels.map((label) => [label, 'other']));
    const claim = { index, name: shape.name, labels };
    this.#shared.set(shape.name, claim);
    this.#announce(claim);
    return index;
  }
}
