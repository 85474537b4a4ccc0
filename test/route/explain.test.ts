import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/route/compile.ts';
import { MAX_REGEX_INPUT } from '../../src/route/route-regex.ts';
import type { MatchConfig } from '../../src/route/rule.ts';
import { exact, factsOf, present, regex, rulesOf, someMatch, someRequest } from './stage.ts';

function explain(matches: MatchConfig[], asked: Parameters<typeof factsOf>[0]) {
  return compile(rulesOf(...matches)).explain(factsOf(asked));
}

describe('an explanation', () => {
  test('names every condition that failed, and stops at the route that matched', () => {
    const matches: MatchConfig[] = [
      { host: ['*.example.com'], path: ['/v1/*', '/v2/*'], header: { 'X-Tier': exact('gold') } },
      { path: ['/v3/*'], cookie: { group: present }, query: { q: exact('1', '2') }, source: ['10.0.0.0/8'] },
      { method: ['GET', 'HEAD'] },
      {},
    ];
    const asked = { path: '/v3/x', query: 'q=3&q=4', headers: { 'x-tier': 'tin' } };
    expect(explain(matches, asked)).toEqual({
      route: { index: 2, name: 'c' },
      refusal: undefined,
      steps: [
        {
          index: 0,
          name: 'a',
          outcome: 'failed',
          failures: [
            { condition: 'host', expected: '*.example.com', got: 'example.com' },
            { condition: 'path', expected: '/v1/* or /v2/*', got: '/v3/x' },
            { condition: 'header x-tier', expected: '"gold"', got: '"tin"' },
          ],
        },
        {
          index: 1,
          name: 'b',
          outcome: 'failed',
          failures: [
            { condition: 'source', expected: '10.0.0.0/8', got: '192.0.2.1' },
            { condition: 'query q', expected: '"1" or "2"', got: '"3" and "4"' },
            { condition: 'cookie group', expected: 'present', got: 'absent' },
          ],
        },
        { index: 2, name: 'c', outcome: 'matched', failures: [] },
        { index: 3, name: 'd', outcome: 'not-reached', failures: [] },
      ],
    });
  });

  test('of a request that no route takes', () => {
    expect(explain([{ method: ['PUT'] }], {})).toEqual({
      route: undefined,
      refusal: undefined,
      steps: [
        {
          index: 0,
          name: 'a',
          outcome: 'failed',
          failures: [{ condition: 'method', expected: 'PUT', got: 'GET' }],
        },
      ],
    });
    expect(explain([], {})).toEqual({ route: undefined, refusal: undefined, steps: [] });
  });

  test('of a catch-all', () => {
    expect(explain([{}, { path: ['/a'] }], {})).toMatchObject({
      route: { index: 0 },
      steps: [{ outcome: 'matched' }, { outcome: 'not-reached' }],
    });
  });
});

describe('the explanation of a refusal', () => {
  test('says in which two ways a path can be read', () => {
    const deny: MatchConfig[] = [{ path: ['/admin/*'] }, { path: ['/x/*'] }];
    const { route, refusal, steps } = explain(deny, { path: '/x/%2e./admin' });
    expect(route).toBeUndefined();
    expect(refusal).toBe(
      'a backend may read its path as /admin, which takes route "a", or as /x/../admin, which takes route "b"',
    );
    expect(steps.map(({ outcome }) => outcome)).toEqual(['matched', 'not-reached']);
    expect(explain(deny, { path: '/y%2Fz/../x' }).refusal).toContain('dot segments');
    expect(explain(deny, { path: '/admin%2Fy' }).refusal).toBe(
      'a backend may read its path as /admin%2Fy, which takes no route, or as /admin/y, which takes route "a"',
    );
  });

  test('is none when both readings take the same route', () => {
    expect(explain([{ path: ['/a/*'] }, {}], { path: '/a/b%2Fc' })).toMatchObject({
      route: { name: 'a' },
      refusal: undefined,
    });
  });

  test('says what could not be told, and stops there', () => {
    const matches: MatchConfig[] = [{ method: ['PUT'] }, { header: { x: regex('^b') } }, {}];
    const { route, refusal, steps } = explain(matches, { headers: { x: 'a'.repeat(MAX_REGEX_INPUT + 1) } });
    expect(route).toBeUndefined();
    expect(refusal).toContain('too long for ~^b');
    expect(steps.map(({ outcome }) => outcome)).toEqual(['failed', 'undecided', 'not-reached']);
    expect(steps[1]!.failures).toEqual([]);
  });

  test('may come with the second reading only', () => {
    const long = 'a'.repeat(MAX_REGEX_INPUT + 1);
    const matches: MatchConfig[] = [{ path: ['/b'] }, { path: ['/a/*'], header: { x: regex('^c') } }, {}];
    const { route, refusal } = explain(matches, { path: '/a/../b', headers: { x: long } });
    expect([route, refusal]).toEqual([undefined, expect.stringContaining('too long')]);
  });

  test('does not come of what routing never asks', () => {
    const matches: MatchConfig[] = [{ method: ['PUT'], path: ['/a'] }, { method: ['GET'] }];
    const { route, refusal, steps } = explain(matches, { path: '/b/..;/a' });
    expect([route?.name, refusal]).toEqual(['b', undefined]);
    expect(steps[0]!.failures.map(({ condition }) => condition)).toEqual(['method', 'path']);
    // The first route never gets to its path; the second does, and cannot tell.
    expect(explain([matches[0]!, { path: ['/c'] }], { path: '/b/..;/a' })).toMatchObject({
      route: undefined,
      refusal: expect.stringContaining('dot segments'),
      steps: [{ outcome: 'failed' }, { outcome: 'undecided' }],
    });
  });
});

test('an explanation always agrees with routing', () => {
  fc.assert(
    fc.property(fc.array(someMatch, { maxLength: 5 }), someRequest, (matches, asked) => {
      const router = compile(rulesOf(...matches));
      const route = router.route(factsOf(asked));
      const explanation = router.explain(factsOf(asked));
      expect(explanation.route?.index).toBe(route?.index);
      expect(explanation.steps).toHaveLength(matches.length);
      for (const { outcome, failures } of explanation.steps) expect(failures.length > 0).toBe(outcome === 'failed');
      if (route) expect(explanation.steps[route.index]!.outcome).toBe('matched');
    }),
    { numRuns: 2000 },
  );
});
