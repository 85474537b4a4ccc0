import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MeterName, meterShapes } from '../../src/observe/catalogue.ts';
import { LATENCY_CELLS, latencyCell } from '../../src/observe/latency.ts';
import {
  CELLS_PER_LANE,
  type Claim,
  createMeterMemory,
  Histogram,
  Meters,
  seriesKey,
  shapeOf,
} from '../../src/observe/meters.ts';

const reserved = meterShapes.reduce((sum, { width }) => sum + width, 0);
const smallest = Math.ceil(reserved / 8) * 8;

/** A lane with its claims, in a memory of the given size. */
function lane(cellsPerLane = CELLS_PER_LANE, known: Claim[] = []) {
  const memory = createMeterMemory({ lanes: 2, cellsPerLane });
  const claims: Claim[] = [];
  return { memory, claims, meters: new Meters(memory, 0, (claim) => claims.push(claim), known) };
}

/** The cells of each claim as [first, end), in ascending order. */
function extents(claims: readonly Claim[]): [number, number][] {
  return claims
    .map(({ index, name }): [number, number] => [index, index + shapeOf(name).width])
    .sort((a, b) => a[0] - b[0]);
}

function overlaps(claims: readonly Claim[]): boolean {
  const sorted = extents(claims);
  return sorted.some(([first], i) => i > 0 && first < sorted[i - 1]![1]);
}

describe('createMeterMemory', () => {
  it('makes shared cells of 8 bytes, all 0', () => {
    const memory = createMeterMemory({ lanes: 3, cellsPerLane: 1024 });
    expect(memory).toMatchObject({ lanes: 3, cellsPerLane: 1024 });
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.buffer.byteLength).toBe(3 * 1024 * 8);
    expect(new Float64Array(memory.buffer).every((cell) => cell === 0)).toBe(true);
  });

  it('gives a lane 65,536 cells unless told otherwise', () => {
    expect(createMeterMemory({ lanes: 1 }).cellsPerLane).toBe(262_144);
  });

  it.each([
    [1024, 1024],
    [1025, 1032],
    [1031, 1032],
    [1032, 1032],
  ])('rounds %i cells to %i, whole cache lines', (asked, given) => {
    expect(createMeterMemory({ lanes: 1, cellsPerLane: asked }).cellsPerLane).toBe(given);
  });

  it('refuses a lane without room for one series of every meter', () => {
    expect(() => createMeterMemory({ lanes: 1, cellsPerLane: smallest - 8 })).toThrow(
      new RangeError(`a lane takes at least ${reserved} cells`),
    );
    expect(createMeterMemory({ lanes: 1, cellsPerLane: smallest }).cellsPerLane).toBe(smallest);
  });
});

describe('Meters', () => {
  it('gives a series the same cell every time and announces it once', () => {
    const { meters, claims } = lane();
    const first = meters.counter('bytes_total', { listener: 'web', direction: 'in' });
    const other = meters.counter('bytes_total', { listener: 'web', direction: 'out' });
    const again = meters.counter('bytes_total', { direction: 'in', listener: 'web' });
    expect([first, other, again]).toEqual([0, 1, 0]);
    expect(claims).toEqual([
      { index: 0, name: 'bytes_total', labels: { listener: 'web', direction: 'in' } },
      { index: 1, name: 'bytes_total', labels: { listener: 'web', direction: 'out' } },
    ]);
    expect(Object.keys(claims[0]!.labels)).toEqual(['listener', 'direction']);
  });

  it('announces the labels of the catalogue in its order, and no others', () => {
    const { meters, claims } = lane();
    const labels = { extra: 'x', reason: 'connect', pool: 'web' };
    meters.counter('retries_total', labels);
    expect(Object.entries(claims[0]!.labels)).toEqual([
      ['pool', 'web'],
      ['reason', 'connect'],
    ]);
  });

  it('keeps series apart whatever their labels say', () => {
    const { meters } = lane();
    const a = meters.counter('retries_total', { pool: 'a","b', reason: 'c' });
    const b = meters.counter('retries_total', { pool: 'a', reason: 'b","c' });
    const c = meters.counter('backend_picks_total', { pool: 'a', backend: 'b","c' });
    expect(new Set([a, b, c]).size).toBe(3);
  });

  it('keeps lanes apart', () => {
    const memory = createMeterMemory({ lanes: 2, cellsPerLane: 1024 });
    const lanes = [0, 1].map((n) => new Meters(memory, n, () => undefined));
    for (const [n, meters] of lanes.entries())
      meters.cells[meters.counter('connections_total', { listener: 'a' })]! = n + 1;
    const cells = new Float64Array(memory.buffer);
    expect([cells[0], cells[1024], lanes[0]!.cells.length]).toEqual([1, 2, 1024]);
    expect(() => new Meters(memory, 2, () => undefined)).toThrow(RangeError);
  });

  it('never lets two series share a cell, nor leaves the lane', () => {
    const claim = fc.record({ kind: fc.constantFrom('counter', 'gauge', 'histogram', 'latency'), n: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 60 }), (asked) => {
        const { meters, claims } = lane(2048);
        for (const { kind, n } of asked) {
          const listener = `l${n}`;
          if (kind === 'counter') meters.counter('connections_total', { listener });
          if (kind === 'gauge') meters.gauge('connections_active', { listener });
          if (kind === 'histogram') meters.histogram('request_duration_seconds', { listener, route: 'r' });
          if (kind === 'latency') meters.latency({ pool: 'p', backend: listener });
        }
        expect(overlaps(claims)).toBe(false);
        for (const [first, end] of extents(claims)) expect(first >= 0 && end <= 2048).toBe(true);
      }),
    );
  });

  it('counts a histogram and latencies at the cells they claimed', () => {
    const { meters, claims } = lane();
    meters.counter('connections_total', { listener: 'a' });
    meters.histogram('backend_connect_seconds', { pool: 'web' }).observe(0.004);
    meters.latency({ pool: 'web', backend: 'b' }).observe(300);
    expect(claims.map(({ index }) => index)).toEqual([0, 1, 18]);
    expect(claims[2]).toEqual({ index: 18, name: 'backend_latency', labels: { pool: 'web', backend: 'b' } });
    expect(meters.cells[1 + 3]).toBe(1);
    expect(meters.cells[1 + 16]).toBe(0.004);
    expect(meters.cells[18 + latencyCell(300)]).toBe(1);
    expect(meters.cells.reduce((sum, cell) => sum + cell, 0)).toBeCloseTo(2.004, 12);
  });

  it('takes only labels and names of the catalogue', () => {
    const { meters } = lane();
    // @ts-expect-error a label is missing
    meters.counter('bytes_total', { listener: 'web' });
    // @ts-expect-error the control plane holds this one
    expect(() => meters.gauge('backend_up', { pool: 'a', backend: 'b' })).toThrow("no meter is called 'backend_up'");
    expect(() => shapeOf('nothing' as MeterName)).toThrow(RangeError);
  });
});

