import { describe, expect, test } from 'vitest';
import { BoundedRegex, MAX_REGEX_INPUT } from '../../src/route/bounded-regex.ts';

describe('a regular expression of the config', () => {
  test('finds, and remembers nothing between two texts', () => {
    const regex = new BoundedRegex('b+');
    for (let round = 0; round < 3; round++) {
      const view = { doubt: '' };
      expect([regex.test('abbc', view), regex.test('ac', view), view.doubt]).toEqual([true, false, '']);
    }
    expect(regex.source).toBe('b+');
  });

  test('is in doubt about a longer text than it may be run on, and says nothing else', () => {
    const regex = new BoundedRegex('^a*$');
    const longest = 'a'.repeat(MAX_REGEX_INPUT);
    const view = { doubt: '' };
    expect([regex.test(longest, view), view.doubt, regex.accepts(longest)]).toEqual([true, '', true]);
    expect([regex.test(`${longest}a`, view), regex.accepts(`${longest}a`)]).toEqual([false, false]);
    expect(view.doubt).toBe('a text of 8193 characters is too long for ~^a*$ (at most 8192)');
  });

  test('accepts what it finds', () => {
    expect([new BoundedRegex('b').accepts('abc'), new BoundedRegex('b').accepts('ac')]).toEqual([true, false]);
  });

  test('has no flags, but may set its own', () => {
    const view = { doubt: '' };
    expect(new BoundedRegex('MOBILE').test('mobile', view)).toBe(false);
    expect(new BoundedRegex('(?i:MOBILE)').test('mobile', view)).toBe(true);
    expect(new BoundedRegex('a\\-b').test('a-b', view)).toBe(true);
    expect(new BoundedRegex('^b').test('a\nb', view)).toBe(false);
  });

  // Each of these would take longer than the universe is old.
  test.each(['^/(a+)+$', '^/(a|a)*$', '^/(a+){2,}$', '(\\w+\\s?)+;'])('comes to an end: %s', (source) => {
    const text = `/${'a'.repeat(MAX_REGEX_INPUT - 2)}!`;
    expect(new BoundedRegex(source).accepts(text)).toBe(false);
  });

  test('that is none is refused', () => {
    expect(() => new BoundedRegex('(')).toThrow(SyntaxError);
  });
});
