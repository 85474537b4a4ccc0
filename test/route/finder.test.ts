import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/route/compile.ts';
import { MAX_REGEX_INPUT } from '../../src/route/route-regex.ts';
import type { MatchConfig } from '../../src/route/rule.ts';
import { exact, factsOf, present, rulesOf } from './stage.ts';

/** Routes asked one after the other, and by an index. */
const ways = [Number.POSITIVE_INFINITY, 0];

/** The route that both ways agree on. */
function routeOf(matches: MatchConfig[], asked: Parameters<typeof factsOf>[0]): string | undefined {
  const [linear, indexed] = ways.map((from) => compile(rulesOf(...matches), from).route(factsOf(asked))?.payload);
  expect(indexed).toBe(linear);
  return linear;
}

describe('an index', () => {
  test('agrees with first match over many routes on few hosts and paths', () => {
    const host = fc.constantFrom('a.test', 'b.a.test', '*.test', '*.a.test', 'test');
    const path = fc.constantFrom(
      '/a',
      '/a/*',
      '/a/b',
      '/a/b/*',
      '/',
      '/*',
      '/b/',
      '~^/a/b/',
      '~^/a/?b',
      '~^/a$|^/b',
      '~b',
      '*',
    );
    const match: fc.Arbitrary<MatchConfig> = fc.record(
      {
        host: fc.array(host, { minLength: 1, maxLength: 2 }),
        path: fc.array(path, { minLength: 1, maxLength: 2 }),
        method: fc.constant(['GET']),
        query: fc.constant({ k: exact('1') }),
      },
      { requiredKeys: [] },
    );
    const asked = fc.record({
      host: fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'test', 'x.test', '.test', ''),
      path: fc.constantFrom(
        '/a',
        '/a/',
        '/a/b',
        '/a/b/c',
        '/ab',
        '/',
        '/b/',
        '/b',
        '*',
        '/a/../b',
        '/a%2fb',
        '/a//b',
        '/..;/a',
        '//a',
      ),
      method: fc.constantFrom('GET', 'PUT'),
      query: fc.constantFrom('', 'k=1'),
    });
    fc.assert(
      fc.property(fc.array(match, { maxLength: 60 }), fc.array(asked, { minLength: 20 }), (matches, requests) => {
        const [linear, indexed] = ways.map((from) => compile(rulesOf(...matches), from));
        for (const one of requests)
          expect(indexed!.route(factsOf(one))?.index).toBe(linear!.route(factsOf(one))?.index);
      }),
      { numRuns: 1000 },
    );
  });

  test('asks no route that the host and the path rule out', () => {
    const seen: string[] = [];
    const many = Array.from({ length: 1000 }, (_, i) => ({
      host: [`h${i % 10}.test`],
      path: [`/p${i}/*`],
      header: { [`x-${i}`]: present },
    }));
    const facts = { ...factsOf({ host: 'h7.test', path: '/p507/x' }), header: (name: string) => void seen.push(name) };
    expect(compile(rulesOf(...many, {})).route(facts)?.index).toBe(1000);
    expect(seen).toEqual(['x-507']);
  });

  test.each([
    ['/p1/x', 1],
    ['/p1', 1],
    ['/p1/../p2', undefined],
    ['/p1/./x', 1],
    ['/%701/x', 1],
    ['/p1%2fx', undefined],
    ['/p1//x', 1],
    ['/p1/..%2fx', undefined],
    ['/q', 1000],
    ['/q%2f', 1000],
  ])('reads paths as carefully: %s takes %s', (path, index) => {
    const many = Array.from({ length: 1000 }, (_, i): MatchConfig => ({ path: [`/p${i}/*`] }));
    expect(compile(rulesOf(...many, {})).route(factsOf({ path }))?.index).toBe(index);
  });

  test('has a way for a route of more hosts and paths than can be listed', () => {
    const hosts = Array.from({ length: 5000 }, (_, i) => `h${i}.test`);
    const paths = Array.from({ length: 5000 }, (_, i) => `/p${i}`);
    const router = compile(rulesOf({ host: hosts }, { path: paths }, { host: ['a.test'], path: paths }), 0);
    const index = (asked: Parameters<typeof factsOf>[0]) => router.route(factsOf(asked))?.index;
    expect([index({ host: 'h4999.test' }), index({ path: '/p4999' }), index({ path: '/p5000' })]).toEqual([
      0,
      1,
      undefined,
    ]);
  });

  test('refuses what an expression is not run on, as asking in order does', () => {
    const long = `/x/${'a'.repeat(MAX_REGEX_INPUT)}`;
    expect(routeOf([{ path: ['~^/y/'] }, {}], { path: long })).toBeUndefined();
    expect(routeOf([{ path: ['/y/*'] }, { path: ['/x/*'] }, { path: ['~^/x/'] }], { path: long })).toBe('b');
  });
});
