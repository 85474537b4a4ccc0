import { describe, expect, it } from 'vitest';
import { Health } from '../../src/pool/table.ts';
import { keeperLab } from './keeper-lab.ts';

const POOL = 'health: { type: off }, eject: { failures: 3, for: 10s }';

describe('an ejection', () => {
  it('is longer each time, ends with a trial that is passed, and is forgotten after a good time', async () => {
    const { clock, table, told, keeper, watch, fail } = await keeperLab(POOL);
    await watch(2);
    expect(table.health(0)).toBe(Health.up);
    fail(0, 2);
    expect(table.ejected(0)).toBe(false);
    fail(0, 1);
    for (const seconds of [10, 20, 30]) {
      expect(table.ejected(0)).toBe(true);
      await clock.advance(seconds * 1000 - 1);
      expect(table.onTrial(0)).toBe(false);
      await clock.advance(1);
      expect(table.onTrial(0)).toBe(true);
      expect(keeper.describe(0)).toEqual({ word: 'ejected', reason: '3 failures in a row; the next lease decides' });
      keeper.trouble({ slot: 0, kind: 'trial-failed' });
    }
    await clock.advance(40_000);
    keeper.trouble({ slot: 0, kind: 'trial-passed' });
    expect([table.ejected(0), table.streak(0)]).toEqual([false, 0]);

    // Soon after it is longer still; after a good time it is the first time again.
    fail(0, 3);
    await clock.advance(49_999);
    expect(table.onTrial(0)).toBe(false);
    await clock.advance(1);
    keeper.trouble({ slot: 0, kind: 'trial-passed' });
    await clock.advance(100_001);
    fail(0, 3);
    await clock.advance(10_000);
    expect(table.onTrial(0)).toBe(true);
    expect(told.filter(({ backend }) => backend === 'b0').map(({ to }) => to)).toEqual(
      'up ejected up ejected up ejected'.split(' '),
    );
    keeper.close();
    expect(clock.pending).toBe(0);
  });

  it('never takes the last one, nor more than may be, those on trial included', async () => {
    const { clock, table, keeper, watch, fail } = await keeperLab(POOL);
    await watch(4);
    for (const slot of [0, 1, 2]) fail(slot, 3);
    expect([0, 1, 2, 3].map((slot) => table.ejected(slot))).toEqual([true, true, false, false]);
    await clock.advance(10_000);
    expect([table.onTrial(0), table.onTrial(1)]).toEqual([true, true]);
    fail(2, 1);
    expect(table.ejected(2)).toBe(false);
    keeper.trouble({ slot: 0, kind: 'trial-passed' });
    fail(2, 1);
    expect(table.ejected(2)).toBe(true);
    keeper.close();
  });

  it('does not end by what was reported late', async () => {
    const { table, keeper, watch, fail } = await keeperLab(POOL);
    await watch(2);
    fail(0, 3);
    keeper.trouble({ slot: 0, kind: 'trial-passed' });
    expect(table.ejected(0)).toBe(true);
    keeper.trouble({ slot: 1, kind: 'trial-failed' });
    expect(table.ejected(1)).toBe(false);
    keeper.close();
  });

  it('is followed by a slow start', async () => {
    const { clock, table, keeper, watch, fail } = await keeperLab(`${POOL}, slowStart: 30s`);
    await watch(2);
    fail(0, 3);
    await clock.advance(10_000);
    expect(table.ramp(0)).toBe(1);
    keeper.trouble({ slot: 0, kind: 'trial-passed' });
    expect(table.ramp(0)).toBeCloseTo(0.1, 3);
    keeper.close();
  });
});
