import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LeastConnections } from '../../src/pick/least-connections.ts';
import { candidate, context, equals, type StageCandidate, sequence, shuffled, tally, weighted } from './stage.ts';

/** Over candidates with the given loads; random 0 makes ties begin with the first. */
function balancerOver(all: readonly StageCandidate[], random = 0): LeastConnections<StageCandidate> {
  const balancer = new LeastConnections<StageCandidate>(context({ random: () => random }));
  balancer.update(all);
  return balancer;
}

function loaded(...loads: number[]): StageCandidate[] {
  return weighted(...loads.map(() => 1)).map((one, index) => Object.assign(one, { active: loads[index]! }));
}

const orders = [
  { order: 'ascending', loads: [10, 20, 30, 40] },
  { order: 'descending', loads: [40, 30, 20, 10] },
  { order: 'shuffled', loads: [30, 10, 40, 20] },
];

describe('least-connections', () => {
  test.each([
    { loads: [30, 20, 10], picks: 'cccc' },
    { loads: [10, 20, 30], picks: 'aaaa' },
    { loads: [20, 10, 30], picks: 'bbbb' },
    { loads: [1, 0, 1], picks: 'bbbb' },
  ])('loads $loads: the least alone (Caddy kept the earlier ones in its list of the best)', ({ loads, picks }) => {
    expect(sequence(balancerOver(loaded(...loads)), 4)).toBe(picks);
  });

  test.each([
    { loads: [5, 2, 9, 2], picks: 'bdbd' },
    { loads: [2, 9, 2, 5], picks: 'acac' },
    { loads: [9, 2, 2, 2], picks: 'bcdb' },
    { loads: [3, 3, 1, 1], picks: 'cdcd' },
  ])('loads $loads: the least ones in turn', ({ loads, picks }) => {
    expect(sequence(balancerOver(loaded(...loads)), 4)).toBe(picks);
  });

  test.each([
    { weights: [1, 2], loads: [0, 0], pick: 'b' },
    { weights: [2, 1], loads: [0, 0], pick: 'a' },
    { weights: [1, 2], loads: [0, 2], pick: 'a' },
    { weights: [3, 1], loads: [5, 2], pick: 'a' },
    { weights: [3, 1], loads: [6, 1], pick: 'b' },
    { weights: [65_535, 65_534], loads: [65_535, 65_534], pick: 'a' },
    { weights: [65_534, 65_535], loads: [65_534, 65_535], pick: 'b' },
  ])('weights $weights under loads $loads: $pick', ({ weights, loads, pick }) => {
    const all = weighted(...weights);
    for (const [index, one] of all.entries()) one.active = loads[index]!;
    expect(sequence(balancerOver(all), 1)).toBe(pick);
  });

  test('compares exactly at the largest numbers there are', () => {
    const all = [
      candidate('a', { active: 4_294_967_294, weight: 65_535 }),
      candidate('b', { active: 4_294_901_758, weight: 65_534 }),
    ];
    // 4294967295 / 65535 is 65537 exactly; 4294901759 / 65534 is a trifle above it.
    expect(sequence(balancerOver(all), 4)).toBe('aaaa');
  });

  test.each(orders)('$order loads are levelled and then grow alike', ({ loads }) => {
    const all = loaded(...loads);
    tally(balancerOver(all), { times: 60, hold: true });
    expect(all.map((one) => one.active)).toEqual([40, 40, 40, 40]);
    tally(balancerOver(all), { times: 400, hold: true });
    expect(all.map((one) => one.active)).toEqual([140, 140, 140, 140]);
  });

  test.each(orders)('$order loads, with one down, one full and one avoided: only the last is levelled', ({ loads }) => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 1, 0, 2],
      [2, 3, 1, 0],
    ]) {
      const all = loaded(...loads);
      const [down, full, avoided, last] = order.map((index) => all[index]!);
      full!.maxActive = full!.active;
      const balancer = balancerOver(all.filter((one) => one !== down));
      const counts = tally(balancer, { times: 50, hold: true, avoid: new Set([avoided!]) });
      expect(counts).toEqual({ [last!.id]: 50 });
    }
  });

  test('the least loaded for its weight, always', () => {
    const some = fc.array(fc.record({ active: fc.nat(20), weight: fc.integer({ min: 1, max: 9 }) }), { minLength: 1 });
    fc.assert(
      fc.property(some, fc.nat(), (fields, seed) => {
        const all = shuffled(
          fields.map((one, index) => candidate(`b${index}`, one)),
          seed,
        );
        const picked = balancerOver(all).pick({})!;
        const least = Math.min(...all.map((one) => (one.active + 1) / one.weight));
        expect((picked.active + 1) / picked.weight).toBeCloseTo(least, 12);
      }),
    );
  });
});

