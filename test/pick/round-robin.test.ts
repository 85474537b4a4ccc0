import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RoundRobin } from '../../src/pick/round-robin.ts';
import { seededRandom } from '../../src/simulate/seeded-random.ts';
import { candidate, context, equals, type StageCandidate, sequence, tally, weighted } from './stage.ts';

function balancerOver(all: readonly StageCandidate[], ctx = context()): RoundRobin<StageCandidate> {
  const balancer = new RoundRobin<StageCandidate>(ctx);
  balancer.update(all);
  return balancer;
}

describe('round-robin', () => {
  test.each([
    { weights: [1, 1, 1], turn: 0, order: 'abcabc' },
    { weights: [1, 1, 1], turn: 5, order: 'cabcab' },
    { weights: [5, 1, 1], turn: 0, order: 'abaaacaabaaaca' },
    { weights: [0, 2, 0, 1], turn: 0, order: 'bdbbdb' },
  ])('walks the schedule of $weights from turn $turn: $order', ({ weights, turn, order }) => {
    expect(sequence(balancerOver(weighted(...weights), context({ turn })), order.length)).toBe(order);
  });

  test('the count wraps at 2^32 and cuts at most one cycle short', () => {
    expect(sequence(balancerOver(equals(3), context({ turn: 2 ** 32 - 4 })), 9)).toBe('abcaabcab');
    const balancer = balancerOver(equals(3), context({ turn: 2 ** 32 - 500 }));
    for (const count of Object.values(tally(balancer, { times: 1000 }))) expect(Math.abs(count - 333)).toBeLessThan(3);
  });

  test('a cursor that counts in signed numbers does no harm', () => {
    let turn = 2 ** 31 - 2;
    const nextTurn = () => turn++ | 0;
    const counts = tally(balancerOver(equals(3), { ...context(), nextTurn }), { times: 300 });
    expect(counts).toEqual({ a: 100, b: 100, c: 100 });
  });

  test('enters a new schedule where the count stands, and is exact from there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }),
        fc.nat(50),
        (weights, before) => {
          const all = weighted(1, ...weights);
          const balancer = balancerOver(equals(5));
          tally(balancer, { times: before });
          balancer.update(all);
          const cycle = all.reduce((sum, one) => sum + one.weight, 0);
          const counts = tally(balancer, { times: 2 * cycle });
          expect(all.map((one) => counts[one.id])).toEqual(all.map((one) => 2 * one.weight));
        },
      ),
    );
  });
});

describe('round-robin over several workers', () => {
  /** Lets workers chosen at random pick in turn; how often each candidate came up. */
  function interleaved(all: readonly StageCandidate[], workers: number, times: number, seed: number): number[] {
    const ctx = context({ turn: seed, seed });
    const team = Array.from({ length: workers }, () => balancerOver(all, ctx));
    const random = seededRandom(seed);
    const counts = all.map(() => 0);
    for (let time = 0; time < times; time++) {
      const picked = team[Math.floor(random() * workers)]!.pick({});
      counts[all.indexOf(picked!)]!++;
    }
    return counts;
  }

  const workers = fc.integer({ min: 1, max: 8 });
  const seeds = fc.nat(100_000);

  test('is exact over all of them in every whole cycle, however they take turns', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(weights, workers, seeds, (list, team, seed) => {
        const all = weighted(1, ...list);
        const cycle = all.reduce((sum, one) => sum + one.weight, 0);
        expect(interleaved(all, team, 3 * cycle, seed)).toEqual(all.map((one) => 3 * one.weight));
      }),
    );
  });

  test('shares 3,000 picks 1:1:1 and 5:1:1 to within one of the exact count', () => {
    for (const weights of [
      [1, 1, 1],
      [5, 1, 1],
    ]) {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      interleaved(weighted(...weights), 2, 3000, 42).forEach((count, index) => {
        expect(Math.abs(count - (3000 * weights[index]!) / total)).toBeLessThanOrEqual(1);
      });
    }
  });

  test('is exact among the others while one is full', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), workers, seeds, (others, team, seed) => {
        const all = [...equals(others), candidate('full', { active: 1, maxActive: 1 })];
        const counts = interleaved(all, team, 4 * others, seed);
        expect(counts).toEqual([...equals(others).map(() => 4), 0]);
      }),
    );
  });
});