describe('a worker that replaces another on its lane', () => {
  it('goes on counting its series and claims new ones behind them', () => {
    const memory = createMeterMemory({ lanes: 1, cellsPerLane: 1024 });
    const known: Claim[] = [];
    const former = new Meters(memory, 0, (claim) => known.push(claim));
    former.cells[former.counter('connections_total', { listener: 'a' })]! += 5;
    former.histogram('request_duration_seconds', { listener: 'a', route: 'r' }).observe(1);
    const fresh: Claim[] = [];
    const next = new Meters(memory, 0, (claim) => fresh.push(claim), known.toReversed());
    expect(next.cells[next.counter('connections_total', { listener: 'a' })]).toBe(5);
    next.histogram('request_duration_seconds', { listener: 'a', route: 'r' }).observe(1);
    expect(next.cells[1 + 17 - 1]).toBe(2);
    expect(fresh).toEqual([]);
    next.counter('connections_total', { listener: 'b' });
    expect(fresh).toEqual([{ index: 18, name: 'connections_total', labels: { listener: 'b' } }]);
  });

  it('starts at 0 where a claim was lost with the former one', () => {
    const memory = createMeterMemory({ lanes: 1, cellsPerLane: 1024 });
    const former = new Meters(memory, 0, () => undefined);
    former.histogram('backend_connect_seconds', { pool: 'lost' }).observe(60);
    const next = new Meters(memory, 0, () => undefined, []);
    next.histogram('backend_connect_seconds', { pool: 'new' });
    expect([...next.cells.subarray(0, 17)]).toEqual(new Array(17).fill(0));
  });
});

