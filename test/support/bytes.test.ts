import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, parseBytes } from '../../src/support/bytes.ts';

describe('parseBytes', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['1KiB', 1024],
    ['16KiB', 16_384],
    ['10MiB', 10_485_760],
    ['1GiB', 1_073_741_824],
    ['8388607GiB', 8_388_607 * 1024 ** 3],
    [0, 0],
    [1500, 1500],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('reads %s as %d', (size, bytes) => {
    expect(parseBytes(size)).toBe(bytes);
  });

  it.each([
    '',
    'KiB',
    '16KB',
    '16K',
    '16k',
    '16kib',
    '16 KiB',
    '1.5KiB',
    '-1',
    '-1KiB',
    '1e3',
    '1KiBB',
    '16KiB\n',
    '8388608GiB',
    '9007199254740992',
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.MAX_SAFE_INTEGER + 1,
  ])('refuses %j', (size) => {
    expect(parseBytes(size)).toBeUndefined();
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0'],
    [1, '1B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [1025, '1025B'],
    [16_384, '16KiB'],
    [1_048_576, '1MiB'],
    [1_049_600, '1025KiB'],
    [1_073_741_824, '1GiB'],
    [1_074_790_400, '1025MiB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('writes what parseBytes reads back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseBytes(formatBytes(bytes))).toBe(bytes);
      }),
    );
  });
});
