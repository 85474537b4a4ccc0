import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, percentile, ratio, spread } from '../../../bench/lib/statistics.ts';

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

describe('median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[10, 2, 9, 1], 5.5],
    [[100, 20, 3], 20],
  ])('of %o is %d', (values, expected) => expect(median(values)).toBe(expected));

  it('of nothing is NaN', () => expect(median([])).toBeNaN());

  it('has at most half of the values on either side, and does not touch the list', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const copy = [...values];
        const middle = median(values);
        expect(values).toEqual(copy);
        expect(values.filter((each) => each < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((each) => each > middle).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  it.each([
    [0, 1],
    [0.01, 1],
    [0.5, 50],
    [0.99, 99],
    [0.991, 100],
    [1, 100],
  ])('%d of 1..100 is %d', (fraction, expected) => expect(percentile(hundred, fraction)).toBe(expected));

  it('of nothing is NaN', () => expect(percentile([], 0.5)).toBeNaN());

  it('is one of the values', () => {
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, fraction) => {
        expect(values).toContain(percentile(values, fraction));
      }),
    );
  });
});

describe('spread and ratio', () => {
  it('spread is the range over the median', () => {
    expect(spread([10, 12, 9])).toBeCloseTo(0.3, 12);
    expect(spread([5])).toBe(0);
  });

  it.each([
    [6, 3, 2],
    [undefined, 3, Number.NaN],
    [6, undefined, Number.NaN],
    [6, 0, Number.NaN],
    [0, 6, 0],
    [Number.NaN, 6, Number.NaN],
  ])('ratio of %o to %o is %d', (value, base, expected) => expect(ratio(value, base)).toBe(expected));
});