describe('a lane that is full', () => {
  /** A lane with room for exactly `free` counters beside what is set aside. */
  function fullLane(free: number) {
    const made = lane(smallest + Math.ceil(free / 8) * 8);
    const room = made.memory.cellsPerLane - reserved;
    for (let n = 0; n < room; n++) made.meters.counter('connections_total', { listener: `l${n}` });
    return { ...made, room };
  }

  it('counts further series of a metric together, all labels reading other', () => {
    const { meters, claims, room } = fullLane(16);
    expect(claims).toHaveLength(room);
    expect(claims.at(-1)?.index).toBe(room - 1);
    const a = meters.counter('backend_picks_total', { pool: 'web', backend: 'a' });
    const b = meters.counter('backend_picks_total', { pool: 'web', backend: 'b' });
    expect(a).toBe(b);
    expect(claims.slice(room)).toEqual([
      { index: a, name: 'backend_picks_total', labels: { pool: 'other', backend: 'other' } },
    ]);
    expect(meters.counter('connections_total', { listener: 'l3' })).toBe(3);
  });

  it('has a place of its own for every meter, beyond the series that found room', () => {
    const { meters, claims, room } = fullLane(8);
    const one = { listener: 'x', route: 'x', pool: 'x', backend: 'x', code: 'x', reason: 'x', direction: 'x' };
    for (const { name, type } of meterShapes) {
      if (type === 'counter') meters.counter(name as 'requests_total', one);
      if (type === 'gauge') meters.gauge(name as 'connections_active', one);
      if (type === 'histogram') meters.histogram(name as 'request_duration_seconds', one);
      if (type === 'latency') meters.latency(one);
    }
    const shared = claims.slice(room);
    expect(shared.map(({ name }) => name)).toEqual(meterShapes.map(({ name }) => name));
    expect(overlaps(claims)).toBe(false);
    expect(extents(shared)[0]![0]).toBe(room);
    expect(extents(shared).at(-1)![1]).toBe(meters.cells.length);
    for (const { name, labels } of shared) {
      expect(Object.keys(labels)).toEqual(shapeOf(name).labels);
      expect(new Set(Object.values(labels))).toEqual(new Set(['other']));
    }
  });

  it('still takes a small series when a large one finds no room any more', () => {
    const { meters, claims } = lane(smallest + 8);
    meters.latency({ pool: 'p', backend: 'b' });
    meters.counter('connections_total', { listener: 'a' });
    expect(claims.map(({ labels }) => Object.values(labels)[0])).toEqual(['other', 'a']);
  });

  it('goes on with the shared series after a restart', () => {
    const { meters, claims, memory, room } = fullLane(8);
    const asked = { listener: 'l', route: 'r', pool: 'p', backend: 'b', code: '200' };
    meters.cells[meters.counter('requests_total', asked)]! += 3;
    meters.cells[meters.counter('retries_total', { pool: 'p', reason: 'x' })]! += 7;
    const fresh: Claim[] = [];
    const next = new Meters(memory, 0, (claim) => fresh.push(claim), claims);
    expect(next.cells[next.counter('retries_total', { pool: 'q', reason: 'y' })]).toBe(7);
    expect(next.cells[next.counter('requests_total', { ...asked, code: '404' })]).toBe(3);
    expect(fresh).toEqual([]);
    const active = next.gauge('connections_active', { listener: 'more' });
    expect(active).toBeGreaterThanOrEqual(room);
    expect(fresh).toHaveLength(1);
  });

  it('starts a shared series at 0 when its claim was lost', () => {
    const { meters, claims, memory, room } = fullLane(8);
    meters.cells[meters.counter('retries_total', { pool: 'p', reason: 'x' })]! += 7;
    const next = new Meters(memory, 0, () => undefined, claims.slice(0, room));
    expect(next.cells[next.counter('retries_total', { pool: 'q', reason: 'y' })]).toBe(0);
  });

  it('does not remember the series it had no room for', () => {
    const { meters, claims, room } = fullLane(8);
    for (let n = 0; n < 1000; n++) meters.counter('connections_total', { listener: `client-chosen-${n}` });
    expect(claims).toHaveLength(room + 1);
  });
});

describe('Histogram', () => {
  const bounds = [0.001, 0.01, 1];

  it.each([
    [0, 0],
    [0.001, 0],
    [0.0010001, 1],
    [0.01, 1],
    [0.5, 2],
    [1, 2],
    [1.0001, 3],
    [1e9, 3],
  ])('counts %d s in bucket %i', (seconds, bucket) => {
    const cells = new Float64Array(10);
    new Histogram(cells, 2, bounds).observe(seconds);
    const expected = new Array(10).fill(0);
    expected[2 + bucket] = 1;
    expected[2 + 4] = seconds;
    expect([...cells]).toEqual(expected);
  });

  it.each([-0.001, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('leaves out %d', (seconds) => {
    const cells = new Float64Array(6);
    new Histogram(cells, 0, bounds).observe(seconds);
    expect(cells.every((cell) => cell === 0)).toBe(true);
  });

  it('adds up', () => {
    const cells = new Float64Array(5);
    const histogram = new Histogram(cells, 0, bounds);
    for (const seconds of [0.0005, 0.0005, 0.25, 2]) histogram.observe(seconds);
    expect([...cells]).toEqual([2, 0, 1, 1, 2.251]);
  });
});

describe('seriesKey', () => {
  it('goes by the labels of the shape in their order', () => {
    const shape = shapeOf('bytes_total');
    expect(seriesKey(shape, { direction: 'in', listener: 'a' })).toBe(
      seriesKey(shape, { listener: 'a', direction: 'in' }),
    );
    expect(seriesKey(shape, { listener: 'in', direction: 'a' })).not.toBe(
      seriesKey(shape, { listener: 'a', direction: 'in' }),
    );
  });

  it('has the latency of a backend apart from its picks', () => {
    const labels = { pool: 'p', backend: 'b' };
    expect(seriesKey(shapeOf('backend_latency'), labels)).not.toBe(seriesKey(shapeOf('backend_picks_total'), labels));
    expect(shapeOf('backend_latency').width).toBe(LATENCY_CELLS);
  });
});
