import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPercent, parsePercent } from '../../src/support/percent.ts';

describe('parsePercent', () => {
  it.each([
    ['0%', 0],
    ['0.5%', 0.005],
    ['1%', 0.01],
    ['50%', 0.5],
    ['12.5%', 0.125],
    ['100%', 1],
    ['100.0%', 1],
  ])('reads %s as %d', (text, fraction) => {
    expect(parsePercent(text)).toBe(fraction);
  });

  it.each([
    '',
    '%',
    '50',
    '0.5',
    '-1%',
    '+1%',
    '100.1%',
    '101%',
    '1000%',
    '5 %',
    ' 5%',
    '5%%',
    '.5%',
    '5.%',
    '1e1%',
    '0.1234567%',
    '5%\n',
  ])('refuses %j', (text) => {
    expect(parsePercent(text)).toBeUndefined();
  });
});

describe('formatPercent', () => {
  it.each([
    [0, '0%'],
    [0.005, '0.5%'],
    [0.07, '7%'],
    [0.29, '29%'],
    [1 / 3, '33.333333%'],
    [0.5, '50%'],
    [1, '100%'],
  ])('writes %d as %s', (fraction, text) => {
    expect(formatPercent(fraction)).toBe(text);
  });

  it('writes what parsePercent reads back, to six decimals', () => {
    fc.assert(
      fc.property(fc.nat(100_000_000), (millionths) => {
        const fraction = millionths / 100_000_000;
        expect(parsePercent(formatPercent(fraction))).toBeCloseTo(fraction, 9);
      }),
    );
  });
});
