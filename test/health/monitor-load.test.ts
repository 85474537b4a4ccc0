import { describe, expect, test } from 'vitest';
import { targetAt, tcpPolicy, watchLab } from './watch-lab.ts';

const many = (count: number) => Array.from({ length: count }, (_, port) => targetAt(port));

describe('jitter', () => {
  test.each([
    [0, 1_800],
    [0.5, 2_000],
    [0.999_999, 2_199.999_6],
  ])('a draw of %d makes the gap %d of 2000 ms', async (draw, gapMs) => {
    const { monitor, clock, startsOf } = watchLab({ random: () => draw });
    monitor.set([targetAt(1)]);
    await clock.advance(5_000);
    const [first, second, third] = startsOf(1);
    expect(first).toBe(0);
    expect(second).toBeCloseTo(gapMs, 6);
    expect(third).toBeCloseTo(2 * gapMs, 6);
  });

  test('each gap has a draw of its own', async () => {
    const draws = [0, 0.75, 0.25];
    const { monitor, clock, startsOf } = watchLab({ random: () => draws.shift() ?? 0.5 });
    monitor.set([targetAt(1)]);
    await clock.advance(6_000);
    expect(startsOf(1)).toEqual([0, 1_800, 3_900, 5_800]);
  });
});

describe('hundreds of backends', () => {
  test('never more than 64 probes at once, and every backend has its turn', async () => {
    const { monitor, clock, behaviours, calls, underWay } = watchLab();
    const targets = many(300);
    for (let port = 0; port < 300; port++) behaviours.set(port, { afterMs: 90 });
    monitor.set(targets);
    expect(underWay()).toBe(64);
    for (let ms = 0; ms < 480; ms += 30) {
      expect(underWay()).toBeLessThanOrEqual(64);
      await clock.advance(30);
    }
    expect(calls).toHaveLength(300);
    expect(calls.map(({ port }) => port)).toEqual(targets.map((_, port) => port));
    expect(targets.every(({ key }) => monitor.state(key)?.status === 'up')).toBe(true);
  });

  test('bad news goes ahead of the line', async () => {
    const { monitor, clock, behaviours, calls } = watchLab();
    for (let port = 0; port < 300; port++) behaviours.set(port, { afterMs: 90 });
    monitor.set(many(300));
    monitor.hurry('pool/299');
    await clock.advance(90);
    expect(calls[64]?.port).toBe(299);
    await clock.advance(400);
    expect(calls.filter(({ port }) => port === 299)).toHaveLength(1);
  });

  test('a place in the line and a timer together make one probe', async () => {
    const { monitor, clock, behaviours, startsOf, underWay } = watchLab({ random: () => 0 });
    const quick = targetAt(1_000, tcpPolicy({ interval: 100 }));
    monitor.set([quick]);
    await clock.advance(80);
    for (let port = 0; port < 64; port++) behaviours.set(port, { afterMs: 15 });
    monitor.set([quick, ...many(64)]);
    behaviours.set(1_000, { hangs: true });
    await clock.advance(12);
    monitor.hurry(quick.key);
    await clock.advance(300);
    expect(startsOf(1_000)).toEqual([0, 95]);
    expect(underWay()).toBe(1);
  });

  test('what is removed while it waits in line is never probed', async () => {
    const { monitor, clock, behaviours, calls } = watchLab();
    for (let port = 0; port < 100; port++) behaviours.set(port, { hangs: true });
    monitor.set(many(100));
    monitor.set(many(70));
    await clock.advance(1_500);
    expect(Math.max(...calls.map(({ port }) => port))).toBe(69);
  });

  test('backends that hang delay the others, not for ever', async () => {
    const { monitor, clock, behaviours } = watchLab();
    for (let port = 0; port < 200; port++) behaviours.set(port, { hangs: true });
    monitor.set([...many(200), targetAt(1_000)]);
    await clock.advance(2_999);
    expect(monitor.state('pool/1000')?.status).toBe('unknown');
    await clock.advance(1);
    expect(monitor.state('pool/1000')?.status).toBe('up');
  });

  test('an hour of it leaves one timer a backend', async () => {
    const { monitor, clock, calls } = watchLab({ random: () => (calls.length * 0.377) % 1 });
    const targets = Array.from({ length: 20 }, (_, port) => targetAt(port, tcpPolicy({ interval: 60_000 })));
    monitor.set(targets);
    await clock.advance(3_600_000);
    expect(clock.pending).toBe(20);
    expect(calls.length).toBeGreaterThan(20 * 54);
    expect(calls.length).toBeLessThan(20 * 68);
  });
});
