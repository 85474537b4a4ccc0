import { describe, expect, test } from 'vitest';
import { MAX_COOKIES } from '../../src/route/cookies.ts';
import type { RequestFacts } from '../../src/route/facts.ts';
import { MAX_PARAMETERS } from '../../src/route/query.ts';
import { RequestView } from '../../src/route/view.ts';
import { factsOf, viewOf } from './stage.ts';

/** A view for conditions on these names. */
function viewFor({ cookies = [], query = [], form = [] }: Record<string, string[]>): RequestView {
  return new RequestView({ cookies: new Set(cookies), query: new Set(query), form: new Set(form) });
}

describe('a view of a request', () => {
  test('parses cookies once, and only when asked', () => {
    const facts = factsOf({ headers: { cookie: 'a=1; b=2' } });
    const view = viewFor({ cookies: ['a', 'b'] });
    view.begin(facts);
    expect(facts.asked).toEqual([]);
    expect([view.cookie('a'), view.cookie('b'), view.cookie('a')]).toEqual([['1'], ['2'], ['1']]);
    expect(facts.asked).toEqual(['cookie']);
  });

  test('without cookies asks for them once too', () => {
    const facts = factsOf();
    const view = viewFor({ cookies: ['a'] });
    view.begin(facts);
    expect([view.cookie('a'), view.cookie('a')]).toEqual([undefined, undefined]);
    expect(facts.asked).toEqual(['cookie']);
  });

  test('knows only the names it was made for, cookies and parameters apart', () => {
    const view = viewFor({ cookies: ['a'], query: ['b'] });
    view.begin(factsOf({ query: 'a=1&b=2', headers: { cookie: 'a=3; b=4' } }));
    expect([view.cookie('a'), view.cookie('b'), view.query('a'), view.query('b')]).toEqual([
      ['3'],
      undefined,
      undefined,
      ['2'],
    ]);
  });

  test('asks for the host, the path and the query once', () => {
    const asked: string[] = [];
    const facts: RequestFacts = {
      ...factsOf(),
      get host() {
        asked.push('host');
        return 'h';
      },
      get query() {
        asked.push('query');
        return asked.length > 100 ? '' : 'a=1';
      },
    };
    const view = viewFor({ query: ['a'] });
    view.begin(facts);
    expect([view.host, view.host]).toEqual(['h', 'h']);
    expect(asked).toEqual(['host']);
    expect([view.query('a'), view.query('a')]).toEqual([['1'], ['1']]);
    // Whether there is one, and its text.
    expect(asked).toEqual(['host', 'query', 'query']);
  });

  test('begins anew with every request', () => {
    const view = viewOf({ host: 'a', path: '/a/../b', query: 'k=1', headers: { cookie: 'k=1' } }, ['k']);
    expect([view.host, view.path, view.query('k'), view.cookie('k')]).toEqual(['a', '/b', ['1'], ['1']]);
    view.doubt = 'some';
    view.begin(factsOf({ host: 'b', path: '/c', query: 'k=2', headers: { cookie: 'k=2' } }));
    expect([view.host, view.path, view.query('k'), view.cookie('k')]).toEqual(['b', '/c', ['2'], ['2']]);
    expect([view.doubt, view.turnToOtherPath()]).toEqual(['', false]);
  });

  test('lets go of a request at its end', () => {
    const view = viewOf({ method: 'PUT', host: 'a', path: '/%61', source: '10.0.0.1', headers: { x: '1' } });
    expect([view.host, view.path]).toEqual(['a', '/a']);
    view.end();
    expect([view.facts.method, view.facts.source, view.host, view.path]).toEqual(['', '', '', '/']);
    expect(view.facts.header('x')).toBeUndefined();
  });
});

describe('the path of a view', () => {
  test('has no other reading before it was asked for, nor when it is plain', () => {
    const view = viewOf({ path: '/a/../b' });
    expect(view.turnToOtherPath()).toBe(false);
    expect(view.path).toBe('/b');
    expect(view.turnToOtherPath()).toBe(true);
    expect([view.path, view.turnToOtherPath()]).toEqual(['/a/../b', false]);
    const plain = viewOf({ path: '/a' });
    expect([plain.path, plain.turnToOtherPath()]).toEqual(['/a', false]);
  });

  test('has no other reading that is the same', () => {
    const view = viewOf({ path: '///' });
    expect([view.path, view.turnToOtherPath()]).toEqual(['/', false]);
  });

  test('leaves a doubt, but only when it is asked for', () => {
    const view = viewOf({ path: '/a/..;/b' });
    expect(view.doubt).toBe('');
    expect(view.path).toBe('/a/..;/b');
    expect(view.doubt).toContain('dot segments');
  });
});

describe('too much to read leaves a doubt', () => {
  test('of cookies', () => {
    const view = viewOf({ headers: { cookie: 'x;'.repeat(MAX_COOKIES) } }, ['k']);
    expect([view.cookie('k'), view.doubt]).toEqual([undefined, 'it has more than 1024 cookies']);
  });

  test('of parameters', () => {
    const view = viewOf({ query: 'x&'.repeat(MAX_PARAMETERS + 1) }, ['k']);
    expect([view.query('k'), view.doubt]).toEqual([undefined, 'it has more than 4096 query parameters']);
  });
});

describe('the body in a view', () => {
  test('is read once in each way, and anew for the next request', () => {
    let asked = 0;
    const facts = { ...factsOf(), body: () => Buffer.from(asked++ === 0 ? '{"a":1}' : 'b=2') };
    const view = viewFor({ form: ['b'] });
    view.begin(facts);
    expect(view.json(10)).toEqual({ a: 1 });
    expect(view.json(10)).toBe(view.json(10));
    expect(view.form('b', 10)).toBeUndefined();
    view.begin(facts);
    expect([view.json(10), view.form('b', 10)]).toEqual([undefined, ['2']]);
  });

  test('leaves a doubt and says how much is wanted while it has not come', () => {
    const view = viewFor({});
    view.begin(factsOf());
    expect([view.body(10), view.bodyWanted, view.doubt]).toEqual([undefined, 10, expect.stringContaining('body')]);
    expect([view.json(20), view.bodyWanted]).toEqual([undefined, 10]);
    view.begin(factsOf({ body: null }));
    expect([view.body(10), view.bodyWanted, view.doubt]).toEqual([undefined, 0, '']);
  });

  test('cannot be told from a form of too many fields', () => {
    const view = viewFor({ form: ['a'] });
    view.begin(factsOf({ body: 'x&'.repeat(MAX_PARAMETERS + 1) }));
    expect([view.form('a', 10_000_000), view.bodyWanted]).toEqual([undefined, 0]);
    expect(view.doubt).toMatch(/form .* fields/);
  });
});
