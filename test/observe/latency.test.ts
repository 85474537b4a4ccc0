import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATENCY_CELLS, LatencyRecorder, latencyCell, latencyFloor, quantile } from '../../src/observe/latency.ts';

const LIMIT = 2 ** 26;

function recorded(latencies: readonly number[]): Float64Array {
  const cells = new Float64Array(LATENCY_CELLS);
  const recorder = new LatencyRecorder(cells, 0);
  for (const latency of latencies) recorder.observe(latency);
  return cells;
}

describe('the buckets of latency', () => {
  it.each([
    [0, 0],
    [0.9, 0],
    [1, 1],
    [7.99, 7],
    [8, 8],
    [15, 15],
    [16, 16],
    [17.9, 16],
    [18, 17],
    [31, 23],
    [32, 24],
    [1000, 63],
    [LIMIT - 1, 191],
    [LIMIT, 191],
    [2 ** 40, 191],
    [Number.POSITIVE_INFINITY, 191],
  ])('%d µs falls into bucket %i', (micros, cell) => {
    expect(latencyCell(micros)).toBe(cell);
  });

  it('are 192, ascend without a gap, and grow by an eighth at most', () => {
    expect(LATENCY_CELLS).toBe(192);
    expect(latencyFloor(0)).toBe(0);
    expect(latencyFloor(LATENCY_CELLS)).toBe(LIMIT);
    for (let cell = 0; cell < LATENCY_CELLS; cell++) {
      const [floor, next] = [latencyFloor(cell), latencyFloor(cell + 1)];
      expect(next).toBeGreaterThan(floor);
      if (cell >= 8) expect((next - floor) / floor).toBeLessThanOrEqual(0.125);
    }
  });

  it('hold what lies between their floors', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: LIMIT - 1, noNaN: true }), (micros) => {
        const cell = latencyCell(micros);
        expect(latencyFloor(cell)).toBeLessThanOrEqual(micros);
        expect(latencyFloor(cell + 1)).toBeGreaterThan(micros);
      }),
    );
  });
});

describe('LatencyRecorder', () => {
  it('counts in its own block', () => {
    const cells = new Float64Array(3 * LATENCY_CELLS);
    const recorder = new LatencyRecorder(cells, LATENCY_CELLS);
    recorder.observe(0);
    recorder.observe(LIMIT * 2);
    recorder.observe(LIMIT * 2);
    expect([cells[LATENCY_CELLS], cells[2 * LATENCY_CELLS - 1]]).toEqual([1, 2]);
    expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(3);
  });

  it.each([-1, Number.NaN, Number.NEGATIVE_INFINITY])('leaves out %d', (micros) => {
    expect(recorded([micros]).every((cell) => cell === 0)).toBe(true);
  });
});

describe('quantile', () => {
  it('is undefined when nothing was counted', () => {
    expect(quantile(new Float64Array(LATENCY_CELLS), 0.5)).toBeUndefined();
  });

  it('spreads a bucket evenly', () => {
    const cells = recorded(new Array(10).fill(1024));
    const width = latencyFloor(latencyCell(1024) + 1) - 1024;
    expect(quantile(cells, 0)).toBe(1024);
    expect(quantile(cells, 0.5)).toBe(1024 + width / 2);
    expect(quantile(cells, 1)).toBe(1024 + width);
  });

  it('finds the bucket that the rank falls into', () => {
    const cells = recorded([...new Array(98).fill(3), 5000, 90_000]);
    expect(quantile(cells, 0.5)).toBeCloseTo(3 + 50 / 98, 9);
    expect(quantile(cells, 0.98)).toBe(4);
    expect(latencyCell(quantile(cells, 0.985)!)).toBe(latencyCell(5000));
    expect(latencyCell(quantile(cells, 0.995)!)).toBe(latencyCell(90_000));
  });

  it('stays in the last bucket that has anything for a share of 1', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(LIMIT - 1), { minLength: 1 }), (latencies) => {
        const longest = latencyCell(Math.max(...latencies));
        expect(quantile(recorded(latencies), 1)).toBeCloseTo(latencyFloor(longest + 1), 3);
      }),
    );
  });

  it('is within its bucket of the exact percentile, and never falls with the share', () => {
    const shares = [0.01, 0.25, 0.5, 0.9, 0.99, 1];
    fc.assert(
      fc.property(fc.array(fc.nat(10_000_000), { minLength: 1, maxLength: 300 }), (latencies) => {
        const sorted = latencies.toSorted((a, b) => a - b);
        const cells = recorded(latencies);
        let before = 0;
        for (const q of shares) {
          const exact = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)]!;
          const found = quantile(cells, q)!;
          expect(found).toBeGreaterThanOrEqual(latencyFloor(latencyCell(exact)) - 1e-6);
          expect(found).toBeLessThanOrEqual(latencyFloor(latencyCell(exact) + 1) + 1e-6);
          expect(found).toBeGreaterThanOrEqual(before - 1e-6);
          before = found;
        }
      }),
    );
  });

  it('takes no notice of cells that a subtraction has left below 0', () => {
    const cells = recorded([100, 100]);
    cells[latencyCell(50)] = -1;
    expect(latencyCell(quantile(cells, 0.5)!)).toBe(latencyCell(100));
    cells[latencyCell(50)] = -2;
    expect(quantile(cells, 0.5)).toBeUndefined();
  });
});
