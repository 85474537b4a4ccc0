import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LoadRank } from '../../src/pick/load-rank.ts';

const rank = new LoadRank();
const quantile = (share: number, ...loads: number[]) => rank.quantile(Float64Array.from(loads), loads.length, share);

describe('the quantile of loads', () => {
  test.each([
    { loads: [], is: 0 },
    { loads: [0, 0], is: 0 },
    { loads: [7], is: 7 },
    { loads: [3, 1], is: 1 },
    { loads: [9, 1, 5], is: 5 },
    { loads: [1, 2, 3, 4, 5, 6, 7, 8], is: 6 },
    { loads: [0.25, 1 / 3, 0.5], is: 1 / 3 },
  ])('0.84 of $loads is $is: rounded down', ({ loads, is }) => expect(quantile(0.84, ...loads)).toBe(is));

  test('is that of the sorted loads, but for less than a 1024th of the largest', () => {
    const loads = fc.array(fc.nat(1e9), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(loads, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.floor(share * (all.length - 1))]!;
        const found = quantile(share, ...all);
        expect(all).toContain(found);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found - exact).toBeLessThanOrEqual(sorted.at(-1)! / 1023);
      }),
    );
  });
});
