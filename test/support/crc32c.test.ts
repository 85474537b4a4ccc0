import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/support/crc32c.ts';

describe('crc32c', () => {
  // The examples of RFC 3720, appendix B.4, and the check value that catalogues of checksums give.
  it.each([
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['counting up', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    ['the check value', Buffer.from('123456789'), 0xe3069283],
  ])('%s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
    expect(crc32c(bytes, 5, bytes.length, crc32c(bytes, 0, 5))).toBe(expected);
  });
});
