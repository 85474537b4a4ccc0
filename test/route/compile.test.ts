import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/route/compile.ts';
import type { RequestFacts } from '../../src/route/facts.ts';
import { MAX_REGEX_INPUT } from '../../src/route/route-regex.ts';
import type { MatchConfig, ValueMatch } from '../../src/route/rule.ts';
import { backendReadings } from './backends.ts';
import { firstMatch } from './oracle.ts';
import { absent, any, exact, factsOf, present, regex, rulesOf, someMatch, someRequest } from './stage.ts';

/** Routes asked one after the other, and by an index. */
const ways = [Number.POSITIVE_INFINITY, 0];

/** The route that both ways agree on. */
function routeOf(matches: MatchConfig[], asked: Parameters<typeof factsOf>[0]): string | undefined {
  const [linear, indexed] = ways.map((from) => compile(rulesOf(...matches), from).route(factsOf(asked))?.payload);
  expect(indexed).toBe(linear);
  return linear;
}

describe('a router', () => {
  test('takes the first route whose conditions all hold, in file order', () => {
    const matches: MatchConfig[] = [
      { path: ['/a/*'], method: ['POST'] },
      { path: ['/a/b'] },
      { path: ['/a/*'], host: ['x.test'] },
      { path: ['/a/*'] },
      {},
      { path: ['/z'] },
    ];
    expect(routeOf(matches, { path: '/a/b', method: 'POST' })).toBe('a');
    expect(routeOf(matches, { path: '/a/b' })).toBe('b');
    expect(routeOf(matches, { path: '/a/c', host: 'x.test' })).toBe('c');
    expect(routeOf(matches, { path: '/a/c' })).toBe('d');
    expect(routeOf(matches, { path: '/z' })).toBe('e');
  });

  test('has no route for what none matches', () => {
    expect(routeOf([], {})).toBeUndefined();
    expect(routeOf([{ path: ['/a'] }, { host: [] }], { path: '/b' })).toBeUndefined();
  });

  test('hands out the same route every time, with its position, name and payload', () => {
    const payload = { pool: 'web' };
    const router = compile([
      { name: 'first', match: { method: ['PUT'] }, payload: { pool: 'other' } },
      { name: 'second', match: { method: ['GET'] }, payload },
    ]);
    const route = router.route(factsOf())!;
    expect([route.index, route.name, route.payload]).toEqual([1, 'second', payload]);
    expect(route.payload).toBe(payload);
    expect(router.route(factsOf({ path: '/other' }))).toBe(route);
  });

  test('asks nothing of a request that a catch-all takes at once', () => {
    const untouchable = new Proxy({} as RequestFacts, {
      get: (_, key) => {
        throw new Error(`asked for ${String(key)}`);
      },
    });
    expect(compile(rulesOf({}, { path: ['/a'] })).route(untouchable)?.name).toBe('a');
    expect(compile(rulesOf({ path: ['/*'], header: { a: any(present, absent) } })).route(untouchable)?.name).toBe('a');
    expect(() => compile(rulesOf({ path: ['/a'] }, {})).route(untouchable)).toThrow('asked for');
  });

  test('routes every request by itself, whatever came before', () => {
    const router = compile(rulesOf({ cookie: { k: exact('1') } }, { query: { k: exact('1') } }, { host: ['h.test'] }));
    const route = (asked: Parameters<typeof factsOf>[0]) => router.route(factsOf(asked))?.name;
    expect(route({ headers: { cookie: 'k=1' } })).toBe('a');
    expect(route({ query: 'k=1' })).toBe('b');
    expect(route({ host: 'h.test' })).toBe('c');
    expect(route({})).toBeUndefined();
    expect(route({ headers: { cookie: 'k=1' } })).toBe('a');
  });

  test('keeps nothing of a request alive', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const router = compile(rulesOf({ path: ['/a'] }, {}));
    const routed = (() => {
      const facts = factsOf({ path: '/b' });
      router.route(facts);
      return new WeakRef(facts);
    })();
    // A WeakRef holds its object until the end of the turn it was made in.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(routed.deref()).toBeUndefined();
  });

  test.each(ways)('agrees with first match as written down, with an index from %d routes on', (indexFrom) => {
    fc.assert(
      fc.property(
        fc.array(someMatch, { maxLength: 6 }),
        fc.array(someRequest, { maxLength: 5 }),
        (matches, requests) => {
          const rules = rulesOf(...matches);
          const router = compile(rules, indexFrom);
          for (const asked of requests)
            expect(router.route(factsOf(asked))?.name).toBe(firstMatch(rules, factsOf(asked)));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('parsing', () => {
  test.each<[MatchConfig[], boolean, boolean]>([
    [[], false, false],
    [[{ path: ['/a'] }, { header: { cookie: present } }], false, false],
    [[{}, { cookie: { a: present } }], true, false],
    [[{ query: { a: absent } }], false, true],
    [[{ query: { a: any(absent, present) }, cookie: {} }], false, false],
    [[{ query: { a: present }, cookie: { a: present } }], true, true],
  ])('case %#: needs cookies: %s, a query: %s', (matches, cookies, query) => {
    expect(compile(rulesOf(...matches)).needs).toEqual({ cookies, query });
  });

  test('happens only for a request that gets that far, and once', () => {
    const router = compile(
      rulesOf({ path: ['/a'], cookie: { k: exact('1') } }, { path: ['/a'], cookie: { l: exact('1') } }, {}),
    );
    const elsewhere = factsOf({ path: '/b', headers: { cookie: 'k=1' } });
    expect([router.route(elsewhere)?.name, elsewhere.asked]).toEqual(['c', []]);
    const there = factsOf({ path: '/a', headers: { cookie: 'l=1' } });
    expect([router.route(there)?.name, there.asked]).toEqual(['b', ['cookie']]);
  });
});

describe('a body', () => {
  const json = (limit: number, is: ValueMatch = exact('1')): MatchConfig['body'] => ({
    kind: 'json',
    path: 'k',
    is,
    limit,
  });

  test('is waited for only by a request that gets that far', () => {
    const router = compile(
      rulesOf({ path: ['/a'], body: json(10) }, { path: ['/b'], body: json(20) }, { method: ['GET'] }),
    );
    const wanted = (asked: Parameters<typeof factsOf>[0]) => [router.route(factsOf(asked))?.name, router.bodyWanted];
    expect(wanted({ path: '/a' })).toEqual([undefined, 10]);
    expect(wanted({ path: '/b' })).toEqual([undefined, 20]);
    expect(wanted({ path: '/c', method: 'PUT' })).toEqual([undefined, 0]);
    expect(wanted({ path: '/a', body: '{"k":1}' })[0]).toBe('a');
    expect(wanted({ path: '/a', body: '{"k":2}' })[0]).toBe('c');
    expect(wanted({ path: '/a', body: null, method: 'PUT' })).toEqual([undefined, 0]);
    expect(wanted({ path: '/c' })[0]).toBe('c');
  });

  test('that is too large for one condition may be wanted by the next', () => {
    const router = compile(rulesOf({ body: json(5) }, { body: json(50) }));
    const long = '{"k":     1}';
    expect([router.route(factsOf()), router.bodyWanted]).toEqual([undefined, 5]);
    const facts = { ...factsOf(), body: (limit: number) => (limit === 5 ? null : undefined) };
    expect([router.route(facts), router.bodyWanted]).toEqual([undefined, 50]);
    expect(router.route(factsOf({ body: long }))?.name).toBe('b');
  });

  test('is waited for whichever reading of the path needs it', () => {
    const router = compile(rulesOf({ path: ['/a', '/x/*'], body: json(10) }, { path: ['/a'] }, { path: ['/x/*'] }));
    const both = { path: '/x/../a' };
    expect([router.route(factsOf(both)), router.bodyWanted]).toEqual([undefined, 10]);
    expect(router.route(factsOf({ ...both, body: '{"k":1}' }))?.name).toBe('a');
    expect([router.route(factsOf({ ...both, body: '{"k":2}' })), router.bodyWanted]).toEqual([undefined, 0]);
    const other = compile(rulesOf({ path: ['/a'] }, { path: ['/x/*'], body: json(10) }));
    expect([other.route(factsOf(both)), other.bodyWanted]).toEqual([undefined, 10]);
    expect([other.route(factsOf({ ...both, body: '{"k":2}' })), other.bodyWanted]).toEqual([undefined, 0]);
  });
});

describe('a path that can be read in two ways', () => {
  const deny: MatchConfig[] = [{ path: ['/admin/*'] }, { path: ['/*'] }];
  const allow: MatchConfig[] = [{ path: ['/public/*'] }, {}];

  test.each([
    ['/admin', 'a'],
    ['/%61dmin/users', 'a'],
    ['/%41dmin', 'b'],
    ['/admin%2', 'b'],
    ['/x//admin', 'b'],
    ['/administrator', 'b'],
    ['/admin/../admin/x', 'a'],
    ['/admin/%2e/x', 'a'],
    ['/x/../y', 'b'],
    ['/x%2Fy', 'b'],
    ['/admin/a%2Fb', 'a'],
    ['//admin', undefined],
    ['//admin/admin', 'a'],
    ['//x/admin', undefined],
    ['/public/../admin', undefined],
    ['/admin/../x', undefined],
    ['/%2e%2e/admin', undefined],
    ['/./admin', undefined],
    ['/admin%2Fusers', undefined],
    ['/admin%5Cusers', undefined],
    ['/admin\\users', undefined],
    ['/x/..%2fadmin', undefined],
    ['/x/..;/admin', undefined],
    ['/admin/..%2Fx', undefined],
  ])('%s, with /admin/* before /*, takes %s', (path, name) => {
    expect(routeOf(deny, { path })).toBe(name);
  });

  test.each([
    ['/public/x', 'a'],
    ['/public/x/../y', 'a'],
    ['/x', 'b'],
    ['/public/../x', undefined],
    ['/public/..%2fx', undefined],
    ['//public/x', undefined],
    ['/public%2Fx', undefined],
  ])('%s, with /public/* before a catch-all, takes %s', (path, name) => {
    expect(routeOf(allow, { path })).toBe(name);
  });

  test.each(['/a/../b', '/a/..%2fb', '/..;/a', '//a/b', `/%61${'a'.repeat(9000)}`])(
    '%s is as good as any where no path is asked for',
    (path) => {
      expect(routeOf([{ host: ['no.test'], path: ['/a'] }, { method: ['GET'] }], { path })).toBe('b');
    },
  );

  test('is looked at again by every route, not only the one that took it', () => {
    const matches: MatchConfig[] = [{ path: ['/x/../a/*'] }, { path: ['/x/*'] }, {}];
    expect(routeOf(matches, { path: '/x/../a/b' })).toBeUndefined();
    expect(routeOf(matches, { path: '/a/b' })).toBe('a');
  });

  test('never takes a client past a route, in whatever way the backend reads it', () => {
    const pieces = [
      '/',
      '/',
      '/admin',
      '/admin/',
      'admin',
      '/x',
      '/.',
      '/..',
      '..',
      '%2e',
      '%2E%2e',
      '%2F',
      '%5c',
      '\\',
    ];
    const paths = fc
      .array(fc.constantFrom(...pieces, '/..;', '/.;a=b', '%61dmin', '@', ':1'), { maxLength: 7 })
      .map((parts) => `/${parts.join('')}`);
    const router = compile(rulesOf(...deny));
    const allowing = compile(rulesOf({ path: ['/x/*'] }, { path: ['/*'] }));
    const within = (path: string, base: string) => path === base || path.startsWith(`${base}/`);
    fc.assert(
      fc.property(paths, fc.constantFrom(...Object.entries(backendReadings)), (path, [, read]) => {
        const served = read(path);
        if (served === undefined) return;
        const merged = served.replace(/\/+/g, '/');
        if (within(served, '/admin')) expect(router.route(factsOf({ path }))?.name).not.toBe('b');
        if (!within(merged, '/x')) expect(allowing.route(factsOf({ path }))?.name).not.toBe('a');
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('what cannot be told', () => {
  const long = 'a'.repeat(MAX_REGEX_INPUT + 1);

  test('is refused, not passed on to the next route', () => {
    const matches: MatchConfig[] = [{ header: { x: regex('^b') } }, {}];
    expect(routeOf(matches, { headers: { x: 'a' } })).toBe('b');
    expect(routeOf(matches, { headers: { x: long } })).toBeUndefined();
    expect(routeOf([{ path: ['~^/b'] }, {}], { path: `/${long}` })).toBeUndefined();
    expect(routeOf([{ cookie: { k: present } }, {}], { headers: { cookie: 'x;'.repeat(2000) } })).toBeUndefined();
    expect(routeOf([{ query: { k: absent } }], { query: 'x&'.repeat(5000) })).toBeUndefined();
  });

  test('does not matter to a route before', () => {
    expect(routeOf([{ method: ['GET'] }, { header: { x: regex('^b') } }], { headers: { x: long } })).toBe('a');
  });

  test('does not matter to a later request', () => {
    const router = compile(rulesOf({ header: { x: regex('^b') } }, {}));
    expect(router.route(factsOf({ headers: { x: long } }))).toBeUndefined();
    expect(router.route(factsOf())?.name).toBe('b');
  });
});

describe('rules that are malformed', () => {
  test('are refused when they are compiled', () => {
    expect(() => compile(rulesOf({}, { path: ['~('] }))).toThrow(SyntaxError);
    expect(() => compile(rulesOf({}, { source: ['x'] }))).toThrow(TypeError);
  });
});
