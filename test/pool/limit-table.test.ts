import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { hash53 } from '../../src/pick/text-hash.ts';
import { createLimitMemory, DEFAULT_RATE_KEYS, DEFAULT_SOURCES, LimitTable } from '../../src/pool/limit-table.ts';

const tenPerSecond = { count: 5, intervalMs: 100 };

function stage(keys = 1024, lanes = 2) {
  const clock = { now: 1_000_000 };
  const memory = createLimitMemory(keys, lanes, () => 0.37);
  const tables = [0, 1].map((lane) => new LimitTable(memory, lane, () => clock.now));
  return { clock, memory, one: tables[0]!, two: tables[1]! };
}

describe('a rate by key', () => {
  it('lets a burst through and then one in each interval, over all workers', () => {
    const { clock, one, two } = stage(1024, 0);
    for (let i = 0; i < 5; i++) expect((i % 2 === 0 ? one : two).take(1, 0, tenPerSecond)).toBe(0);
    expect(two.take(1, 0, tenPerSecond)).toBe(100);
    clock.now += 99;
    expect(one.take(1, 0, tenPerSecond)).toBe(1);
    clock.now += 1;
    expect(one.take(1, 0, tenPerSecond)).toBe(0);
    expect(two.take(1, 0, tenPerSecond)).toBe(100);
  });

  it('is not held against a key for what was refused', () => {
    const { clock, one } = stage(1024, 0);
    for (let i = 0; i < 1000; i++) one.take(1, 0, tenPerSecond);
    clock.now += 100;
    expect(one.take(1, 0, tenPerSecond)).toBe(0);
  });

  it('is apart for each key, and for each thing that is limited', () => {
    const { one } = stage(1024, 0);
    for (let i = 0; i < 5; i++) one.take(1, 0, tenPerSecond);
    expect(one.take(1, 0, tenPerSecond)).toBeGreaterThan(0);
    expect(one.take(2, 0, tenPerSecond)).toBe(0);
    expect(one.take(1, 1, tenPerSecond)).toBe(0);
  });

  it('of a million keys grows nothing, and never forgets the one that is held back', () => {
    const { memory, one } = stage(DEFAULT_RATE_KEYS, 0);
    const bytes = memory.cells.byteLength;
    const held = hash53('held back');
    for (let i = 0; i < 5; i++) one.take(held, 0, tenPerSecond);
    for (let i = 0; i < 1_000_000; i++) one.take(hash53(`key ${i}`), 0, tenPerSecond);
    expect(memory.cells.byteLength).toBe(bytes);
    expect(one.capacity).toBe(DEFAULT_RATE_KEYS);
    expect(one.size).toBeLessThanOrEqual(one.capacity);
    expect(one.take(held, 0, tenPerSecond)).toBe(100);
  });

  it('lets through what it says over time, however the load is spread over four workers', () => {
    const clock = { now: 5_000 };
    const memory = createLimitMemory(64, 0, () => 0.1);
    const tables = [0, 1, 2, 3].map((lane) => new LimitTable(memory, lane, () => clock.now));
    const hundredPerSecond = { count: 50, intervalMs: 10 };
    let taken = 0;
    for (let i = 0; i < 100_000; i++) {
      // A thousand a second for 100 s, most of it on one worker.
      clock.now += 1;
      if (tables[i % 7 < 4 ? 0 : i % 4]!.take(3, 0, hundredPerSecond) === 0) taken++;
    }
    expect(Math.abs(taken - 10_050)).toBeLessThanOrEqual(1);
  });

  it('is exact when four threads take at once', async () => {
    const memory = createLimitMemory(8, 0, () => 0.5);
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { LimitTable } = await import(workerData.module);
      const table = new LimitTable(workerData.memory, workerData.lane, () => 1000);
      let taken = 0;
      for (let i = 0; i < 20000; i++) if (table.take(7, 0, { count: 10000, intervalMs: 1 }) === 0) taken++;
      parentPort.postMessage(taken);`;
    const module = new URL('../../src/pool/limit-table.ts', import.meta.url).href;
    const counts = [0, 1, 2, 3].map((lane) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const entry = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
      const worker = new Worker(entry, { workerData: { module, memory, lane } });
      worker.once('message', resolve).once('error', reject);
      return promise;
    });
    const taken = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    expect(taken).toBe(10_000);
  });
});

describe('connections by key', () => {
  const limits = { connections: 2, rate: undefined };

  it('are counted over all workers until they leave', () => {
    const { one, two } = stage();
    expect([one.enter(1, 0, limits), two.enter(1, 0, limits)]).toEqual(['counted', 'counted']);
    expect([one.enter(1, 0, limits), two.enter(1, 0, limits)]).toEqual(['too-many', 'too-many']);
    expect(one.enter(2, 0, limits)).toBe('counted');
    two.leave(1, 0);
    expect(one.enter(1, 0, limits)).toBe('counted');
  });

  it('are held to a rate', () => {
    const { clock, one, two } = stage();
    const rate = { connections: 0, rate: { count: 2, intervalMs: 100 } };
    expect([one.enter(1, 0, rate), two.enter(1, 0, rate), one.enter(1, 0, rate)]).toEqual([
      'counted',
      'counted',
      'too-fast',
    ]);
    clock.now += 100;
    expect(two.enter(1, 0, rate)).toBe('counted');
  });

  it('of a worker that died are given back', () => {
    const { one, two } = stage();
    one.enter(1, 0, limits);
    two.enter(1, 0, limits);
    one.clearLane(1);
    expect(one.enter(1, 0, limits)).toBe('counted');
    expect(one.enter(1, 0, limits)).toBe('too-many');
  });

  it('of a million sources grow nothing, and an open one is never forgotten', () => {
    const { memory, one } = stage(DEFAULT_SOURCES);
    const bytes = memory.cells.byteLength;
    const mine = hash53('192.0.2.1');
    for (let i = 0; i < 2; i++) one.enter(mine, 0, limits);
    for (let i = 0; i < 1_000_000; i++) {
      one.enter(hash53(`source ${i}`), 0, limits);
      one.leave(hash53(`source ${i}`), 0);
    }
    expect(memory.cells.byteLength).toBe(bytes);
    expect(one.enter(mine, 0, limits)).toBe('too-many');
  });

  it('are let in uncounted when every place is taken by sources with connections', () => {
    const { one } = stage(8);
    const entries = Array.from({ length: 9 }, (_, key) => one.enter(key, 0, limits));
    expect(entries.filter((entry) => entry === 'counted')).toHaveLength(8);
    expect(entries.at(-1)).toBe('uncounted');
    one.leave(8, 0);
    expect(one.size).toBe(8);
  });
});

describe('a lock that nobody will open', () => {
  it('is taken over', () => {
    const { memory, one } = stage(8, 0);
    new Int32Array(memory.locks).fill(9);
    expect(one.take(1, 0, tenPerSecond)).toBe(0);
    expect([...new Int32Array(memory.locks)]).toEqual([0]);
  });
});
