import { describe, expect, test } from 'vitest';
import { at, fleet } from '../../bench/balancing/scenarios.ts';
import type { AlgorithmName } from '../../src/pick/algorithms.ts';
import { type ModelBackend, type Played, play, type Scenario } from '../../src/simulate/play.ts';

const byLatency: readonly AlgorithmName[] = ['peak-ewma', 'prequal'];
const added: readonly AlgorithmName[] = [...byLatency, 'maglev'];
const cases = (counts: readonly number[], loads: readonly number[]) =>
  added.flatMap((name) => counts.flatMap((count) => loads.map((load) => ({ name, count, load }))));

/** Maglev gets keys, as many as it needs for even shares. */
function played(name: AlgorithmName, scenario: Scenario): Played {
  const { keys } = scenario;
  return play(name, name === 'maglev' ? { ...scenario, keys: keys ?? 20_000 } : scenario);
}

describe('backends that are alike', () => {
  test.each(cases([2, 3, 100], [0.1, 0.85]))('share by $name: $count of them, at a load of $load', (each) => {
    const { name, count, load } = each;
    const { shares, p50Ms, p99Ms } = played(name, at(load, fleet(count), { requests: 60 * count + 4000 }));
    // At low load any of those that are idle will do.
    const [least, most] = load < 0.5 ? [0.005, 2.5] : [0.4, 1.8];
    for (const share of shares) expect(share * count, shares.join(' ')).toBeGreaterThan(least);
    for (const share of shares) expect(share * count, shares.join(' ')).toBeLessThan(most);
    // 20 ms on average is 14 ms at the median and 92 ms at the 99th percentile, without any wait.
    expect(p50Ms).toBeLessThan(40);
    expect(p99Ms).toBeLessThan(160);
  });
});

describe('one slow backend', () => {
  test.each(byLatency.flatMap((name) => [2, 3, 100].map((count) => ({ name, count }))))(
    'of $count gets by $name about what it can do',
    ({ name, count }) => {
      const scenario = at(0.7, fleet(count, true), { requests: 60 * count + 6000 });
      const { shares, p99Ms } = played(name, scenario);
      expect(shares.at(-1)! * count).toBeLessThan(0.3);
      expect(p99Ms).toBeLessThan(played('round-robin', scenario).p99Ms);
    },
  );

  test('loses by maglev what is over its bound, and no more', () => {
    const scenario = at(0.7, fleet(3, true), { requests: 8000 });
    expect(played('maglev', scenario).p99Ms).toBeLessThan(played('hash', { ...scenario, keys: 20_000 }).p99Ms / 10);
  });
});

describe('one that fails fast', () => {
  // Of two backends prequal takes the less loaded, whatever its latency: ejection has to see to that one.
  const cases = byLatency.flatMap((name) => [2, 3, 100].map((count) => ({ name, count })));
  test.each(cases.filter(({ name, count }) => name !== 'prequal' || count > 2))(
    'of $count draws no traffic by $name, although it is always idle',
    ({ name, count }) => {
      const backends: ModelBackend[] = fleet(count).map((one, index) => ({ ...one, failsFast: index === 0 }));
      const scenario = at(0.5 * (1 - 1 / count), backends, { requests: 60 * count + 6000 });
      const { failed } = played(name, scenario);
      const drawn = played('least-connections', scenario).failed;
      // Where load alone decides, the one that is always idle gets nearly everything.
      expect(failed).toBeLessThan(drawn / 4);
    },
  );
});

describe('weights', () => {
  test.each(added)('are followed by %s at high load', (name) => {
    const backends: ModelBackend[] = [
      { serviceMs: 20, slots: 16, weight: 2 },
      { serviceMs: 20, slots: 8, weight: 1 },
      { serviceMs: 20, slots: 8, weight: 1 },
    ];
    const { shares } = played(name, at(0.8, backends, { requests: 12_000 }));
    expect(Math.abs(shares[0]! - 0.5), shares.join(' ')).toBeLessThan(0.1);
  });
});

describe('a backend that joins', () => {
  test.each(added)('is neither rushed nor left out by %s', (name) => {
    const scenario = { ...at(0.6, fleet(4)), requests: 6000, joining: { index: 3, atRequest: 3000 } };
    const { picks } = played(name, scenario);
    expect(picks.slice(0, 3000)).not.toContain(3);
    const share = (from: number, to: number) => picks.slice(from, to).filter((pick) => pick === 3).length / (to - from);
    // It is idle while the others are busy, so it may have more than its quarter at first, but not everything.
    expect(share(3000, 3040)).toBeLessThan(0.9);
    expect(share(3000, 3200)).toBeLessThan(0.5);
    expect(share(3000, 6000)).toBeGreaterThan(0.12);
    expect(share(3000, 6000)).toBeLessThan(0.4);
  });
});

describe('a backend that leaves', () => {
  test.each(added.flatMap((name) => [2, 3, 100].map((count) => ({ name, count }))))(
    'of $count leaves its part by $name to all the others',
    ({ name, count }) => {
      const half = 60 * count + 2000;
      // As much as the others can do at a load of 0.7.
      const perSecond = at(0.7, fleet(count - 1)).perSecond;
      const scenario = {
        backends: fleet(count),
        perSecond,
        requests: 2 * half,
        leaving: { index: 0, atRequest: half },
      };
      const { picks, refused, p99Ms } = played(name, scenario);
      expect([refused, picks.length, picks.slice(0, half).includes(0)]).toEqual([0, 2 * half, true]);
      const after = picks.slice(half);
      expect(after).not.toContain(0);
      // By latency, one that had some slow answers by chance is passed over for a while.
      for (let index = 1; index < count; index++) {
        const share = (after.filter((pick) => pick === index).length / half) * (count - 1);
        expect(share, `b${index}`).toBeGreaterThan(0.1);
        expect(share, `b${index}`).toBeLessThan(1.8);
      }
      expect(p99Ms).toBeLessThan(160);
    },
  );
});

describe('a cold start', () => {
  test.each(added.flatMap((name) => [2, 3, 100].map((count) => ({ name, count }))))(
    'in a rush to $count leaves none of them out by $name, and floods none',
    ({ name, count }) => {
      // All they can do, at once, when nothing is known of any.
      const { picks } = played(name, { backends: fleet(count), perSecond: 1_000_000, requests: 8 * count });
      const counts = Array.from({ length: count }, (_, index) => picks.filter((pick) => pick === index).length);
      expect(Math.min(...counts), counts.join(' ')).toBeGreaterThanOrEqual(1);
      expect(Math.max(...counts), counts.join(' ')).toBeLessThanOrEqual(16);
    },
  );
});

test('the same seed gives the same story, another one another', () => {
  const scenario = at(0.5, fleet(3), { requests: 500 });
  expect(play('prequal', scenario)).toEqual(play('prequal', scenario));
  expect(play('prequal', { ...scenario, seed: 2 }).picks).not.toEqual(play('prequal', scenario).picks);
});

test('a backend that is full, and has no other beside it, refuses', () => {
  const backends: ModelBackend[] = [{ serviceMs: 20, slots: 8, maxConnections: 2 }];
  const { refused, picks } = play('round-robin', { backends, perSecond: 400, requests: 1000 });
  expect(refused).toBeGreaterThan(100);
  expect(refused + picks.length).toBe(1000);
});

test('a backup stays idle while another backend works', () => {
  const backends: ModelBackend[] = [
    { serviceMs: 20, slots: 8 },
    { serviceMs: 20, slots: 8, backup: true },
  ];
  expect(play('random', { backends, perSecond: 100, requests: 500 }).shares).toEqual([1, 0]);
});
