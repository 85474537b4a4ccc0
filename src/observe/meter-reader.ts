import type { MeterName } from './catalogue.ts';
import { type Claim, type Labels, type MeterMemory, seriesKey, shapeOf } from './meters.ts';

/** A series summed over all lanes: `values` has one number for each of its cells. */
export interface SeriesSum {
  readonly name: MeterName;
  /** The same object at every reading of the series. */
  readonly labels: Labels;
  readonly values: Float64Array;
}

interface Series {
  readonly labels: Labels;
  readonly width: number;
  /** Where its blocks of cells start in the whole memory; one for each lane that claimed it. */
  readonly starts: number[];
}

/**
 * The control plane's side of the cells: it knows from the workers' claims which cell belongs to which series, and
 * sums the lanes when asked. A reading made while workers count is a few nanoseconds old in some cells, which does no
 * harm: every cell by itself is whole, and a counter goes back only when the series of a backend that left begins anew.
 */
export class MeterReader {
  readonly #memory: MeterMemory;
  readonly #cells: Float64Array;
  readonly #byName = new Map<MeterName, Map<string, Series>>();
  readonly #claims: Map<number, Claim>[];
  /** What backends counted that have left, by meter and by the labels that are left of theirs. */
  readonly #left = new Map<MeterName, Map<string, SeriesSum>>();

  /** Reads the memory that the workers were given. */
  constructor(memory: MeterMemory) {
    this.#memory = memory;
    this.#cells = new Float64Array(memory.buffer);
    this.#claims = Array.from({ length: memory.lanes }, () => new Map());
  }

  /**
   * Takes a worker's claim; one that is known already changes nothing. Throws a RangeError when it cannot be: a lane,
   * a name or cells that do not exist, or a cell that another series starts at and was not released.
   */
  add(lane: number, claim: Claim): void {
    const claims = this.#claimsOf(lane);
    const shape = shapeOf(claim.name);
    const key = seriesKey(shape, claim.labels);
    const former = claims.get(claim.index);
    if (former !== undefined && !(former.free === true && former.name === claim.name)) {
      if (seriesKey(shapeOf(former.name), former.labels) === key) return;
      throw new RangeError(`cell ${claim.index} of lane ${lane} belongs to another series`);
    }
    if (!(claim.index >= 0 && claim.index + shape.width <= this.#memory.cellsPerLane))
      throw new RangeError(`cell ${claim.index} is out of the lane`);
    claims.set(claim.index, claim);
    const start = lane * this.#memory.cellsPerLane + claim.index;
    const group = this.#byName.get(claim.name) ?? new Map<string, Series>();
    this.#byName.set(claim.name, group);
    const series = group.get(key);
    if (series === undefined) group.set(key, { labels: claim.labels, width: shape.width, starts: [start] });
    else series.starts.push(start);
  }

  /**
   * Cells of a lane that its worker has given up, and counts in no more. What is in them goes on in `sumOfAll`; the next
   * claim of them may be of another series.
   */
  release(lane: number, cells: readonly number[]): void {
    const claims = this.#claimsOf(lane);
    for (const index of cells) {
      const claim = claims.get(index);
      if (claim === undefined || claim.free === true) continue;
      claims.set(index, { ...claim, free: true });
      this.#leave(claim, lane * this.#memory.cellsPerLane + index);
    }
  }

  #leave({ name, labels }: Claim, start: number): void {
    const shape = shapeOf(name);
    const group = this.#byName.get(name)!;
    const key = seriesKey(shape, labels);
    const { starts } = group.get(key)!;
    starts.splice(starts.indexOf(start), 1);
    if (starts.length === 0) group.delete(key);
    const rest = { ...labels, backend: '' };
    const left = this.#left.get(name) ?? new Map<string, SeriesSum>();
    this.#left.set(name, left);
    const restKey = seriesKey(shape, rest);
    const sum = left.get(restKey) ?? { name, labels: rest, values: new Float64Array(shape.width) };
    left.set(restKey, sum);
    for (let cell = 0; cell < shape.width; cell++) sum.values[cell]! += this.#cells[start + cell]!;
  }

  /** What a lane's workers have claimed so far: the `known` claims of the worker that replaces them. */
  claims(lane: number): Claim[] {
    return [...this.#claimsOf(lane).values()];
  }

  /** Every series of a meter that was claimed on any lane, in the order of its first claim. */
  *sum(name: MeterName): Iterable<SeriesSum> {
    for (const series of this.#byName.get(name)?.values() ?? [])
      yield { name, labels: series.labels, values: this.#read(series) };
  }

  /** As `sum`, and what backends counted that have left, those of a pool together: their label `backend` is ''. */
  *sumOfAll(name: MeterName): Iterable<SeriesSum> {
    yield* this.sum(name);
    for (const { labels, values } of this.#left.get(name)?.values() ?? [])
      yield { name, labels, values: values.slice() };
  }

  /** One series, or undefined when no lane has claimed it. */
  read(name: MeterName, labels: Labels): Float64Array | undefined {
    const series = this.#byName.get(name)?.get(seriesKey(shapeOf(name), labels));
    return series && this.#read(series);
  }

  /**
   * Sets the gauges of a lane to 0. For after the end of its worker and before its replacement starts: what the worker
   * had open ended with it. Its counters stay.
   */
  clearGauges(lane: number): void {
    const first = lane * this.#memory.cellsPerLane;
    for (const claim of this.#claimsOf(lane).values())
      if (shapeOf(claim.name).type === 'gauge') this.#cells[first + claim.index] = 0;
  }

  #claimsOf(lane: number): Map<number, Claim> {
    const claims = this.#claims[lane];
    if (claims === undefined) throw new RangeError(`there is no lane ${lane}`);
    return claims;
  }

  #read(series: Series): Float64Array {
    const values = new Float64Array(series.width);
    for (const start of series.starts)
      for (let cell = 0; cell < series.width; cell++) values[cell]! += this.#cells[start + cell]!;
    return values;
  }
}
