import { describe, expect, it } from 'vitest';
import type { Traffic } from '../../src/admin/traffic.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { createMeterMemory, Meters } from '../../src/observe/meters.ts';
import { TrafficDesk } from '../../src/runtime/traffic-desk.ts';
import { listenerStatus, poolStatus } from '../admin/fixture.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp() {
  const memory = createMeterMemory({ lanes: 1 });
  const reader = new MeterReader(memory);
  const meters = new Meters(memory, 0, (claim) => reader.add(0, claim));
  const clock = new FakeClock();
  const pools = [poolStatus('web')];
  let readings = 0;
  const desk = new TrafficDesk({
    reader,
    clock,
    today: () => 1_000_000 + clock.now(),
    facts: () => {
      readings++;
      return { generation: 3, listeners: [listenerStatus()], pools };
    },
    ejections: () => 2,
  });
  const pick = (backend: string, times: number) => {
    meters.cells[meters.counter('backend_picks_total', { pool: 'web', backend })]! += times;
  };
  const heard: Traffic[] = [];
  return { clock, desk, pools, pick, heard, readings: () => readings };
}

describe('TrafficDesk', () => {
  it('does nothing while nobody listens', async () => {
    const { clock, desk, readings } = setUp();
    await clock.advance(10_000);
    expect([clock.pending, readings()]).toEqual([0, 0]);
    expect(desk.history('web').at).toEqual([]);
  });

  it('tells at once what there is, then every second what flows, until nobody listens any more', async () => {
    const { clock, desk, pick, heard } = setUp();
    pick('a', 100);
    const leave = desk.listen((traffic) => heard.push(traffic));
    const second: Traffic[] = [];
    pick('a', 30);
    pick('b', 10);
    await clock.advance(1000);
    const leaveToo = desk.listen((traffic) => second.push(traffic));
    await clock.advance(1000);
    leave();
    await clock.advance(1000);
    leaveToo();
    await clock.advance(5000);
    expect([heard.length, second.length, clock.pending]).toEqual([3, 3, 0]);
    expect(heard.map(({ seconds }) => seconds)).toEqual([0, 1, 1]);
    expect(heard.map(({ pools }) => pools[0]!.leases)).toEqual([
      { total: 100, perSecond: 0 },
      { total: 140, perSecond: 40 },
      { total: 140, perSecond: 0 },
    ]);
    expect(second[0]!.pools[0]!.leases).toEqual({ total: 140, perSecond: 40 });
  });

  it('starts anew after a pause: what flowed meanwhile is no rate', async () => {
    const { clock, desk, pick, heard } = setUp();
    desk.listen(() => undefined)();
    pick('a', 5000);
    await clock.advance(60_000);
    desk.listen((traffic) => heard.push(traffic));
    await clock.advance(1000);
    expect(heard.map(({ pools }) => pools[0]!.leases.perSecond)).toEqual([0, 0]);
    desk.close();
  });

  it('tells of everything that there is, also of what nothing flows through', async () => {
    const { desk, heard } = setUp();
    desk.listen((traffic) => heard.push(traffic))();
    const [now] = heard;
    expect(now).toMatchObject({ at: 1_000_000, generation: 3 });
    expect(now!.listeners[0]).toMatchObject({ name: 'public', active: 5, requests: { total: 0, perSecond: 0 } });
    expect(now!.listeners[0]!.routes[0]).toMatchObject({
      name: 'canary',
      hits: { total: 0, perSecond: 0 },
      pools: [{ pool: 'web', weight: 9, perSecond: 0 }],
    });
    expect(now!.pools[0]).toMatchObject({ name: 'web', ejections: 2, healthy: 1, recentMs: { p50: null, p99: null } });
    expect(now!.pools[0]!.backends.map(({ id, health, total }) => [id, health, total])).toEqual([
      ['a', 'up', 0],
      ['b', 'down', 0],
    ]);
  });

  it('remembers ten minutes of each pool, and forgets a pool that is gone', async () => {
    const { clock, desk, pools, pick } = setUp();
    desk.listen(() => undefined);
    pick('a', 7);
    await clock.advance(1000);
    expect(desk.history('web')).toEqual({
      at: [1_001_000],
      leasesPerSecond: [7],
      errorsPerSecond: [0],
      failuresPerSecond: [0],
      p50Ms: [null],
      p99Ms: [null],
    });
    await clock.advance(700_000);
    const { at, leasesPerSecond, p99Ms } = desk.history('web');
    expect([at.length, leasesPerSecond.length, p99Ms.length]).toEqual([600, 600, 600]);
    expect(at.at(-1)).toBe(1_701_000);
    pools.length = 0;
    await clock.advance(1000);
    expect(desk.history('web').at).toEqual([]);
    desk.close();
    expect(clock.pending).toBe(0);
  });
});
