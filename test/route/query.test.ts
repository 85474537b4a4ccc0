import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PARAMETERS, parseQuery } from '../../src/route/query.ts';

const wanted = new Set(['a', 'b', 'x y', 'é', '']);

describe('query parameters', () => {
  test.each([
    ['a=1', 'a', ['1']],
    ['a=1&b=2', 'b', ['2']],
    ['a=1&a=2', 'a', ['1', '2']],
    ['a', 'a', ['']],
    ['a=', 'a', ['']],
    ['a&b=1', 'a', ['']],
    ['b&b&a=1', 'b', ['', '']],
    ['%61=%31', 'a', ['1']],
    ['x+y=1+2%2B3', 'x y', ['1 2+3']],
    ['a=+%20+', 'a', ['   ']],
    ['%c3%A9=%E2%82%AC', 'é', ['€']],
    ['a=%ff', 'a', ['\ufffd']],
    ['a=%zz%4', 'a', ['%zz%4']],
    ['a=100%25', 'a', ['100%']],
    ['a=x=y&b', 'a', ['x=y']],
    ['a=1;b=2', 'a', ['1;b=2']],
    ['a=?', 'a', ['?']],
    ['=1', '', ['1']],
    ['=1&a=2', 'a', ['2']],
    ['&&a=1&', 'a', ['1']],
    ['&&a=1&', '', undefined],
    ['aa=1', 'a', undefined],
    ['', 'a', undefined],
    ['c=1', 'c', undefined],
  ])('of %j: %j is %j', (text, name, values) => {
    expect(parseQuery(text, wanted)!.get(name)).toEqual(values);
  });

  test('are those of the URL Standard', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '=', '&', '+', '%', '6', '1', '%61', '%C3'),
      maxLength: 24,
    });
    fc.assert(
      fc.property(text, (written) => {
        const standard = new URLSearchParams(written);
        for (const name of ['a', 'b', ''])
          expect(parseQuery(written, wanted)!.get(name) ?? []).toEqual(standard.getAll(name));
      }),
    );
  });

  test('are read up to a limit', () => {
    const most = `${'x=1&'.repeat(MAX_PARAMETERS - 1)}a=1`;
    expect(parseQuery(most, wanted)!.get('a')).toEqual(['1']);
    expect(parseQuery(`${most}&`, wanted)!.get('a')).toEqual(['1']);
    expect(parseQuery(`${most}&b`, wanted)).toBeUndefined();
  });
});
