import { describe, expect, test } from 'vitest';
import {
  bandOf,
  FADE_MS,
  faded,
  knownAverage,
  knownLeast,
  movingAverage,
  peakAverage,
} from '../../src/pick/latency.ts';

describe('estimates of latency', () => {
  test('fade with time, never to nothing, and not at all when the time goes back', () => {
    expect(faded(1000, 0)).toBe(1000);
    expect(faded(1000, FADE_MS)).toBeCloseTo(1000 / Math.E);
    expect(faded(1000, -5)).toBe(1000);
    expect(faded(3, 60 * FADE_MS)).toBe(1);
    expect(faded(0, 5)).toBe(0);
  });

  test('of peaks jump up at once and come down by the time that went by', () => {
    expect(peakAverage(0, 700, 0)).toBe(700);
    expect(peakAverage(700, 9000, 0)).toBe(9000);
    expect(peakAverage(9000, 700, 0)).toBe(9000);
    expect(peakAverage(9000, 700, FADE_MS)).toBeCloseTo(9000 / Math.E + 700 * (1 - 1 / Math.E));
    expect(peakAverage(9000, 700, 100 * FADE_MS)).toBeCloseTo(700);
  });

  test('of averages move up as slowly as down', () => {
    expect(movingAverage(0, 700, 0)).toBe(700);
    expect(movingAverage(1600, 0, 0)).toBe(1500);
    expect(movingAverage(1600, 3200, 0)).toBe(1700);
    expect(movingAverage(1600, 100, 100 * FADE_MS)).toBeCloseTo(100);
  });

  test('come in bands of load that double, the last one open', () => {
    expect([0, 1, 2, 3, 4, 7, 8, 63, 64, 1e6, -1].map(bandOf)).toEqual([0, 1, 2, 2, 3, 3, 4, 6, 7, 7, 0]);
  });

  test('average over what is known', () => {
    expect(knownAverage(Float64Array.of(0, 200, 400, 9999), 3)).toBe(300);
    expect(knownAverage(Float64Array.of(0, 0), 2)).toBe(1);
    expect(knownAverage(new Float64Array(0), 0)).toBe(1);
  });

  test('have a least of what is known', () => {
    expect(knownLeast(Float64Array.of(0, 400, 200, 1), 3)).toBe(200);
    expect(knownLeast(Float64Array.of(0, 0), 2)).toBe(1);
  });
});
