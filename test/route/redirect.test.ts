import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { locationOf } from '../../src/route/redirect.ts';

describe('the location of a redirect', () => {
  test.each([
    ['/new/', '/new/'],
    ['https://example.com/a?b=c#d', 'https://example.com/a?b=c#d'],
    ['/a%20b%2F', '/a%20b%2F'],
    ['/$1/../x', '/$1/../x'],
    ['/a b', '/a%20b'],
    ['/café', '/caf%C3%A9'],
    ['/😀', '/%F0%9F%98%80'],
    ['/\ud800', '/%EF%BF%BD'],
    ['/x\r\nSet-Cookie: a=b', '/x%0D%0ASet-Cookie:%20a=b'],
  ])('%j goes out as %s', (to, location) => {
    expect(locationOf(to)).toBe(location);
  });

  test('is printable ASCII, and what already was stays', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (to) => {
        const location = locationOf(to);
        expect(location).toMatch(/^[\x21-\x7e]*$/);
        expect(locationOf(location)).toBe(location);
      }),
    );
  });
});
