import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, longestDurationMs, parseDuration } from '../../src/support/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0ms', 0],
    ['0s', 0],
    ['1ms', 1],
    ['250ms', 250],
    ['5s', 5000],
    ['1.5s', 1500],
    ['1.1s', 1100],
    ['0.001s', 1],
    ['2m', 120_000],
    ['0.5m', 30_000],
    ['1h', 3_600_000],
    ['0.25h', 900_000],
    ['010s', 10_000],
    ['999999999999ms', 999_999_999_999],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '5',
    '00',
    's',
    '.5s',
    '5.s',
    '-5s',
    '+5s',
    '5 s',
    ' 5s',
    '5s ',
    '5S',
    '5sec',
    '5d',
    '1h30m',
    '1e3ms',
    '0.5ms',
    '1.0005s',
    '0.0000001h',
    '1234567890123ms',
    '5s\n',
    'Infinity',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('knows the longest delay of a timer: one ms more would not fit 31 bits', () => {
    expect(longestDurationMs).toBe(2 ** 31 - 1);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [1, '1ms'],
    [999, '999ms'],
    [1000, '1s'],
    [1500, '1500ms'],
    [59_000, '59s'],
    [60_000, '1m'],
    [90_000, '90s'],
    [3_600_000, '1h'],
    [5_400_000, '90m'],
    [86_400_000, '24h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('writes what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.nat(longestDurationMs), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('is read back in every unit', () => {
    const units = fc.constantFrom(['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000]) as fc.Arbitrary<
      [string, number]
    >;
    fc.assert(
      fc.property(fc.nat(100_000), units, (count, [unit, ms]) => {
        expect(parseDuration(`${count}${unit}`)).toBe(count * ms);
      }),
    );
  });
});
