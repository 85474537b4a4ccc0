import { describe, expect, test } from 'vitest';
import { MAX_REGEX_INPUT, RouteRegex } from '../../src/route/route-regex.ts';

describe('a regular expression of the config', () => {
  test('finds, and remembers nothing between two texts', () => {
    const regex = new RouteRegex('b+');
    for (let round = 0; round < 3; round++) {
      const view = { doubt: '' };
      expect([regex.test('abbc', view), regex.test('ac', view), view.doubt]).toEqual([true, false, '']);
    }
    expect(regex.source).toBe('b+');
  });

  test('is in doubt about a longer text than it may be run on, and says nothing else', () => {
    const regex = new RouteRegex('^a*$');
    const longest = 'a'.repeat(MAX_REGEX_INPUT);
    const view = { doubt: '' };
    expect([regex.test(longest, view), view.doubt, regex.accepts(longest)]).toEqual([true, '', true]);
    expect([regex.test(`${longest}a`, view), regex.accepts(`${longest}a`)]).toEqual([false, false]);
    expect(view.doubt).toBe('a text of 8193 characters is too long for ~^a*$ (at most 8192)');
  });

  test('accepts what it finds', () => {
    expect([new RouteRegex('b').accepts('abc'), new RouteRegex('b').accepts('ac')]).toEqual([true, false]);
  });

  test('has no flags, but may set its own', () => {
    const view = { doubt: '' };
    expect(new RouteRegex('MOBILE').test('mobile', view)).toBe(false);
    expect(new RouteRegex('(?i:MOBILE)').test('mobile', view)).toBe(true);
    expect(new RouteRegex('a\\-b').test('a-b', view)).toBe(true);
    expect(new RouteRegex('^b').test('a\nb', view)).toBe(false);
  });

  // Each of these would take longer than the universe is old.
  test.each([
    '^/(a+)+$',
    '^/(a|a)*$',
    '^/(a+){2,}$',
    '(\\w+\\s?)+;',
    '(?i:^/(A+)+$)',
    '^/(a{1,40})+$',
    '^/(?:a?){20,}$',
  ])('comes to an end: %s', (source) => {
    const text = `/${'a'.repeat(MAX_REGEX_INPUT - 2)}!`;
    const view = { doubt: '' };
    expect([new RouteRegex(source).test(text, view), view.doubt]).toEqual([false, '']);
    expect(new RouteRegex(source).spans(text)).toBeUndefined();
  });

  test.each(['^/(a+)+(?=b)', '^/(a+)+\\1b', '^/(?i:(ä|a+)+)$'])('is in doubt when it does not: %s', (source) => {
    const regex = new RouteRegex(source);
    const view = { doubt: '' };
    const text = `/${'a'.repeat(60)}!`;
    expect([regex.test(text, view), regex.accepts(text), regex.spans(text)]).toEqual([false, false, undefined]);
    expect(view.doubt).toBe(`it takes longer than 50 ms to look for ~${source}`);
    view.doubt = '';
    expect([regex.test('/aab', view), view.doubt]).toEqual([new RegExp(source).test('/aab'), '']);
  });

  test('tells where its groups have found, also where backtracking to that would take for ever', () => {
    expect(new RouteRegex('^/(a+)(b)?').spans('/aac')).toEqual([[0, 3], [1, 3], undefined]);
    expect(new RouteRegex('^/(a+)+(?=b)').spans('/aab')).toEqual([
      [0, 3],
      [1, 3],
    ]);
    expect(new RouteRegex('^/(?:(a+)+b|.*)$').spans(`/${'a'.repeat(60)}`)).toBeUndefined();
  });

  test('that is none is refused', () => {
    expect(() => new RouteRegex('(')).toThrow(SyntaxError);
  });
});
