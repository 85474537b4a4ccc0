import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { MeterName } from '../../src/observe/catalogue.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { type Claim, createMeterMemory, type MeterMemory, Meters } from '../../src/observe/meters.ts';

function setUp(lanes = 2) {
  const memory = createMeterMemory({ lanes, cellsPerLane: 1024 });
  const reader = new MeterReader(memory);
  const workers = Array.from({ length: lanes }, (_, n) => new Meters(memory, n, (claim) => reader.add(n, claim)));
  return { memory, reader, workers };
}

/** What the reader gives for a meter: the first cell of each series by its labels. */
function firstCells(reader: MeterReader, name: MeterName): [string, number][] {
  return [...reader.sum(name)].map(({ labels, values }) => [Object.values(labels).join(' '), values[0]!]);
}

describe('MeterReader', () => {
  it('sums a series over the lanes that claimed it, in the order of the first claims', () => {
    const { reader, workers } = setUp(3);
    for (const [n, meters] of workers.entries()) {
      if (n === 1) meters.counter('retries_total', { pool: 'skew', reason: 'the indices' });
      meters.cells[meters.counter('connections_total', { listener: 'web' })]! += 10 ** n;
      if (n === 2) meters.cells[meters.counter('connections_total', { listener: 'api' })]! += 5;
    }
    expect(firstCells(reader, 'connections_total')).toEqual([
      ['web', 111],
      ['api', 5],
    ]);
    expect(firstCells(reader, 'bytes_total')).toEqual([]);
  });

  it('sums every cell of a histogram', () => {
    const { reader, workers } = setUp();
    for (const meters of workers) {
      const histogram = meters.histogram('backend_connect_seconds', { pool: 'web' });
      histogram.observe(0.0001);
      histogram.observe(40);
    }
    const [series] = [...reader.sum('backend_connect_seconds')];
    expect(series?.name).toBe('backend_connect_seconds');
    expect([...series!.values]).toEqual([2, ...new Array(14).fill(0), 2, 80.0002]);
  });

  it('reads cells as they are now, into values of its own', () => {
    const { reader, workers } = setUp();
    const [meters] = workers;
    const cell = meters!.counter('connections_total', { listener: 'web' });
    const before = reader.read('connections_total', { listener: 'web' });
    meters!.cells[cell]! += 3;
    before![0] = 99;
    expect([...reader.read('connections_total', { listener: 'web' })!]).toEqual([3]);
  });

  it('knows no series that nobody claimed', () => {
    const { reader, workers } = setUp();
    expect(reader.read('connections_total', { listener: 'web' })).toBeUndefined();
    workers[0]!.counter('connections_total', { listener: 'web' });
    expect(reader.read('connections_total', { listener: 'api' })).toBeUndefined();
  });

  it('gives the same labels object at every reading', () => {
    const { reader, workers } = setUp();
    workers[0]!.counter('connections_total', { listener: 'web' });
    const [first] = [...reader.sum('connections_total')];
    const [second] = [...reader.sum('connections_total')];
    expect(first!.labels).toBe(second!.labels);
  });

  it('takes a claim twice without counting twice', () => {
    const { reader, workers } = setUp();
    workers[0]!.cells[workers[0]!.counter('connections_total', { listener: 'web' })]! += 2;
    for (const claim of reader.claims(0)) reader.add(0, { ...claim });
    expect(firstCells(reader, 'connections_total')).toEqual([['web', 2]]);
    expect(reader.claims(0)).toHaveLength(1);
  });

  it('gives back the claims of a lane, for the next worker on it', () => {
    const { reader, workers } = setUp();
    workers[0]!.counter('connections_total', { listener: 'web' });
    workers[0]!.gauge('connections_active', { listener: 'web' });
    workers[1]!.counter('connections_total', { listener: 'api' });
    expect(reader.claims(0)).toEqual([
      { index: 0, name: 'connections_total', labels: { listener: 'web' } },
      { index: 1, name: 'connections_active', labels: { listener: 'web' } },
    ]);
    expect(reader.claims(1)).toHaveLength(1);
  });

  const claim: Claim = { index: 4, name: 'connections_total', labels: { listener: 'web' } };
  it.each([
    ['a lane that does not exist', 2, claim, 'there is no lane 2'],
    ['a negative lane', -1, claim, 'there is no lane -1'],
    ['a name that does not exist', 0, { ...claim, name: 'no_such' as MeterName }, "no meter is called 'no_such'"],
    ['a negative cell', 0, { ...claim, index: -1 }, 'cell -1 is out of the lane'],
    ['a cell behind the end', 0, { ...claim, index: 1024 }, 'cell 1024 is out of the lane'],
    ['a cell that is no number', 0, { ...claim, index: Number.NaN }, 'cell NaN is out of the lane'],
    [
      'a histogram that ends behind the end',
      0,
      { index: 1008, name: 'backend_connect_seconds', labels: { pool: 'a' } } as const,
      'cell 1008 is out of the lane',
    ],
  ])('refuses %s', (_what, lane, bad, message) => {
    const { reader } = setUp();
    expect(() => reader.add(lane, bad)).toThrow(new RangeError(message));
    expect(firstCells(reader, 'connections_total')).toEqual([]);
  });

  it('takes a block that ends with the lane', () => {
    const { reader } = setUp();
    reader.add(0, { index: 1007, name: 'backend_connect_seconds', labels: { pool: 'a' } });
    expect(firstCells(reader, 'backend_connect_seconds')).toEqual([['a', 0]]);
  });

  it('refuses to have one cell belong to two series', () => {
    const { reader } = setUp();
    reader.add(0, claim);
    const other = { ...claim, labels: { listener: 'api' } };
    expect(() => reader.add(0, other)).toThrow(new RangeError('cell 4 of lane 0 belongs to another series'));
    reader.add(1, other);
    expect(firstCells(reader, 'connections_total')).toHaveLength(2);
  });
});