describe('round-robin past the full and the avoided', () => {
  test('takes the turns that follow, one for each candidate at most', () => {
    const all = equals(4);
    const ctx = context();
    const balancer = balancerOver(all, ctx);
    Object.assign(all[0]!, { active: 1, maxActive: 1 });
    expect(sequence(balancer, 3)).toBe('bcd');
    expect(ctx.turn).toBe(4);
    for (const one of all) Object.assign(one, { active: 1, maxActive: 1 });
    expect(balancer.pick({})).toBeUndefined();
    expect(ctx.turn).toBe(8);
  });

  test('shares by weight what the turns did not settle', () => {
    const all = weighted(1000, 3, 1);
    Object.assign(all[0]!, { active: 1, maxActive: 1 });
    expect(tally(balancerOver(all), { times: 400 })).toEqual({ b: 300, c: 100 });
  });

  test('a second try takes no turn, so first tries do not all meet the broken one', () => {
    const [broken, sound] = equals(2);
    const ctx = context();
    const balancer = balancerOver([broken!, sound!], ctx);
    let failed = 0;
    for (let request = 0; request < 100; request++) {
      if (balancer.pick({}) !== broken) continue;
      failed++;
      expect(balancer.pick({}, new Set([broken!]))).toBe(sound);
    }
    expect(failed).toBe(50);
    expect(ctx.turn).toBe(100);
  });

  test('an empty set to avoid is no second try', () => {
    const ctx = context();
    expect(sequence(balancerOver(equals(3), ctx), 6, new Set())).toBe('abcabc');
    expect(ctx.turn).toBe(6);
  });

  test('the neighbour of one avoided gets no double share', () => {
    const all = weighted(1, 1, 2, 1);
    expect(tally(balancerOver(all), { times: 400, avoid: new Set([all[0]!]) })).toEqual({ b: 100, c: 200, d: 100 });
  });

  test.each([
    { random: 0, order: 'bcdbcd' },
    { random: 0.5, order: 'cdbcdb' },
    { random: 0.999_999, order: 'dbcdbc' },
  ])('second tries begin at a random place: $random', ({ random, order }) => {
    const all = equals(4);
    const balancer = balancerOver(all, context({ random: () => random }));
    expect(sequence(balancer, 6, new Set([all[0]!]))).toBe(order);
  });
});

describe('a lease that was charged to round-robin', () => {
  test('is made good for by passing over as many turns', () => {
    const all = equals(3);
    const balancer = balancerOver(all);
    for (let i = 0; i < 3; i++) balancer.charge(all[0]!);
    expect(sequence(balancer, 12)).toBe('bcbcbcabcabc');
  });

  test('is forgiven when all owe alike, by weight', () => {
    const all = weighted(2, 1);
    const balancer = balancerOver(all);
    const fresh = sequence(balancerOver(weighted(2, 1)), 9);
    for (let round = 0; round < 10; round++) for (const owing of [0, 0, 1]) balancer.charge(all[owing]!);
    expect(sequence(balancer, 9)).toBe(fresh);
  });

  test('weighs in with the others: together everyone has its share', () => {
    const all = weighted(2, 1, 1);
    const balancer = balancerOver(all);
    const load: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < 4000; i++) {
      // A third of all requests are of sessions on c, less than it has a share of.
      if (i % 5 === 0) {
        balancer.charge(all[2]!);
        load['c']!++;
      } else load[balancer.pick({})!.id]!++;
    }
    expect(load['a']).toBeGreaterThan(1990);
    expect(load['a']).toBeLessThan(2010);
    expect(Math.abs(load['b']! - load['c']!)).toBeLessThan(10);
  });

  test('is forgotten beyond 32 rounds', () => {
    const all = equals(2);
    const balancer = balancerOver(all);
    for (let i = 0; i < 10_000; i++) balancer.charge(all[0]!);
    expect(sequence(balancer, 34)).toBe(`${'b'.repeat(32)}ab`);
  });

  test('of one that may not be picked changes nothing', () => {
    const balancer = balancerOver(equals(2));
    balancer.charge(candidate('z'));
    expect(sequence(balancer, 4)).toBe('abab');
  });
});
