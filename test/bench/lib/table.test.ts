import { describe, expect, it } from 'vitest';
import { markdownTable, number } from '../../../bench/lib/table.ts';

describe('markdownTable', () => {
  const columns = [
    { title: 'name', align: 'left' as const, cell: ([name]: [string, number]) => name },
    { title: 'n', cell: ([, n]: [string, number]) => String(n) },
  ];

  it('pads words to the left and numbers to the right', () => {
    expect(
      markdownTable(columns, [
        ['caddy', 5],
        ['a|b', 12345],
      ]),
    ).toBe(['| name  |     n |', '| ----- | ----: |', '| caddy |     5 |', '| a\\|b  | 12345 |', ''].join('\n'));
  });

  it('is wide enough for its rule without rows', () => {
    expect(markdownTable(columns, [])).toBe('| name |   n |\n| ---- | --: |\n');
  });
});

describe('number', () => {
  it.each([
    [1234567.891, 0, '1,234,568'],
    [1234.5, 2, '1,234.50'],
    [0.046, 1, '0.0'],
    [Number.NaN, 2, '–'],
  ])('%d with %d decimals is %s', (value, decimals, expected) => expect(number(value, decimals)).toBe(expected));
});
