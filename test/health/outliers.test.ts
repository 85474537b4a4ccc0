import { describe, expect, it } from 'vitest';
import { type Figures, outlierReason } from '../../src/health/outliers.ts';

const limits = { failureRate: 0.5, latency: 5 };
const well: Figures = { requests: 100, failures: 0, medianUs: 10_000 };

describe('outlierReason', () => {
  it.each<[string, Figures, Figures[], string | undefined]>([
    ['one like all others', well, [well, well], undefined],
    ['half failed', { ...well, failures: 50 }, [well], '50 of 100 requests failed'],
    ['less than half failed', { ...well, failures: 49 }, [well], undefined],
    ['too few requests', { ...well, requests: 19, failures: 19 }, [well], undefined],
    ['the only one', { ...well, failures: 100 }, [], undefined],
    ['five times as slow', { ...well, medianUs: 50_000 }, [well], '5 times as slow as the others'],
    ['nearly five times as slow', { ...well, medianUs: 49_999 }, [well], undefined],
    ['many times as slow as next to nothing', { ...well, medianUs: 9000 }, [{ ...well, medianUs: 100 }], undefined],
    ['slow beside one that nobody used', { ...well, medianUs: 90_000 }, [{ ...well, requests: 3 }], undefined],
    [
      'slow beside one slow and one fast',
      { ...well, medianUs: 90_000 },
      [{ ...well, medianUs: 80_000 }, well],
      '9 times as slow as the others',
    ],
    ['without an answer', { ...well, medianUs: undefined }, [well], undefined],
  ])('%s', (_name, own, others, expected) => {
    expect(outlierReason(own, others, limits)).toBe(expected);
  });

  it('leaves out what is turned off', () => {
    expect(outlierReason({ requests: 100, failures: 100, medianUs: 1e6 }, [well], { failureRate: 0, latency: 0 })).toBe(
      undefined,
    );
  });
});
