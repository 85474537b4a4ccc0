import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MethodCondition } from '../../../src/route/matchers/method.ts';
import { PathCondition, type PathPlace } from '../../../src/route/matchers/path.ts';
import { MAX_REGEX_INPUT } from '../../../src/route/route-regex.ts';
import { viewOf } from '../stage.ts';

function holds(patterns: readonly string[], path: string): boolean {
  return new PathCondition(patterns).holds(viewOf({ path }));
}

describe('an exact path', () => {
  test.each([
    ['/a', '/a', true],
    ['/a', '/a/', false],
    ['/a/', '/a', false],
    ['/a', '/ab', false],
    ['/a', '/A', false],
    ['/', '/', true],
    ['/', '/a', false],
    ['/a', '/%61', true],
    ['/%61', '/a', true],
    ['/a%2Fb', '/a%2fb', true],
    ['/a%2Fb', '/a/b', false],
    ['/café', '/caf%C3%A9', true],
    ['/a/../b', '/b', true],
    ['*', '*', true],
  ])('%s for %s: %s', (pattern, path, expected) => {
    expect(holds([pattern], path)).toBe(expected);
  });
});

describe('a prefix', () => {
  test.each([
    ['/a/*', '/a/', true],
    ['/a/*', '/a/b/c', true],
    ['/a/*', '/a', true],
    ['/a/*', '/ab', false],
    ['/a/*', '/ab/c', false],
    ['/a/*', '/b/a/', false],
    ['/a/*', '/', false],
    ['/a/*', '/A/b', false],
    ['/a/*', '/a//b', true],
    ['/a/*', '/%61/b', true],
    ['/%61/*', '/a/b', true],
    ['/a/b/*', '/a/b/c', true],
    ['/a/b/*', '/a/c', false],
    ['/*', '/', true],
    ['/*', '/a', true],
    ['*', '/a', false],
    ['/a*', '/ab', false],
  ])('%s for %s: %s', (pattern, path, expected) => {
    const condition = new PathCondition([pattern]);
    expect(condition.holdsAlways || condition.holds(viewOf({ path }))).toBe(expected);
  });

  test.each([
    [['/*'], true],
    [['/a', '/*'], true],
    [['//*'], true],
    [['/a/../*'], true],
    [['/a/*'], false],
    [['~.*'], false],
    [['*'], false],
    [['/'], false],
  ])('%j holds always: %s', (patterns, always) => {
    expect(new PathCondition(patterns).holdsAlways).toBe(always);
  });
});

describe('a regular expression', () => {
  test.each([
    ['~^/a\\d+$', '/a12', true],
    ['~^/a\\d+$', '/a', false],
    ['~^/a\\d+$', '/a12/b', false],
    ['~b', '/a/b/c', true],
    ['~^/(?i:ADMIN)', '/aDmin', true],
    ['~^/admin', '/%61dmin', true],
    ['~^/a/[^/]+$', '/a/b%20c', true],
    ['~ ', '/b%20c', false],
    ['~', '/', true],
  ])('%s for %s: %s', (pattern, path, expected) => {
    expect(holds([pattern], path)).toBe(expected);
  });

  test('is not asked of a text without bound', () => {
    const condition = new PathCondition(['/b', '~^/a+$']);
    const longest = `/${'a'.repeat(MAX_REGEX_INPUT - 1)}`;
    const view = viewOf({ path: longest });
    expect([condition.holds(view), view.doubt]).toEqual([true, '']);
    const beyond = viewOf({ path: `${longest}a` });
    expect(condition.holds(beyond)).toBe(false);
    expect(beyond.doubt).toContain('8193 characters is too long for ~^/a+$');
  });

  test('that is none is refused', () => {
    expect(() => new PathCondition(['~('])).toThrow(SyntaxError);
  });
});