describe('a crashed worker', () => {
  it('leaves no gauge behind, but its counts', () => {
    const { reader, workers } = setUp();
    for (const meters of workers) {
      meters.counter('retries_total', { pool: 'a', reason: 'b' });
      meters.cells[meters.gauge('connections_active', { listener: 'web' })]! += 4;
      meters.cells[meters.counter('connections_total', { listener: 'web' })]! += 9;
      meters.histogram('backend_connect_seconds', { pool: 'web' }).observe(1);
    }
    reader.clearGauges(1);
    expect(firstCells(reader, 'connections_active')).toEqual([['web', 4]]);
    expect(firstCells(reader, 'connections_total')).toEqual([['web', 18]]);
    expect(reader.read('backend_connect_seconds', { pool: 'web' })?.[10]).toBe(2);
    expect(() => reader.clearGauges(2)).toThrow('there is no lane 2');
  });
});

describe('worker threads', () => {
  /** Runs a real worker that counts; resolves when it has ended. */
  async function count(memory: MeterMemory, reader: MeterReader, lane: number, rounds: number): Promise<void> {
    const workerData = { memory, lane, known: reader.claims(lane), rounds };
    const worker = new Worker(new URL('./counting-worker.ts', import.meta.url), { workerData });
    worker.on('message', (claim: Claim) => reader.add(lane, claim));
    const [code] = await once(worker, 'exit');
    expect(code).toBe(0);
  }

  it('count in shared memory without losing anything, over a restart too', async () => {
    const memory = createMeterMemory({ lanes: 2 });
    const reader = new MeterReader(memory);
    await Promise.all([count(memory, reader, 0, 100_000), count(memory, reader, 1, 50_000)]);
    reader.clearGauges(0);
    await count(memory, reader, 0, 25_000);
    expect(firstCells(reader, 'connections_total').sort()).toEqual([
      ['lane-0', 250_000],
      ['lane-1', 100_000],
      ['web', 175_000],
    ]);
    expect(firstCells(reader, 'connections_active')).toEqual([['web', 75_000]]);
    const duration = reader.read('request_duration_seconds', { listener: 'web', route: 'route-1' })!;
    expect([duration[0], duration[15]]).toEqual([87_500, 87_500]);
    expect(reader.claims(0)).toHaveLength(4);
  });
});
