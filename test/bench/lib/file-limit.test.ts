import { describe, expect, it } from 'vitest';
import { configuredFiles, parseFileLimit, readFileLimit } from '../../../bench/lib/file-limit.ts';

const line = (soft: string, hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units
Max processes             95000                95000                processes
Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files
`;

describe('parseFileLimit', () => {
  it('reads both limits', () => {
    expect(parseFileLimit(line('1024', '524288'))).toEqual({ soft: 1024, hard: 524_288 });
    expect(parseFileLimit(line('1024', 'unlimited'))).toEqual({ soft: 1024, hard: Number.POSITIVE_INFINITY });
  });

  it('throws when there is none', () => expect(() => parseFileLimit('')).toThrow('no limit of open files'));

  it.skipIf(process.platform !== 'linux')('reads this process’s own', () => {
    const { soft, hard } = readFileLimit();
    expect(soft).toBeGreaterThan(0);
    expect(hard).toBeGreaterThanOrEqual(soft);
  });
});

describe('configuredFiles', () => {
  it.each([
    [1024, 1024],
    [20_000, 20_000],
    [1_048_576, 20_000],
    [Number.POSITIVE_INFINITY, 20_000],
  ])('of a hard limit of %d is %d', (hard, files) => expect(configuredFiles({ soft: 1, hard })).toBe(files));
});
