import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_COOKIES, parseCookies } from '../../src/route/cookies.ts';

const wanted = new Set(['a', 'b', 'A', '__Host-id']);

describe('cookies', () => {
  test.each([
    ['a=1', 'a', ['1']],
    ['a=1; b=2', 'b', ['2']],
    ['a=1;b=2', 'b', ['2']],
    ['a=1; b=2; a=3', 'a', ['1', '3']],
    ['a=1; A=2', 'A', ['2']],
    ['__Host-id=x', '__Host-id', ['x']],
    [' \t a \t = \t 1 \t ; b=2', 'a', ['1']],
    ['a=', 'a', ['']],
    ['a= ', 'a', ['']],
    ['a="1 2"', 'a', ['1 2']],
    ['a=""', 'a', ['']],
    ['a="', 'a', ['"']],
    ['a="1', 'a', ['"1']],
    ['a=1"', 'a', ['1"']],
    ['a=x=y==', 'a', ['x=y==']],
    ['a=%31+', 'a', ['%31+']],
    ['a=1,b=2', 'a', ['1,b=2']],
    ['a=\u00a01\u00a0', 'a', ['\u00a01\u00a0']],
    [';;; a=1;;', 'a', ['1']],
    ['junk; a=1', 'a', ['1']],
    ['junk; more; a=1; junk; b=2', 'b', ['2']],
    ['a; b=1', 'a', undefined],
    ['=1; b=2', 'a', undefined],
    ['=1; b=2', 'b', ['2']],
    ['aa=1; b=2', 'a', undefined],
    ['', 'a', undefined],
    ['c=1', 'c', undefined],
  ])('of %j: %s is %j', (text, name, values) => {
    expect(parseCookies(text, wanted)!.get(name)).toEqual(values);
  });

  test('without a name are no cookies, even when nobody minds', () => {
    expect(parseCookies('=1', new Set([''])!)!.get('')).toBeUndefined();
  });

  test('are found as splitting finds them', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '=', ';', ' ', 'x'), maxLength: 24 });
    fc.assert(
      fc.property(text, (written) => {
        const values = written.split(';').flatMap((piece) => {
          const [name, ...rest] = piece.split('=');
          return name!.trim() === 'a' && rest.length > 0 ? [rest.join('=').trim()] : [];
        });
        expect(parseCookies(written, wanted)!.get('a') ?? []).toEqual(values);
      }),
    );
  });

  test('are read up to a limit', () => {
    const most = `${'x=1;'.repeat(MAX_COOKIES - 1)}a=1`;
    expect(parseCookies(most, wanted)!.get('a')).toEqual(['1']);
    expect(parseCookies(`${most};`, wanted)).toBeUndefined();
  });
});
