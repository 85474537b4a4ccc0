import { describe, expect, it } from 'vitest';
import { rampShare, SlowStart } from '../../src/runtime/slow-start.ts';
import { healthyTable } from '../pool/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { keeperLab } from './keeper-lab.ts';

describe('slow start', () => {
  it.each([
    [0, 0.1],
    [500, 0.1],
    [1000, 0.1],
    [2500, 0.25],
    [9999, 0.9999],
    [10_000, 1],
    [60_000, 1],
  ])('after %i ms of 10 s the share is %f', (elapsedMs, share) => {
    expect(rampShare(elapsedMs, 10_000)).toBeCloseTo(share, 6);
  });

  it('grows in small steps, and leaves no timer when it is over', async () => {
    const [table, clock] = [healthyTable(2), new FakeClock()];
    const slowStart = new SlowStart(table, clock);
    slowStart.begin(1, 2000);
    const shares = [table.ramp(1)];
    for (let step = 0; step < 42; step++) {
      await clock.advance(50);
      shares.push(table.ramp(1));
    }
    expect(shares[0]).toBeCloseTo(0.1, 3);
    expect(shares.at(-1)).toBe(1);
    for (const [index, share] of shares.slice(1).entries())
      expect(share - shares[index]!).toBeLessThanOrEqual(50 / 2000 + 0.001);
    expect(table.ramp(0)).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('of 0 is none, and ends one that is under way', () => {
    const [table, clock] = [healthyTable(1), new FakeClock()];
    const slowStart = new SlowStart(table, clock);
    slowStart.begin(0, 2000);
    slowStart.begin(0, 0);
    expect(table.ramp(0)).toBe(1);
    slowStart.begin(0, 2000);
    slowStart.close();
    expect(clock.pending).toBe(0);
  });
});

describe('the keeper of health', () => {
  it('lets backends start slowly that join a pool, and none of a pool that starts as a whole', async () => {
    const { clock, table, keeper, watch } = await keeperLab('health: { type: off }, slowStart: 10s');
    await watch(2);
    expect([table.ramp(0), table.ramp(1)]).toEqual([1, 1]);
    await watch(3);
    expect([table.ramp(0), table.ramp(1)]).toEqual([1, 1]);
    expect(table.ramp(2)).toBeCloseTo(0.1, 3);
    await watch(3);
    await clock.advance(5000);
    expect(table.ramp(2)).toBeCloseTo(0.5, 1);
    await clock.advance(5000);
    expect(table.ramp(2)).toBe(1);
    keeper.enabled(1);
    expect(table.ramp(1)).toBeCloseTo(0.1, 3);
    keeper.close();
  });

  it('does so only where the pool says it', async () => {
    const { clock, table, keeper, watch } = await keeperLab('health: { type: off }');
    await watch(1);
    await watch(2);
    keeper.enabled(0);
    expect([table.ramp(0), table.ramp(1)]).toEqual([1, 1]);
    keeper.close();
    expect(clock.pending).toBe(0);
  });
});
