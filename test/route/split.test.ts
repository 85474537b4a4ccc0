import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSplit, MAX_SPLIT_SLOTS } from '../../src/route/split.ts';

/** A split of weights that chooses their indexes, on a cursor that begins at `first`. */
function splitOf(weights: readonly number[], first = 0): () => number | undefined {
  let turn = first;
  return createSplit(
    weights.map((weight, value) => ({ value, weight })),
    () => turn++ % 2 ** 32,
  );
}

function take(split: () => number | undefined, turns: number): (number | undefined)[] {
  return Array.from({ length: turns }, split);
}

function countsOf(chosen: readonly (number | undefined)[], size: number): number[] {
  return Array.from({ length: size }, (_, value) => chosen.filter((one) => one === value).length);
}

describe('a split', () => {
  test.each([
    { weights: [1, 1], cycle: '01' },
    { weights: [1, 2], cycle: '101' },
    { weights: [5, 1, 1], cycle: '0010200' },
    { weights: [90, 10], cycle: '0000010000' },
    { weights: [10, 90], cycle: '1111011111' },
    { weights: [0.5, 0.25, 0.25], cycle: '0120' },
    { weights: [0, 3, -1, 3], cycle: '13' },
    { weights: [Number.NaN, 1, Number.POSITIVE_INFINITY, 1], cycle: '13' },
    { weights: [1_000_000, 3_000_000], cycle: '1011' },
  ])('of $weights goes round $cycle', ({ weights, cycle }) => {
    expect(take(splitOf(weights), cycle.length * 2).join('')).toBe(cycle + cycle);
  });

  test('is exact over any full cycle, and within one at any time', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.nat({ max: 2 ** 31 }), (shares, first) => {
        const total = shares.reduce((sum, share) => sum + share, 0);
        const chosen = take(splitOf(shares, first), total);
        expect(countsOf(chosen, shares.length)).toEqual(shares);
        const fromStart = take(splitOf(shares), total);
        for (const [turn] of fromStart.entries()) {
          for (const [value, count] of countsOf(fromStart.slice(0, turn + 1), shares.length).entries())
            expect(Math.abs(count - ((turn + 1) * shares[value]!) / total)).toBeLessThan(shares.length);
        }
      }),
    );
  });

  test('is exact over workers that share the cursor', () => {
    let turn = 0;
    const shares = [
      { value: 'next', weight: 10 },
      { value: 'now', weight: 90 },
    ];
    const workers = Array.from({ length: 3 }, () => createSplit(shares, () => turn++));
    const chosen = Array.from({ length: 1000 }, (_, request) => workers[(request * 7) % 3]!());
    expect(chosen.filter((pool) => pool === 'next')).toHaveLength(100);
  });

  test('goes on where the cursor wraps, and takes it for unsigned', () => {
    expect(take(splitOf([1, 1], 2 ** 32 - 2), 4)).toEqual([0, 1, 0, 1]);
    const signed = createSplit(
      [0, 1, 2].map((value) => ({ value, weight: 1 })),
      () => -1,
    );
    expect(signed()).toBe((2 ** 32 - 1) % 3);
  });

  test('takes no turn when there is nothing to choose between', () => {
    const fail = () => {
      throw new Error('a turn was taken');
    };
    expect(createSplit([{ value: 'a', weight: 7 }], fail)()).toBe('a');
    expect(
      createSplit(
        [
          { value: 'a', weight: 0 },
          { value: 'b', weight: 1 },
        ],
        fail,
      )(),
    ).toBe('b');
    expect(createSplit([{ value: 'a', weight: 0 }], fail)()).toBeUndefined();
    expect(createSplit([], fail)()).toBeUndefined();
  });

  test('tells weights apart to a millionth', () => {
    const counts = countsOf(take(splitOf([0.001, 0.999]), 2000), 2);
    expect(counts).toEqual([2, 1998]);
    expect(countsOf(take(splitOf([1e-9, 1e-9]), 10), 2)).toEqual([5, 5]);
  });

  test('rounds what has no short cycle, and leaves out nobody', () => {
    const counts = countsOf(take(splitOf([65_535, 65_534]), MAX_SPLIT_SLOTS), 2);
    expect(counts).toEqual([MAX_SPLIT_SLOTS / 2, MAX_SPLIT_SLOTS / 2]);
    expect(countsOf(take(splitOf([1, 10_000_000]), MAX_SPLIT_SLOTS + 1), 2)).toEqual([1, MAX_SPLIT_SLOTS]);
  });
});
