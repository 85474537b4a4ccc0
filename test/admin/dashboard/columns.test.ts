import { describe, expect, it } from 'vitest';
import { addPoint, CHART_SECONDS, emptyColumns, joinHistory } from '../../../src/admin/dashboard/columns.ts';
import { backend, pool } from './traffic.ts';

const at = (perSecond: number, p50: number | null = null) =>
  pool('p', [backend('a', perSecond)], {
    errors: { total: 9, perSecond: 1 },
    failures: { total: 9, perSecond: 2 },
    recentMs: { p50, p99: 8 },
  });

describe('the columns of a chart', () => {
  it('get a point each second', () => {
    const columns = emptyColumns();
    addPoint(columns, 5000, at(10));
    addPoint(columns, 6000, at(11, 4));
    expect(columns).toEqual({
      seconds: [5, 6],
      leases: [10, 11],
      errors: [1, 1],
      failures: [2, 2],
      p50: [null, 4],
      p99: [8, 8],
    });
  });

  it('have a gap where there was a pause, and nothing twice', () => {
    const columns = emptyColumns();
    for (const ms of [5000, 6000, 6000, 4000, 60_000]) addPoint(columns, ms, at(1));
    expect([columns.seconds, columns.leases]).toEqual([
      [5, 6, 7, 60],
      [1, 1, null, 1],
    ]);
  });

  it('go back ten minutes', () => {
    const columns = emptyColumns();
    for (let second = 0; second < 1000; second++) addPoint(columns, second * 1000, at(second));
    for (const column of Object.values(columns)) expect(column).toHaveLength(CHART_SECONDS);
    expect([columns.seconds[0], columns.seconds.at(-1)]).toEqual([400, 999]);
  });

  it('join what the server remembers with what came since', () => {
    const here = emptyColumns();
    addPoint(here, 3000, at(30));
    addPoint(here, 4000, at(40));
    const history = {
      at: [1000, 2000, 3000],
      leasesPerSecond: [10, 20, 29],
      errorsPerSecond: [0, 0, 1],
      failuresPerSecond: [0, 0, 2],
      p50Ms: [null, 1, 2],
      p99Ms: [null, 2, 3],
    };
    expect(joinHistory(history, here)).toMatchObject({
      seconds: [1, 2, 3, 4],
      leases: [10, 20, 29, 40],
      errors: [0, 0, 1, 1],
      p50: [null, 1, 2, null],
    });
  });
});
