import { describe, expect, test } from 'vitest';
import { Prequal } from '../../src/pick/prequal.ts';
import { context, equals, type StageCandidate, sequence, tally, weighted } from './stage.ts';

function staged(all: readonly StageCandidate[], us: readonly number[], active: readonly number[]) {
  for (const [index, one] of all.entries()) Object.assign(one, { latencyAtLoadUs: us[index], active: active[index] });
  const balancer = new Prequal<StageCandidate>(context());
  balancer.update(all);
  return balancer;
}

describe('prequal', () => {
  test.each([
    { why: 'all idle: the fastest', us: [900, 100, 300], active: [0, 0, 0], pick: 'b' },
    { why: 'the fastest is the busiest: the next', us: [900, 100, 300], active: [2, 9, 2], pick: 'c' },
    { why: 'the fastest is as busy as another', us: [900, 100, 300], active: [2, 9, 9], pick: 'b' },
    { why: 'of two the less busy', us: [900, 100], active: [1, 2], pick: 'a' },
    { why: 'of two as busy the faster', us: [900, 100], active: [2, 2], pick: 'b' },
    {
      why: 'a new one is as fast as the fastest, of equals the less busy',
      us: [900, 0, 100],
      active: [1, 0, 1],
      pick: 'b',
    },
    { why: 'and so is not rushed', us: [900, 0, 100, 900], active: [4, 2, 1, 4], pick: 'c' },
    { why: 'less than a factor of two does not decide', us: [110, 100, 105], active: [1, 2, 2], pick: 'a' },
  ])('$why', ({ us, active, pick }) => {
    expect(sequence(staged(equals(us.length), us, active), 1)).toBe(pick);
  });

  test('leaves out the busiest sixth of a hundred, however fast they are', () => {
    const us = Array.from({ length: 100 }, (_, k) => (k < 16 ? 1 : 1000 + k));
    const active = Array.from({ length: 100 }, (_, k) => (k < 16 ? 50 : 40));
    const all = equals(100);
    expect(all.indexOf(staged(all, us, active).pick({})!)).toBeGreaterThanOrEqual(16);
    // One more, and the limit is theirs: the fast are picked again.
    all[16]!.active = 50;
    expect(
      all.indexOf(
        staged(
          all,
          us,
          all.map((one) => one.active),
        ).pick({})!,
      ),
    ).toBeLessThan(16);
  });

  test('measures load for weight', () => {
    expect(sequence(staged(weighted(4, 1), [100, 100], [8, 1]), 1)).toBe('b');
    expect(sequence(staged(weighted(4, 1), [100, 100], [3, 1]), 1)).toBe('a');
  });

  test('of two never lets the fast one get ahead by more than one, so that it cannot drown', () => {
    const all = equals(2);
    const balancer = staged(all, [10, 10_000], [0, 0]);
    expect(tally(balancer, { times: 101, hold: true })).toEqual({ a: 51, b: 50 });
  });

  test('the avoided and the full count neither as cold nor for the limit', () => {
    const all = equals(4);
    const balancer = staged(all, [1, 4, 16, 64], [0, 0, 5, 0]);
    expect(sequence(balancer, 1, new Set([all[0]!, all[1]!]))).toBe('d');
    Object.assign(all[3]!, { active: 1, maxActive: 1 });
    expect(sequence(balancer, 1, new Set([all[0]!, all[1]!]))).toBe('c');
  });
});
