import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/route/compile.ts';
import { conditionsOf } from '../../src/route/conditions.ts';
import type { MatchConfig } from '../../src/route/rule.ts';
import { findUnreachable } from '../../src/route/unreachable.ts';
import { absent, any, exact, factsOf, present, regex, rulesOf, someMatch, someRequest } from './stage.ts';

function pairsOf(...matches: MatchConfig[]): string[] {
  return findUnreachable(rulesOf(...matches)).map(({ index, by }) => `${index} by ${by}`);
}

describe('a route is unreachable behind one that takes all it could', () => {
  test.each<[string, MatchConfig, MatchConfig]>([
    ['a catch-all', {}, { path: ['/a'] }],
    ['another catch-all', {}, {}],
    ['/* as a catch-all', { path: ['/*'] }, { host: ['a.test'] }],
    ['the same conditions', { host: ['a.test'], path: ['/a'] }, { path: ['/a'], host: ['a.test'] }],
    ['a prefix of its path', { path: ['/a/*'] }, { path: ['/a/b'] }],
    ['the prefix its path is', { path: ['/a/*'] }, { path: ['/a'] }],
    ['a shorter prefix', { path: ['/a/*'] }, { path: ['/a/b/*', '/a/c'], method: ['GET'] }],
    ['an expression that finds its path', { path: ['~^/a\\d+$'] }, { path: ['/a12'] }],
    ['a wildcard above its host', { host: ['*.example.com'] }, { host: ['x.example.com'] }],
    ['a wider wildcard', { host: ['*.com'] }, { host: ['*.example.com'] }],
    ['more methods', { method: ['GET', 'HEAD'] }, { method: ['HEAD'] }],
    ['a wider range', { source: ['10.0.0.0/8'] }, { source: ['10.1.0.0/16', '10.2.0.1'] }],
    ['more values', { header: { a: exact('1', '2') } }, { header: { A: exact('2') } }],
    ['any value', { cookie: { a: present } }, { cookie: { a: regex('^x') }, path: ['/a'] }],
    [
      'the same look at the body, held as far',
      { body: { kind: 'json', path: 'a.b', is: present, limit: 10 } },
      { path: ['/a'], body: { kind: 'json', path: 'a.b', is: exact('1'), limit: 10 } },
    ],
    [
      'less of a text in the body',
      { body: { kind: 'contains', text: 'b', limit: 10 } },
      { body: { kind: 'contains', text: 'abc', limit: 5 } },
    ],
    ['no condition on one name', { query: { a: exact('1') } }, { query: { a: exact('1'), b: exact('2') } }],
  ])('%s', (_, wide, narrow) => {
    expect(pairsOf(wide, narrow)).toEqual(['1 by 0']);
  });
});

describe('a route is reachable behind', () => {
  test.each<[string, MatchConfig, MatchConfig]>([
    ['a longer prefix', { path: ['/a/b/*'] }, { path: ['/a/*'] }],
    ['a prefix of other segments', { path: ['/a/*'] }, { path: ['/ab'] }],
    ['a wildcard below which it is not', { host: ['*.example.com'] }, { host: ['example.com'] }],
    ['one with a condition more', { path: ['/a/*'], method: ['GET'] }, { path: ['/a/b'] }],
    ['one condition of many values', { header: { a: exact('1') } }, { header: { a: any(exact('1'), absent) } }],
    ['a header where it has a cookie', { header: { a: present } }, { cookie: { a: present } }],
    ['an expression it need not meet', { path: ['~^/a/'] }, { path: ['/a/*'] }],
    [
      'a look at less of the body',
      { body: { kind: 'json', path: 'a', is: present, limit: 5 } },
      { body: { kind: 'json', path: 'a', is: present, limit: 10 } },
    ],
    [
      'a look at something else in the body',
      { body: { kind: 'json', path: 'a', is: present, limit: 10 } },
      { body: { kind: 'form', name: 'a', is: present, limit: 10 } },
    ],
    ['a narrower range', { source: ['10.1.0.0/16'] }, { source: ['10.0.0.0/8'] }],
    ['every range, for it may have no address', { source: ['0.0.0.0/0', '::/0'] }, {}],
  ])('%s', (_, wide, narrow) => {
    expect(pairsOf(wide, narrow)).toEqual([]);
  });
});

