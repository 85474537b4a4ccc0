import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Hash } from '../../src/pick/hash.ts';
import { candidate, context, equals, type StageCandidate, sequence, shuffled, weighted } from './stage.ts';

const keys = Array.from({ length: 3000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);

function balancerOver(all: readonly StageCandidate[]): Hash<StageCandidate> {
  const balancer = new Hash<StageCandidate>(context());
  balancer.update(all);
  return balancer;
}

/** Where each key goes. */
function placement(all: readonly StageCandidate[], avoid?: ReadonlySet<StageCandidate>): Map<string, string> {
  const balancer = balancerOver(all);
  return new Map(keys.map((key) => [key, balancer.pick({ key }, avoid)!.id]));
}

function countsOf(ids: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

const anyPool = fc
  .uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 9 })
  .chain((ids) =>
    fc.tuple(
      fc.constant(ids),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: ids.length, maxLength: ids.length }),
    ),
  )
  .map(([ids, weights]) => ids.map((id, index) => candidate(id, { weight: weights[index]! })));

const someKeys = fc.array(fc.string(), { minLength: 1, maxLength: 30 });

/** The picks of two pools for the same keys, pair by pair. */
function pairs(before: readonly StageCandidate[], after: readonly StageCandidate[], list: readonly string[]) {
  const one = balancerOver(before);
  const two = balancerOver(after);
  return list.map((key) => [one.pick({ key })!.id, two.pick({ key })!.id] as const);
}

describe('hash', () => {
  test('places keys as it always has, over restarts and releases', () => {
    const pool = [candidate('127.0.0.1:3001'), candidate('127.0.0.1:3002', { weight: 2 }), candidate('big')];
    const balancer = balancerOver(pool);
    const named = ['', '192.0.2.7', '2001:db8::1', '/cart?id=7', 'alice', 'bob', 'carol', ...keys.slice(0, 20)];
    expect(named.map((key) => pool.indexOf(balancer.pick({ key })!)).join('')).toBe('202212212100011211022111210');
  });

  test('the same candidate for the same key, whatever the load, the order and the number of picks', () => {
    fc.assert(
      fc.property(anyPool, someKeys, fc.nat(), (all, list, seed) => {
        const busy = shuffled(all, seed).map((one) => ({ ...one, active: seed % 1000 }));
        for (const [before, after] of pairs(all, busy, [...list, ...list])) expect(after).toBe(before);
      }),
    );
  });

  test('when a candidate leaves, its keys alone move', () => {
    fc.assert(
      fc.property(anyPool, someKeys, fc.nat(), (all, list, any) => {
        const gone = all[any % all.length]!;
        const rest = all.filter((one) => one !== gone);
        for (const [before, after] of pairs(all, rest, list)) if (before !== gone.id) expect(after).toBe(before);
      }),
    );
  });

  test('when a candidate gains weight it only takes keys, when it loses weight it only gives', () => {
    fc.assert(
      fc.property(anyPool, someKeys, fc.nat(), fc.integer({ min: 1, max: 9 }), (all, list, any, more) => {
        const changed = any % all.length;
        const heavier = all.map((one, index) => (index === changed ? { ...one, weight: one.weight + more } : one));
        for (const [light, heavy] of pairs(all, heavier, list))
          if (heavy !== light) expect(heavy).toBe(all[changed]!.id);
      }),
    );
  });

  test('the keys of the one that left are spread over the others by weight', () => {
    const all = weighted(4, 1, 2, 1);
    const before = placement(all);
    const after = placement(all.slice(1));
    const moved = countsOf(keys.filter((key) => before.get(key) === 'a').map((key) => after.get(key)!));
    const total = Object.values(moved).reduce((sum, count) => sum + count, 0);
    for (const [id, share] of Object.entries({ b: 0.25, c: 0.5, d: 0.25 })) {
      expect(Math.abs(moved[id]! / total - share)).toBeLessThan(0.05);
    }
  });

  test('every candidate of many gets its share of keys that look alike', () => {
    const pool = Array.from({ length: 10 }, (_, index) => candidate(`10.0.0.1:${3000 + index}`));
    const counts = Object.values(countsOf(placement(pool).values()));
    expect(counts).toHaveLength(10);
    const chiSquare = counts.reduce((sum, count) => sum + (count - 300) ** 2 / 300, 0);
    // 99.9 % of the chi-square distribution of nine degrees of freedom.
    expect(chiSquare).toBeLessThan(27.9);
  });

  test('a light one beside a heavy one still gets its keys', () => {
    const counts = countsOf(placement(weighted(99, 1)).values());
    expect(counts['b']).toBeGreaterThan(12);
    expect(counts['b']).toBeLessThan(52);
  });
});

describe('hash past the full and the avoided', () => {
  test('goes to the next best, the same that takes over when the best is gone', () => {
    const all = weighted(3, 1, 2, 2);
    const [a, ...rest] = all;
    const gone = placement(rest);
    expect(placement(all, new Set([a!]))).toEqual(gone);
    Object.assign(a!, { active: 1, maxActive: 1 });
    expect(placement(all)).toEqual(gone);
  });
});

describe('hash without a key', () => {
  test("takes the pool's turn", () => {
    const ctx = context();
    const balancer = new Hash<StageCandidate>(ctx);
    const all = weighted(2, 1, 1);
    balancer.update(all);
    expect(sequence(balancer, 8)).toBe('abacabac');
    expect(ctx.turn).toBe(8);
    expect(sequence(balancer, 4, new Set([all[0]!]))).toMatch(/^(bcbc|cbcb)$/);
  });

  test('an empty key is a key, and a key takes no turn', () => {
    const ctx = context();
    const balancer = new Hash<StageCandidate>(ctx);
    balancer.update(equals(5));
    const picks = Array.from({ length: 10 }, () => balancer.pick({ key: '' })!.id);
    expect(new Set(picks).size).toBe(1);
    expect(ctx.turn).toBe(0);
  });
});
