import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { AdminState, Health, SharedTable } from '../../src/pool/table.ts';
import { size } from './stage.ts';

describe('the shared table', () => {
  it('keeps the fields of one backend apart from each other and from its neighbours', () => {
    const table = new SharedTable(size);
    table.setAdmin(3, AdminState.draining);
    table.setHealth(3, Health.down);
    table.markRefused(3);
    table.setEjected(3, true);
    table.setWeight(3, 70);
    table.setMaxActive(3, 80);
    table.countFailure(3);
    expect([table.admin(3), table.health(3), table.refused(3), table.ejected(3)]).toEqual([1, 2, true, true]);
    expect([table.weight(3), table.maxActive(3), table.streak(3), table.active(3)]).toEqual([70, 80, 1, 0]);
    for (const slot of [2, 4]) {
      expect([table.admin(slot), table.health(slot), table.refused(slot), table.ejected(slot)]).toEqual([
        0,
        0,
        false,
        false,
      ]);
      expect([table.weight(slot), table.maxActive(slot), table.streak(slot), table.active(slot)]).toEqual([0, 0, 0, 0]);
    }
  });

  it('is one memory for every view of it', () => {
    const table = new SharedTable(size);
    const other = new SharedTable(size, table.memory);
    table.setWeight(0, 9);
    other.touch(2);
    expect(other.weight(0)).toBe(9);
    expect(table.version(2)).toBe(1);
    expect(table.version(1)).toBe(0);
  });

  it('counts leases over all lanes, and gives back those of a lane that died', () => {
    const table = new SharedTable(size);
    expect(table.hold(5, 0)).toBe(1);
    expect(table.hold(5, 1)).toBe(2);
    expect(table.hold(5, 1)).toBe(3);
    table.letGo(5, 1);
    expect(table.active(5)).toBe(2);
    table.clearLane(1);
    expect(table.active(5)).toBe(1);
    table.clearLane(1);
    expect(table.active(5)).toBe(1);
    table.letGo(5, 0);
    expect(table.active(5)).toBe(0);
  });

  it('lets only one caller set the mark of a refused connect, and tells who cleared it', () => {
    const table = new SharedTable(size);
    expect([table.markRefused(1), table.markRefused(1), table.refused(1)]).toEqual([true, false, true]);
    expect([table.clearRefused(1), table.clearRefused(1), table.refused(1)]).toEqual([true, false, false]);
  });

  it('counts failures in a row until a success', () => {
    const table = new SharedTable(size);
    expect([table.countFailure(2), table.countFailure(2)]).toEqual([1, 2]);
    table.endStreak(2);
    expect(table.streak(2)).toBe(0);
    expect(table.countFailure(2)).toBe(1);
  });

  it('empties a slot for a new backend but never forgets leases that are still held', () => {
    const table = new SharedTable(size);
    table.setHealth(4, Health.up);
    table.setEjected(4, true);
    table.countFailure(4);
    table.hold(4, 0);
    table.resetBackend(4);
    expect([table.health(4), table.ejected(4), table.streak(4), table.active(4)]).toEqual([
      Health.unknown,
      false,
      0,
      1,
    ]);
  });

  it('tells the backends that have a slot one after the other apart, and from those of other slots', () => {
    const table = new SharedTable(size);
    const numbers = [0, 1, 15].map((slot) => table.backendNumber(slot));
    for (let owner = 0; owner < 1000; owner++) {
      table.resetBackend(1);
      numbers.push(table.backendNumber(1));
    }
    expect(new Set(numbers).size).toBe(1003);
    expect(table.backendNumber(0)).toBe(numbers[0]);
    // After how many ever, a number fits in a cell and leaves room for one more.
    const cells = new Int32Array(table.memory);
    for (const owners of [2 ** 31 - 1, Math.floor((2 ** 31 - 1) / size.backends) - 1]) {
      cells[15 * 16 + 13] = owners;
      expect(table.backendNumber(15)).toBeGreaterThanOrEqual(0);
      expect(table.backendNumber(15)).toBeLessThan(2 ** 31 - 1);
    }
  });

  it('hands out turns that differ per pool and per split, and wrap at 32 bits', () => {
    const table = new SharedTable(size);
    expect([table.nextTurn(0), table.nextTurn(0), table.nextTurn(1)]).toEqual([0, 1, 0]);
    expect([table.nextSplit(0), table.nextSplit(0), table.nextSplit(3)]).toEqual([0, 1, 0]);
    const cells = new Int32Array(table.memory);
    const turn = size.backends * 16 + 2 * 2 + 1;
    cells[turn] = -1;
    expect([table.nextTurn(2), table.nextTurn(2)]).toEqual([0xffffffff, 0]);
  });

  it.each([
    { limits: { listener: 0, process: 0 }, admitted: 5 },
    { limits: { listener: 2, process: 0 }, admitted: 2 },
    { limits: { listener: 0, process: 3 }, admitted: 3 },
    { limits: { listener: 4, process: 1 }, admitted: 1 },
  ])('admits connections up to $limits', ({ limits, admitted }) => {
    const table = new SharedTable(size);
    const results = Array.from({ length: 5 }, (_, i) => table.admit(1, i % 2, limits));
    expect(results.filter(Boolean)).toHaveLength(admitted);
    expect(table.open(1)).toBe(admitted);
    expect(table.openInLane(0) + table.openInLane(1)).toBe(admitted);
    expect(table.open(0)).toBe(0);
  });

  it('makes room again when a connection leaves, and when a lane dies', () => {
    const table = new SharedTable(size);
    const limits = { listener: 1, process: 2 };
    expect([table.admit(0, 0, limits), table.admit(0, 1, limits), table.admit(1, 1, limits)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(table.admit(2, 0, limits)).toBe(false);
    table.leave(0, 0);
    expect(table.admit(0, 2, limits)).toBe(true);
    table.clearLane(1);
    expect([table.open(0), table.open(1), table.openInLane(1), table.openInLane(2)]).toEqual([1, 0, 0, 1]);
    expect(table.admit(3, 3, limits)).toBe(true);
  });

  it('loses no count between real threads', async () => {
    const table = new SharedTable(size);
    const source = `
      const { workerData: { memory, size, lane, url } } = require('node:worker_threads');
      import(url).then(({ SharedTable }) => {
        const table = new SharedTable(size, memory);
        for (let i = 0; i < 20000; i++) { table.hold(0, lane); table.nextTurn(0); if (i % 2) table.letGo(0, lane); }
      });`;
    const url = new URL('../../src/pool/table.ts', import.meta.url).href;
    const done = [0, 1, 2].map(
      (lane) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(source, { eval: true, workerData: { memory: table.memory, size, lane, url } });
          worker.on('exit', resolve).on('error', reject);
        }),
    );
    await Promise.all(done);
    expect(table.active(0)).toBe(30_000);
    expect(table.nextTurn(0)).toBe(60_000);
    for (const lane of [0, 1, 2]) table.clearLane(lane);
    expect(table.active(0)).toBe(0);
  });
});
