import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import type { RequestFacts } from '../../src/route/facts.ts';
import type { BodyMatch, MatchConfig, RouteRule, ValueMatch } from '../../src/route/rule.ts';
import { RequestView } from '../../src/route/view.ts';

/** What a test says of a request; header names in lower case. */
export interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly query?: string;
  readonly source?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `null` for one that cannot be looked at; when it is left out it has not come yet. */
  readonly body?: string | null;
}

/** Facts that note which fields were asked for. */
export interface NotedFacts extends RequestFacts {
  readonly asked: string[];
}

/** A GET of `/` on example.com from 192.0.2.1, but for what is said. */
export function factsOf(asked: Asked = {}): NotedFacts {
  const notes: string[] = [];
  const headers = asked.headers ?? {};
  return {
    method: asked.method ?? 'GET',
    host: asked.host ?? 'example.com',
    path: asked.path ?? '/',
    query: asked.query ?? '',
    source: asked.source ?? '192.0.2.1',
    header(name) {
      notes.push(name);
      return Object.hasOwn(headers, name) ? headers[name] : undefined;
    },
    body(limit) {
      if (typeof asked.body !== 'string') return asked.body;
      const bytes = Buffer.from(asked.body);
      return bytes.length > limit ? null : bytes;
    },
    asked: notes,
  };
}

/** A view that has begun on a request, for conditions on the named cookies and parameters. */
export function viewOf(asked: Asked = {}, names: readonly string[] = []): RequestView {
  const view = new RequestView({ cookies: new Set(names), query: new Set(names), form: new Set(names) });
  view.begin(factsOf(asked));
  return view;
}

/** Routes named `a`, `b`, … whose payload is their name. */
export function rulesOf(...matches: MatchConfig[]): RouteRule<string>[] {
  return matches.map((match, index) => {
    const name = String.fromCharCode(97 + index);
    return { name, match, payload: name };
  });
}

/** Accepts one text. */
export const exact = (...values: string[]): ValueMatch => ({ kind: 'exact', values });
/** Accepts what the expression finds. */
export const regex = (source: string): ValueMatch => ({ kind: 'regex', source });
/** Accepts what any of the others accepts. */
export const any = (...of: ValueMatch[]): ValueMatch => ({ kind: 'any', of });
/** Accepts whatever is there. */
export const present: ValueMatch = { kind: 'present' };
/** Accepts that nothing is there. */
export const absent: ValueMatch = { kind: 'absent' };

// Small vocabularies, so that random rules and random requests meet often.
const labels = ['a', 'b', 'c'];
const values = ['', '1', '2', '12', 'x y'];
const names = ['k', 'l'];
const hosts = ['a.test', 'b.a.test', 'c.b.a.test', 'b.test', 'test', 'xa.test'];
const sources = ['10.0.0.1', '10.1.0.1', '10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '2001:db8:1::1', ''];

const list = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 3 });

const pathSegments = fc.array(fc.constantFrom(...labels, 'ab', ''), { maxLength: 3 });
const plainPath = pathSegments.map((segments) => `/${segments.join('/')}`);
const oddPath = fc
  .array(fc.constantFrom('/', '/', 'a', 'b', '.', '..', '%2e', '%2F', '%5c', '\\', '%61', ';', '%zz', '%C3%a9', '*'), {
    maxLength: 7,
  })
  .map((parts) => `/${parts.join('')}`);

const requestPath = fc.oneof({ weight: 3, arbitrary: plainPath }, oddPath, fc.constant('*'));
const pathPattern = fc.oneof(
  plainPath,
  plainPath.map((path) => `${path}/*`),
  fc.constantFrom('/*', '~^/a', '~^/[ab]$', '~b$', '~^/a/', '/%61/*', '/a/../b', '*'),
);

const leafMatch: fc.Arbitrary<ValueMatch> = fc.oneof(
  list(fc.constantFrom(...values)).map((some) => exact(...some)),
  fc.constantFrom(present, absent),
  fc.constantFrom('^1', '2$', '^$', '1').map(regex),
);
/** Accepts some of the values below, nested at most twice. */
export const someValueMatch: fc.Arbitrary<ValueMatch> = fc.oneof(
  { weight: 3, arbitrary: leafMatch },
  list(
    fc.oneof(
      leafMatch,
      list(leafMatch).map((of) => any(...of)),
    ),
  ).map((of) => any(...of)),
);
const namedMatches = fc.dictionary(fc.constantFrom(...names), someValueMatch, { maxKeys: 2, noNullPrototype: true });
const headerMatches = fc.dictionary(fc.constantFrom('x-k', 'X-K', 'x-l'), someValueMatch, {
  maxKeys: 2,
  noNullPrototype: true,
});

const limit = fc.constantFrom(5, 100);
const is = fc.oneof(
  { weight: 3, arbitrary: leafMatch.filter(({ kind }) => kind !== 'absent') },
  fc.constant(any(exact('1'), regex('x'))),
);
const someBodyMatch: fc.Arbitrary<BodyMatch> = fc.oneof(
  fc.record({ kind: fc.constant('json'), path: fc.constantFrom('k', 'k.l', 'k.0', 'l.k', '0'), is, limit }),
  fc.record({ kind: fc.constant('form'), name: fc.constantFrom(...names), is, limit }),
  fc.record({ kind: fc.constant('contains'), text: fc.constantFrom('k', 'k=', '1', '"k'), limit }),
);
const someBody = fc.constantFrom(
  ...[null, '', '{"k":1}', '{"k":{"l":"12"}}', '{"k":["1",2]}', '[true,null]', '{"l":null,"k":"x y"}', '{"k":'],
  ...['k=1', 'k=12&l=2', 'l=x+y&k=', 'k', '{"k":"1","pad":"pad"}'],
);

/** Conditions of every kind, mostly few at a time. */
export const someMatch: fc.Arbitrary<MatchConfig> = fc.oneof(
  fc.record({ path: list(pathPattern) }, { requiredKeys: [] }),
  fc.record(
    {
      host: list(fc.constantFrom(...hosts, '*.a.test', '*.test', '*.b.a.test', 'A.test', 'b.test.')),
      path: list(pathPattern),
      method: list(fc.constantFrom('GET', 'POST', 'get')),
      header: headerMatches,
      cookie: namedMatches,
      query: namedMatches,
      body: someBodyMatch,
      source: list(fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '2001:db8::/32', '::/0', '0.0.0.0/0')),
    },
    { requiredKeys: [] },
  ),
);

const pairs = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 3 });
const written = (separator: string, space: string) =>
  pairs.map((some) => some.map(([name, value]) => `${name}=${value.replace(' ', space)}`).join(separator));

/** Requests of every kind. */
export const someRequest: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'get', 'PUT'),
  host: fc.constantFrom(...hosts, ''),
  path: requestPath,
  query: written('&', '+'),
  source: fc.constantFrom(...sources),
  body: someBody,
  headers: fc.record(
    {
      'x-k': fc.constantFrom(...values),
      'x-l': fc.constantFrom(...values),
      cookie: written('; ', ' '),
      'content-type': fc.constantFrom('application/x-www-form-urlencoded', 'Application/JSON; charset=utf-8'),
    },
    { requiredKeys: [] },
  ),
});