describe('a route whose conditions nothing can satisfy', () => {
  test.each<[MatchConfig, string]>([
    [{ host: [] }, 'its list for host is empty'],
    [{ path: ['/a'], method: [] }, 'its list for method is empty'],
    [{ cookie: { c: any() } }, 'its list for cookie c is empty'],
    [{ path: ['a/b'] }, 'a path begins with a slash, and a/b does not'],
    [{ header: { 'X-A': exact('1'), 'x-a': absent } }, 'header x-a cannot be both "1" and absent'],
    [{ header: { b: present, a: absent, A: regex('^x') } }, 'header a cannot be both absent and ~^x'],
  ])('case %#: %s', (match, reason) => {
    expect(findUnreachable(rulesOf({ method: ['PUT'] }, match))).toEqual([{ index: 1, by: 1, reason }]);
  });

  test('says so even behind a catch-all, and takes nothing from others', () => {
    expect(pairsOf({}, { host: [] })).toEqual(['1 by 1']);
    expect(pairsOf({ host: [] }, { host: [] }, {})).toEqual(['0 by 0', '1 by 1']);
  });

  test('is not one that only looks like it', () => {
    expect(pairsOf({ header: { a: exact('1'), b: absent }, cookie: { a: absent } })).toEqual([]);
    expect(pairsOf({ header: { a: exact('1'), A: present } })).toEqual([]);
  });
});

describe('the reason', () => {
  test.each<[MatchConfig, MatchConfig, string]>([
    [{}, { path: ['/a'] }, 'route "a" before it takes every request'],
    [{ path: ['/a/*'] }, { path: ['/a/b'] }, 'route "a" before it takes all that it could: path /a/* includes /a/b'],
    [
      { host: ['a.test'], method: ['GET', 'PUT'] },
      { method: ['GET'], host: ['a.test'], path: ['/x'] },
      'route "a" before it takes all that it could: method GET or PUT includes GET, host a.test is the same',
    ],
  ])('case %#', (wide, narrow, reason) => {
    expect(findUnreachable(rulesOf(wide, narrow))).toEqual([{ index: 1, by: 0, reason }]);
  });

  test('names the first route that takes all, and one that can match', () => {
    expect(pairsOf({ path: ['/b'] }, { path: ['/a/*'] }, { path: ['/a/b/*'] }, { path: ['/a/b/c'] }, {}, {})).toEqual([
      '2 by 1',
      '3 by 1',
      '5 by 4',
    ]);
  });
});

/** The same by comparing every route with every one before it. */
function byAllPairs(matches: readonly MatchConfig[]): string[] {
  const compiled = matches.map(conditionsOf);
  const flawed = new Set(
    findUnreachable(rulesOf(...matches)).flatMap(({ index, by }) => (index === by ? [index] : [])),
  );
  const covers = (wide: number, narrow: number) =>
    compiled[wide]!.every((condition) => compiled[narrow]!.some((other) => condition.covers(other)));
  const gone = new Set<number>(flawed);
  return compiled.flatMap((_, index) => {
    if (flawed.has(index)) return [`${index} by ${index}`];
    const by = compiled.findIndex((_, earlier) => earlier < index && !gone.has(earlier) && covers(earlier, index));
    if (by < 0) return [];
    gone.add(index);
    return [`${index} by ${by}`];
  });
}

test('no route is forgotten in the comparison', () => {
  fc.assert(
    fc.property(fc.array(someMatch, { maxLength: 12 }), (matches) => {
      expect(pairsOf(...matches)).toEqual(byAllPairs(matches));
    }),
    { numRuns: 3000 },
  );
});

test('no route that some request takes is ever called unreachable', () => {
  fc.assert(
    fc.property(
      fc.array(someMatch, { minLength: 2, maxLength: 6 }),
      fc.array(someRequest, { minLength: 20, maxLength: 40 }),
      (matches, requests) => {
        const rules = rulesOf(...matches);
        const unreachable = findUnreachable(rules);
        const router = compile(rules);
        const taken = new Set(requests.map((asked) => router.route(factsOf(asked))?.index));
        for (const { index, by } of unreachable) {
          expect(taken.has(index)).toBe(false);
          expect(by).toBeLessThanOrEqual(index);
          // The one in front is enough by itself: what the route takes alone, that one takes too.
          const alone = compile([rules[index]!]);
          const inFront = compile([rules[by]!, rules[index]!]);
          for (const asked of requests) {
            if (!alone.route(factsOf(asked))) continue;
            expect(by).not.toBe(index);
            expect(inFront.route(factsOf(asked))?.name).not.toBe(rules[index]!.name);
          }
        }
      },
    ),
    { numRuns: 1500 },
  );
});
