import { describe, expect, it } from 'vitest';
import { byteRate, count, latency, plural, rate, share, span } from '../../../src/admin/dashboard/format.ts';

describe('figures', () => {
  it.each([
    [0, '0'],
    [0.333, '0.33'],
    [9.994, '9.99'],
    [12.34, '12.3'],
    [99.96, '100'],
    [1234, '1,234'],
    [9994, '9,994'],
    [12_345, '12.3k'],
    [25_000_000, '25M'],
    [2e10, '20G'],
  ])('rate(%d) is %s', (value, text) => {
    expect(rate(value)).toBe(text);
  });

  it.each([
    [0, '0 B/s'],
    [999, '999 B/s'],
    [1000, '1 kB/s'],
    [33_210, '33.2 kB/s'],
    [1_500_000, '1.5 MB/s'],
  ])('byteRate(%d) is %s', (value, text) => {
    expect(byteRate(value)).toBe(text);
  });

  it.each([
    [null, '–'],
    [0.123, '0.12 ms'],
    [36.84, '36.8 ms'],
    [999.4, '999 ms'],
    [1234, '1.23 s'],
  ])('latency(%s) is %s', (value, text) => {
    expect(latency(value)).toBe(text);
  });

  it.each([
    [1, 0, '–'],
    [0, 5, '0 %'],
    [1, 1000, '0.1 %'],
    [1, 3, '33 %'],
    [5, 5, '100 %'],
  ])('share(%d, %d) is %s', (part, whole, text) => {
    expect(share(part, whole)).toBe(text);
  });

  it.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [61_000, '1 min 1 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [-5, '0 s'],
  ])('span(%d) is %s', (value, text) => {
    expect(span(value)).toBe(text);
  });

  it('writes whole numbers with all their digits, and words in their number', () => {
    expect([count(1234567), plural(1, 'lease'), plural(1200, 'lease')]).toEqual([
      '1,234,567',
      '1 lease',
      '1,200 leases',
    ]);
  });
});
