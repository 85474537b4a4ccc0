import { describe, expect, test } from 'vitest';
import { Captures, groupCount } from '../../src/route/captures.ts';
import { RawPath } from '../../src/route/raw-path.ts';
import { MAX_REGEX_INPUT } from '../../src/route/route-regex.ts';

const captured = (patterns: string[], path: string) => new Captures(patterns).of(RawPath.read(path)!)?.slice(1);

describe('captures', () => {
  test.each([
    [['~^/items/(\\d+)$'], '/items/12', ['12']],
    [['~^/items/(\\d+)$'], '/%69tems/%312', ['%312']],
    [['~^/(.*)/(.*)$'], '/a%2fb/c%7E', ['a%2fb', 'c%7E']],
    [['~^/(a)|^/(b)'], '/b', ['', 'b']],
    [['~^/x', '~^/(?<id>.)'], '/y', ['y']],
    [['~^/x/(.*)'], '/x/../x/a/./b', ['a/b']],
    [['/y', '~^/x'], '/y', undefined],
  ])('of %j in %s are %j', (patterns, path, expected) => {
    expect(captured(patterns, path)).toEqual(expected);
  });

  test('are not looked for in a text that no route would look at', () => {
    const longest = `/${'a'.repeat(MAX_REGEX_INPUT - 1)}`;
    expect(captured(['~^/(a*)$'], longest)).toHaveLength(1);
    expect(captured(['~^/(a*)$'], `${longest}a`)).toBeUndefined();
  });
});

test('captures of an expression that backtracks come to an end', () => {
  expect(captured(['~^/(a+)+$', '~^/(.)'], `/${'a'.repeat(5000)}!`)).toEqual(['a']);
});

describe('groupCount', () => {
  test.each([
    ['^/a', 0],
    ['(a)(?:b)(?<c>d)|(e)', 3],
    ['\\(', 0],
  ])('of %s is %i', (source, count) => {
    expect(groupCount(source)).toBe(count);
  });
});