describe('least-connections among equals', () => {
  test('is exact at low load, when no two leases overlap', () => {
    expect(tally(balancerOver(equals(7)), { times: 700 })).toEqual({
      a: 100,
      b: 100,
      c: 100,
      d: 100,
      e: 100,
      f: 100,
      g: 100,
    });
  });

  test('goes by weight: at (active + 1) / weight of 1 the heavier is served as much more often', () => {
    const all = [candidate('a', { weight: 3, active: 2 }), candidate('b'), candidate('c', { weight: 2, active: 1 })];
    expect(tally(balancerOver(all), { times: 600 })).toEqual({ a: 300, b: 100, c: 200 });
  });

  test('resumes after the one picked: the neighbour of one avoided gets no double share', () => {
    const all = equals(3);
    const balancer = balancerOver(all);
    const served = { a: 0, b: 0, c: 0 };
    for (let request = 0; request < 600; request++) {
      // The first candidate is broken: each try there is followed by one elsewhere.
      const first = balancer.pick({})!;
      const last = first === all[0] ? balancer.pick({}, new Set([first]))! : first;
      served[last.id as 'a' | 'b' | 'c']++;
    }
    expect(served.a).toBe(0);
    expect(Math.abs(served.b - served.c)).toBeLessThanOrEqual(1);
  });

  test.each([
    { random: 0, order: 'abcdabcd' },
    { random: 0.5, order: 'cdabcdab' },
    { random: 0.999_999, order: 'dabcdabc' },
  ])('begins at a random place: $random', ({ random, order }) => {
    expect(sequence(balancerOver(equals(4), random), 8)).toBe(order);
  });

  test('does not favour the first when updates come between any two picks', () => {
    const all = equals(4);
    const balancer = new LeastConnections<StageCandidate>(context({ seed: 3 }));
    const counts = all.map(() => 0);
    for (let time = 0; time < 4000; time++) {
      balancer.update(all);
      counts[all.indexOf(balancer.pick({})!)]!++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('least-connections under load', () => {
  /** Keeps `clients` leases going at all times on virtual time; how many each candidate finished. */
  function finished(all: StageCandidate[], serviceTimes: number[], clients: number, leases: number): number[] {
    const balancer = balancerOver(all);
    const running: { at: number; index: number }[] = [];
    const counts = all.map(() => 0);
    const start = (now: number) => {
      const picked = balancer.pick({})!;
      picked.active++;
      const index = all.indexOf(picked);
      running.push({ at: now + serviceTimes[index]!, index });
    };
    for (let client = 0; client < clients; client++) start(0);
    for (let done = 0; done < leases; done++) {
      running.sort((x, y) => x.at - y.at);
      const { at, index } = running.shift()!;
      all[index]!.active--;
      counts[index]!++;
      start(at);
    }
    return counts;
  }

  test('one ten times slower gets the share its speed earns', () => {
    const [fast, alsoFast, slow] = finished(equals(3), [1, 1.01, 10], 30, 6300);
    expect(Math.abs(fast! - 3000)).toBeLessThan(90);
    expect(Math.abs(alsoFast! - 3000)).toBeLessThan(90);
    expect(Math.abs(slow! - 300)).toBeLessThan(45);
  });

  test('leases held follow the weights', () => {
    const all = weighted(5, 1, 1, 3);
    finished(all, [3, 1, 2, 1], 100, 1000);
    expect(all.map((one) => one.active)).toEqual([50, 10, 10, 30]);
  });
});
