import { describe, expect, it } from 'vitest';
import { prefaceIn } from '../../src/http1/preface.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

function look(text: string, before = ''): string {
  const bytes = Buffer.from(before + text, 'latin1');
  return prefaceIn(bytes, before.length, bytes.length);
}

describe('the preface of HTTP/2', () => {
  it('is told as soon as it is whole, and not before', () => {
    for (let length = 0; length < PREFACE.length; length++) expect(look(PREFACE.slice(0, length))).toBe('part');
    expect(look(PREFACE)).toBe('whole');
    expect(look(`${PREFACE}\0\0`, 'xyz')).toBe('whole');
  });

  it('is not what only looks like it', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'PRI * HTTP/2.1', 'PRI * HTTP/2.0\r\n\r\nSN', 'pri * HTTP/2.0'])
      expect(look(text)).toBe('none');
  });
});