describe('a path condition', () => {
  test.each([
    [['/a', '/b/*', '~c$'], '/a', true],
    [['/a', '/b/*', '~c$'], '/b/x', true],
    [['/a', '/b/*', '~c$', '~d$'], '/d', true],
    [['/x/*', '/b/*'], '/b', true],
    [['/a', '/b/*', '~c$'], '/e', false],
    [[], '/', false],
  ])('%j for %s: %s', (patterns, path, expected) => {
    expect(holds(patterns, path)).toBe(expected);
  });

  test.each([
    [['/a/*'], ['/a'], true],
    [['/a/*'], ['/a/b'], true],
    [['/a/*'], ['/ab'], false],
    [['/a/*'], ['/a/*'], true],
    [['/a/*'], ['/a/b/*'], true],
    [['/a/*'], ['/ab/*'], false],
    [['/a/b/*'], ['/a/*'], false],
    [['/a'], ['/a'], true],
    [['/a'], ['/%61'], true],
    [['/a'], ['/a/*'], false],
    [['~^/a\\d$'], ['/a1'], true],
    [['~^/a\\d$'], ['/a'], false],
    [['~^/a'], ['/a/*'], false],
    [['~^/a'], ['~^/a'], true],
    [['~^/a'], ['~^/ab'], false],
    [['/a/*'], ['~^/a/'], false],
    [['/a/*', '/b', '~^/c'], ['/b', '/a/x/*', '/c1', '~^/c'], true],
    [['/a/*', '/b'], ['/b', '/c'], false],
    [['/a', '/b', '/c/*'], ['/c/*', '/d/*'], false],
  ])('%j covers %j: %s', (wide, narrow, covers) => {
    expect(new PathCondition(wide).covers(new PathCondition(narrow))).toBe(covers);
  });

  test('covers no condition of another kind', () => {
    expect(new PathCondition(['/a']).covers(new MethodCondition([]))).toBe(false);
  });

  test.each([
    [[], 'its list for path is empty'],
    [['a', 'b/*'], 'a path begins with a slash, and a, b/* does not'],
    [['a', '/b'], undefined],
    [['a', '/b/*'], undefined],
    [['a', '~b'], undefined],
    [['%2A'], undefined],
    [['*/*'], undefined],
    [['/*'], undefined],
    [[''], undefined],
  ])('%j has the flaw %j', (patterns, flaw) => {
    expect(new PathCondition(patterns).flaw).toBe(flaw);
  });

  test('speaks for itself', () => {
    const condition = new PathCondition(['/a/*', '~^/b']);
    expect([condition.subject, condition.expected]).toEqual(['path', '/a/* or ~^/b']);
    expect(condition.got(viewOf({ path: '/c' }))).toBe('/c');
    expect(condition.got(viewOf({ path: '/%63' }))).toBe('/c, which is how /%63 was read');
  });
});

describe('where the paths lie', () => {
  test.each([
    ['/a', '/a', 'exact', true],
    ['/a/*', '/a', 'within', true],
    ['/%61//b', '/a/b', 'exact', true],
    ['~^/a/b/c', '/a/b', 'within', false],
    ['~^/a/$', '/a', 'within', false],
    ['~^/a/b+', '/a', 'within', false],
    ['~^/a-b.c/(\\d+)', '', 'within', false],
    ['~^/a/(b|c)/[|]/\\|', '/a', 'within', false],
    ['~^/a/b?', '', 'within', false],
    ['~^/a/b/*', '', 'within', false],
    ['~^/a/b{0}', '', 'within', false],
    ['~^/a/|^/b', '', 'within', false],
    ['~/a/b', '', 'within', false],
    ['~^(/a/)', '', 'within', false],
  ])('of %s is %j', (pattern, text, kind, certain) => {
    expect(new PathCondition([pattern.replaceAll('\\\\', '\\')]).literals).toEqual([{ text, kind, certain }]);
  });

  test('is where every path lies that an expression finds', () => {
    const sign = fc.constantFrom(
      '^',
      '/',
      '/',
      'a',
      'b',
      '|',
      '(',
      ')',
      '?',
      '*',
      '+',
      '.',
      '$',
      '[',
      ']',
      '\\',
      '{2}',
      '{0}',
    );
    const source = fc.array(sign, { maxLength: 9 }).map((signs) => `^/${signs.join('')}`);
    const path = fc.array(fc.constantFrom('/', '/', 'a', 'b'), { maxLength: 6 }).map((parts) => `/${parts.join('')}`);
    const within = (text: string, place: string) => text === place || text.startsWith(`${place}/`);
    fc.assert(
      fc.property(source, fc.array(path, { minLength: 10 }), (written, paths) => {
        let regex: RegExp;
        try {
          regex = new RegExp(written);
        } catch {
          return;
        }
        const [{ text }] = new PathCondition([`~${written}`]).literals as [PathPlace];
        for (const one of paths) if (regex.test(one)) expect(within(one, text)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });
});
