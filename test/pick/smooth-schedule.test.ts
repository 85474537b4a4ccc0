import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_SLOTS, smoothSchedule } from '../../src/pick/smooth-schedule.ts';

const smallWeights = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 24 });

function slotCounts(schedule: Uint32Array, members: number): number[] {
  const counts = Array.from({ length: members }, () => 0);
  for (const member of schedule) counts[member]!++;
  return counts;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

/** The longest way from one slot of a member to its next, around the end of the cycle too. */
function longestGap(schedule: Uint32Array, member: number): number {
  const slots = [...schedule.keys()].filter((slot) => schedule[slot] === member);
  const next = [...slots.slice(1), slots[0]! + schedule.length];
  return Math.max(...slots.map((slot, index) => next[index]! - slot));
}

describe('a smooth schedule', () => {
  test.each([
    { weights: [], schedule: '' },
    { weights: [7], schedule: '0' },
    { weights: [3, 3, 3], schedule: '012' },
    { weights: [65_535, 65_535], schedule: '01' },
    { weights: [2, 1], schedule: '010' },
    { weights: [10, 5, 5], schedule: '0102' },
    { weights: [5, 1, 1], schedule: '0100020' },
    { weights: [1, 1, 5], schedule: '2022212' },
    { weights: [1, 2, 1, 2], schedule: '103123' },
    { weights: [0.5, 0.25, 0.25], schedule: '0102' },
    { weights: [1e300, 3e300], schedule: '1011' },
  ])('of $weights is $schedule', ({ weights, schedule }) => {
    expect([...smoothSchedule(weights)].join('')).toBe(schedule);
  });

  test('of many equal weights is each of them once, in order', () => {
    const schedule = smoothSchedule(Array.from({ length: 1000 }, () => 65_535));
    expect([...schedule]).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  test('is exact, and no longer than the weights need', () => {
    fc.assert(
      fc.property(smallWeights, fc.integer({ min: 1, max: 1000 }), (weights, factor) => {
        const plain = smoothSchedule([1, ...weights]);
        expect(slotCounts(plain, weights.length + 1)).toEqual([1, ...weights]);
        expect(smoothSchedule([1, ...weights].map((weight) => weight * factor))).toEqual(plain);
      }),
    );
  });

  test('is smooth: at every slot each member has had its share to within a slot and a half', () => {
    fc.assert(
      fc.property(smallWeights, (weights) => {
        const schedule = smoothSchedule(weights);
        const share = weights.map((weight) => weight / sum(weights));
        const had = weights.map(() => 0);
        let most = 0;
        schedule.forEach((member, slot) => {
          had[member]!++;
          for (const [other, count] of had.entries())
            most = Math.max(most, Math.abs(count - share[other]! * (slot + 1)));
        });
        // One slot is passed by a hair once in some ten thousand lists; in plain block order it would be many.
        expect(most).toBeLessThan(1.5);
      }),
    );
  });

  test('leaves no gap of twice the even one, not around its end either', () => {
    fc.assert(
      fc.property(smallWeights, (weights) => {
        const schedule = smoothSchedule(weights);
        for (const [member, weight] of weights.entries()) {
          expect(longestGap(schedule, member)).toBeLessThan(2 * Math.ceil(sum(weights) / weight) + 1);
        }
      }),
    );
  });
});

describe('a schedule that would be too long', () => {
  const hugeWeights = fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 2, maxLength: 30 });

  test('is exact up to the limit', () => {
    const weights = [MAX_SLOTS / 2 - 1, MAX_SLOTS / 2 + 1];
    expect(slotCounts(smoothSchedule(weights), 2)).toEqual(weights);
    expect(smoothSchedule([MAX_SLOTS - 1, 1])).toHaveLength(MAX_SLOTS);
  });

  test('is scaled down beyond it, and keeps a slot for the lightest', () => {
    // The lightest would round to a third of a slot, that is to none.
    expect(slotCounts(smoothSchedule([65_535, 1, 65_535, 65_535]), 4)).toEqual([21_845, 1, 21_845, 21_845]);
    const counts = slotCounts(smoothSchedule([65_535, 65_533, 32_767]), 3);
    expect(counts).toEqual([26_215, 26_214, 13_107]);
  });

  test('is off by less than (1 + n·share) / length', () => {
    fc.assert(
      fc.property(hugeWeights, (weights) => {
        const schedule = smoothSchedule(weights);
        expect(schedule.length).toBeLessThanOrEqual(MAX_SLOTS + weights.length);
        const total = sum(weights);
        for (const [member, count] of slotCounts(schedule, weights.length).entries()) {
          const share = weights[member]! / total;
          const bound = (1 + weights.length * share) / schedule.length;
          expect(Math.abs(count / schedule.length - share)).toBeLessThan(bound);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('is for fractions that no whole numbers stand for', () => {
    const schedule = smoothSchedule([0.1, 0.2, 0.7]);
    const shares = slotCounts(schedule, 3).map((count) => count / schedule.length);
    for (const [member, share] of [0.1, 0.2, 0.7].entries()) expect(shares[member]).toBeCloseTo(share, 4);
    expect(schedule.length).toBeLessThanOrEqual(MAX_SLOTS + 3);
  });
});
