import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WeightedDraw } from '../../src/pick/weighted-draw.ts';

const almostOne = 1 - 2 ** -53;

describe('a weighted draw', () => {
  test.each([
    { weights: [1], at: [0, 0.5, almostOne], places: [0, 0, 0] },
    { weights: [1, 1], at: [0, 0.499, 0.5, almostOne], places: [0, 0, 1, 1] },
    { weights: [1, 2, 1], at: [0, 0.249, 0.25, 0.749, 0.75, almostOne], places: [0, 0, 1, 1, 2, 2] },
    { weights: [1, 1, 1, 1, 4], at: [0.124, 0.125, 0.374, 0.375, 0.499, 0.5], places: [0, 1, 2, 3, 3, 4] },
    { weights: [0.1, 0.2, 0.3, 0.1], at: [almostOne], places: [3] },
  ])('of $weights at $at is $places', ({ weights, at, places }) => {
    const draw = WeightedDraw.over(Float64Array.from(weights));
    expect(at.map((random) => draw.place(random))).toEqual(places);
  });

  test.each([
    { weights: [1, 1], taken: 0, at: [0, 0.5, almostOne], places: [1, 1, 1] },
    { weights: [1, 1], taken: 1, at: [0, 0.5, almostOne], places: [0, 0, 0] },
    { weights: [1, 1, 1], taken: 0, at: [0, 0.499, 0.5, almostOne], places: [1, 1, 2, 2] },
    { weights: [1, 1, 1], taken: 1, at: [0, 0.499, 0.5, almostOne], places: [0, 0, 2, 2] },
    { weights: [1, 1, 1], taken: 2, at: [0, 0.499, 0.5, almostOne], places: [0, 0, 1, 1] },
    { weights: [3, 5, 1], taken: 1, at: [0.749, 0.75], places: [0, 2] },
    { weights: [3, 5, 1], taken: 0, at: [0.833, 0.834], places: [1, 2] },
  ])('of $weights beside $taken at $at is $places', ({ weights, taken, at, places }) => {
    const draw = WeightedDraw.over(Float64Array.from(weights));
    expect(at.map((random) => draw.placeBeside(taken, random))).toEqual(places);
  });

  test('beside one taken is never that one, and even over the rest', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(weights, fc.nat(), (list, any) => {
        const draw = WeightedDraw.over(Float64Array.from(list));
        const taken = any % list.length;
        const rest = list.reduce((sum, weight) => sum + weight, 0) - list[taken]!;
        const counts = list.map(() => 0);
        // One number in the middle of each unit of weight that is left.
        for (let unit = 0; unit < rest; unit++) counts[draw.placeBeside(taken, (unit + 0.5) / rest)]!++;
        expect(counts).toEqual(list.map((weight, index) => (index === taken ? 0 : weight)));
      }),
    );
  });

  test('refilled holds the subset alone, and knows its members', () => {
    const weights = Float64Array.of(1, 2, 3, 4);
    const draw = WeightedDraw.over(weights);
    expect([draw.count, draw.memberAt(3)]).toEqual([4, 3]);
    draw.fill(weights, Uint32Array.of(3, 1, 0, 2), 2);
    expect([draw.count, draw.memberAt(0), draw.memberAt(1)]).toEqual([2, 3, 1]);
    expect([0, 0.666, 0.667, almostOne].map((random) => draw.place(random))).toEqual([0, 0, 1, 1]);
    expect([draw.placeBeside(0, 0.9), draw.placeBeside(1, 0.9)]).toEqual([1, 0]);
    draw.fill(weights, new Uint32Array(4), 0);
    expect(draw.count).toBe(0);
  });

  test('new is empty', () => {
    expect(new WeightedDraw(3).count).toBe(0);
  });
});
