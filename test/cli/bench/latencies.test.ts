import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latencies } from '../../../src/cli/bench/latencies.ts';

function recorded(values: readonly number[]): Latencies {
  const latencies = new Latencies();
  for (const value of values) latencies.record(value);
  return latencies;
}

const someLatencies = fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 });

describe('latencies', () => {
  it('give every percentile to within one percent', () => {
    fc.assert(
      fc.property(someLatencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(q * values.length)) - 1]!;
        const found = recorded(values).percentileMs(q);
        expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
        expect(found).toBeLessThanOrEqual(exact * 1.0100001);
      }),
    );
  });

  it('add up', () => {
    fc.assert(
      fc.property(someLatencies, someLatencies, (some, others) => {
        const both = recorded(some);
        both.add(recorded(others).counts);
        const { sumMs, ...counts } = recorded([...some, ...others]).counts;
        expect(both.counts).toMatchObject(counts);
        expect(both.counts.sumMs).toBeCloseTo(sumMs, 3);
      }),
    );
  });

  it('have bars that count each of them once', () => {
    fc.assert(
      fc.property(someLatencies, fc.integer({ min: 1, max: 20 }), (values, most) => {
        const bars = recorded(values).bars(most);
        expect(bars.length).toBeLessThanOrEqual(most);
        expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
        for (const { fromMs, toMs, count } of bars) {
          expect(
            values.filter((value) => value > fromMs * 1.000001 && value < toMs * 0.999999).length,
          ).toBeLessThanOrEqual(count);
        }
      }),
    );
  });

  it('know their ends, and nothing where there is none', () => {
    expect(recorded([1, 2, 6])).toMatchObject({ count: 3, minMs: 1, meanMs: 3, maxMs: 6 });
    const none = new Latencies();
    expect({ min: none.minMs, mean: none.meanMs, max: none.maxMs, p99: none.percentileMs(0.99) }).toEqual({
      min: 0,
      mean: 0,
      max: 0,
      p99: 0,
    });
    expect(none.bars(10)).toEqual([]);
    expect(recorded([0, 1e9])).toMatchObject({ count: 2, minMs: 0, maxMs: 1e9 });
  });
});
