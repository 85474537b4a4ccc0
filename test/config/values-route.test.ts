import { describe, expect, it } from 'vitest';
import type { HttpListenerConfig } from '../../src/config/schema.ts';
import { configOf, messageOf, yamlWithRoute } from './loading.ts';

const duration = 'a duration such as 250ms, 5s, 2m or 1h';
const path = 'a path: exact /a, prefix /a/* or regular expression ~^/a\\d+$';
const host = 'a host such as api.example.com or *.example.com';
const cidr = 'an IP address or range such as 10.0.0.0/8 or 2001:db8::/32';
const header = 'the name of a header that a route may change';
const line = 'text of one line, at most 8192 characters';
const value = 'exact text, ~regular-expression, true (present) or false (absent), or a list of these';

describe('a value of a route is refused', () => {
  it.each([
    ['match: { host: "*" }', `match.host: got "*" (every host matches when \`host\` is left out), expected ${host}`],
    ['match: { host: "a.com:80" }', `match.host: got "a.com:80" (a host has no port here), expected ${host}`],
    ['match: { host: "[::1]:80" }', `match.host: got "[::1]:80" (a host has no port here), expected ${host}`],
    [
      'match: { host: "bücher.de" }',
      `match.host: got "bücher.de" (letters outside ASCII are written in Punycode (xn--…)), expected ${host}`,
    ],
    ['match: { host: "a.*.com" }', `match.host: got "a.*.com", expected ${host}`],
    ['match: { host: "*a.com" }', `match.host: got "*a.com", expected ${host}`],
    ['match: { host: "a..com" }', `match.host: got "a..com", expected ${host}`],
    ['match: { host: "" }', `match.host: got "", expected ${host}`],
    ['match: { host: [] }', 'match.host: got an empty list, expected at least one'],
    ['match: { host: [a.com, "b c"] }', `match.host[1]: got "b c", expected ${host}`],
    ['match: { path: v1 }', `match.path: got "v1" (it starts with neither "/" nor "~"), expected ${path}`],
    ['match: { path: /a* }', `match.path: got "/a*" ("*" stands only at the end, after a "/"), expected ${path}`],
    ['match: { path: /*/b }', `match.path: got "/*/b" ("*" stands only at the end, after a "/"), expected ${path}`],
    ['match: { path: /a/*/* }', `match.path: got "/a/*/*" ("*" stands only at the end, after a "/"), expected ${path}`],
    [
      'match: { path: "/a?b=1" }',
      `match.path: got "/a?b=1" (a path ends before "?"; use \`query\` to match what follows), expected ${path}`,
    ],
    [
      'match: { path: "/a#b" }',
      `match.path: got "/a#b" (a path ends before "?"; use \`query\` to match what follows), expected ${path}`,
    ],
    [
      'match: { path: "/a b" }',
      `match.path: got "/a b" (a path has no spaces or control characters), expected ${path}`,
    ],
    [
      'match: { path: "/a\\x7f" }',
      `match.path: got "/a\x7f" (a path has no spaces or control characters), expected ${path}`,
    ],
    ['match: { path: "~" }', `match.path: got "~" (the regular expression after "~" is empty), expected ${path}`],
    [
      'match: { path: "~^/a[" }',
      `match.path: got "~^/a[" (the regular expression is invalid: Unterminated character class), expected ${path}`,
    ],
    ['match: { path: 5 }', `match.path: got 5, expected ${path} (put it in quotes)`],
    ['match: { method: get }', 'match.method: got "get", expected a method such as GET or POST (write GET)'],
    ['match: { method: [GET, "P UT"] }', 'match.method[1]: got "P UT", expected a method such as GET or POST'],
    ['match: { header: { "x y": a } }', 'match.header["x y"]: not the name of a header'],
    ['match: { cookie: { "a=b": c } }', 'match.cookie["a=b"]: not the name of a cookie'],
    [
      'match: { header: { A: x, a: y } }',
      'match.header.a: this header is there twice; header names are not case-sensitive',
    ],
    ['match: { header: { a: 5 } }', `match.header.a: got 5, expected ${value} (put it in quotes: "5")`],
    ['match: { header: { a: {} } }', `match.header.a: got an object, expected ${value}, or a list`],
    [
      'match: { cookie: { a: [x, "~*"] } }',
      `match.cookie.a[1]: got "~*" (the regular expression is invalid: Nothing to repeat), expected ${value}`,
    ],
    ['match: { query: { a: [] } }', 'match.query.a: got an empty list, expected at least one'],
    ['match: { query: [a] }', 'match.query: got a list, expected an object'],
    [
      'match: { source: [10.0.0.0/8, 300.0.0.1] }',
      `match.source[1]: got "300.0.0.1" ("300.0.0.1" is not an IP address), expected ${cidr}`,
    ],
    ['timeout: 30', `timeout: got 30 (the unit is missing), expected ${duration}`],
    ['retry: { attempts: 0 }', 'retry.attempts: got 0, expected a whole number from 1 to 10'],
    ['retry: { attempts: 11 }', 'retry.attempts: got 11, expected a whole number from 1 to 10'],
    ['retry: { on: reset }', 'retry.on: got "reset", expected a list'],
    [
      'retry: { on: [conect] }',
      'retry.on[0]: got "conect", expected connect, reset, timeout or a status code from 400 to 599 (did you mean "connect"?)',
    ],
    ['retry: { on: [200] }', 'retry.on[0]: got 200, expected connect, reset, timeout or a status code from 400 to 599'],
    [
      'name: "a b"',
      'name: got "a b", expected a name of 1 to 64 letters, digits, "_", "." or "-", the first a letter or digit',
    ],
    [
      'name: -a',
      'name: got "-a", expected a name of 1 to 64 letters, digits, "_", "." or "-", the first a letter or digit',
    ],
    [
      `name: ${'a'.repeat(65)}`,
      `name: got "${'a'.repeat(60)}…", expected a name of 1 to 64 letters, digits, "_", "." or "-", the first a letter or digit`,
    ],
    ['headers: { request: { set: { "a b": c } } }', `headers.request.set["a b"]: not ${header}`],
    [
      'headers: { response: { add: { Transfer_Encoding: x } } }',
      `headers.response.add.Transfer_Encoding: not ${header} (it is about how the message is sent, which a route cannot change)`,
    ],
    [
      'headers: { request: { remove: [Host] } }',
      `headers.request.remove[0]: got "Host" (the host that a backend sees is changed by \`rewrite: { host }\`), expected ${header}`,
    ],
    [
      'headers: { request: { remove: [KEEP-ALIVE] } }',
      `headers.request.remove[0]: got "KEEP-ALIVE" (it is about one connection, and each side has its own), expected ${header}`,
    ],
    [
      'headers: { request: { set: { a: "b\\r\\nc: d" } } }',
      `headers.request.set.a: got "b\\r\\nc: d" (it has a line break or another control character), expected ${line}`,
    ],
    [
      'headers: { request: { add: { a: [b, " c"] } } }',
      `headers.request.add.a[1]: got " c" (space at its ends would be lost), expected ${line}`,
    ],
    ['headers: { request: { set: { a: 5 } } }', `headers.request.set.a: got 5, expected ${line} (put it in quotes)`],
    [
      'headers: { request: { set: { A: b, a: c } } }',
      'headers.request.set.a: this header is there twice; header names are not case-sensitive',
    ],
    [
      `headers: { request: { remove: [${Array.from({ length: 65 }, (_, i) => `x${i}`)}] } }`,
      'headers.request.remove: too many, expected at most 64',
    ],
  ])('%s', async (route, message) => {
    expect(await messageOf(yamlWithRoute(`pool: app, ${route}`))).toBe(`listeners.web.routes[0].${message}`);
  });

  const location = 'a path such as /new/ or a URL such as https://example.com/';
  it.each([
    ['redirect: {}', `redirect.to: missing, expected ${location}`],
    ['redirect: { to: example.com }', `redirect.to: got "example.com", expected ${location}`],
    ['redirect: { to: "ftp://example.com" }', `redirect.to: got "ftp://example.com", expected ${location}`],
    ['redirect: { to: "https:///x" }', `redirect.to: got "https:///x", expected ${location}`],
    [
      'redirect: { to: "/a b" }',
      `redirect.to: got "/a b" (spaces and letters outside ASCII are percent-encoded), expected ${location}`,
    ],
    [
      'redirect: { to: "/\\r\\nSet-Cookie: a" }',
      `redirect.to: got "/\\r\\nSet-Cookie: a" (spaces and letters outside ASCII are percent-encoded), expected ${location}`,
    ],
    ['redirect: { to: /, status: 300 }', 'redirect.status: got 300, expected 301, 302, 303, 307 or 308'],
    ['respond: { status: 199 }', 'respond.status: got 199, expected a whole number from 200 to 599'],
    ['respond: { status: 600 }', 'respond.status: got 600, expected a whole number from 200 to 599'],
    ['respond: { body: 5 }', 'respond.body: got 5, expected text of at most 65536 characters (put it in quotes)'],
    [
      `respond: { body: ${'x'.repeat(65_537)} }`,
      `respond.body: got "${'x'.repeat(60)}…", expected text of at most 65536 characters`,
    ],
    ['split: []', 'split: got an empty list, expected at least one'],
    ['split: app', 'split: got "app", expected a list'],
    ['split: [app]', 'split[0]: got "app", expected an object'],
    ['split: [{ weight: 1 }]', 'split[0].pool: missing, expected the name of a pool'],
    ['split: [{ pool: app, weight: 65536 }]', 'split[0].weight: got 65536, expected a whole number from 0 to 65535'],
    ['pool: 5', 'pool: got 5, expected the name of a pool (put it in quotes)'],
  ])('%s', async (route, message) => {
    expect(await messageOf(yamlWithRoute(route))).toBe(`listeners.web.routes[0].${message}`);
  });
});

describe('a match is read', () => {
  it.each([
    ['host: API.Example.com', { host: ['api.example.com'] }],
    [
      'host: ["*.example.com", "[::1]", a_b, xn--bcher-kva.de]',
      { host: ['*.example.com', '[::1]', 'a_b', 'xn--bcher-kva.de'] },
    ],
    ['path: /', { path: ['/'] }],
    ['path: ["/a", "/a/*", "/*", "~^/a\\\\d+$", "/ä"]', { path: ['/a', '/a/*', '/*', '~^/a\\d+$', '/ä'] }],
    ['method: [GET, M-SEARCH]', { method: ['GET', 'M-SEARCH'] }],
    ['source: "::1"', { source: ['::1'] }],
    ['header: { X-Tier: gold }', { header: { 'x-tier': { kind: 'exact', values: ['gold'] } } }],
    ['header: { a: true, b: false }', { header: { a: { kind: 'present' }, b: { kind: 'absent' } } }],
    ['cookie: { Group: "true" }', { cookie: { Group: { kind: 'exact', values: ['true'] } } }],
    ['query: { "a b": "~^1" }', { query: { 'a b': { kind: 'regex', source: '^1' } } }],
    ['query: { a: "" }', { query: { a: { kind: 'exact', values: [''] } } }],
    ['query: { a: [x, y] }', { query: { a: { kind: 'exact', values: ['x', 'y'] } } }],
    ['query: { a: [true] }', { query: { a: { kind: 'present' } } }],
    [
      'query: { a: [x, "~z", y, false] }',
      {
        query: {
          a: {
            kind: 'any',
            of: [{ kind: 'exact', values: ['x', 'y'] }, { kind: 'regex', source: 'z' }, { kind: 'absent' }],
          },
        },
      },
    ],
    [
      'query: { a: ["~y", "~z"] }',
      {
        query: {
          a: {
            kind: 'any',
            of: [
              { kind: 'regex', source: 'y' },
              { kind: 'regex', source: 'z' },
            ],
          },
        },
      },
    ],
  ])('%s', async (match, expected) => {
    const listener = (await configOf(yamlWithRoute(`pool: app, match: { ${match} }`))).listeners['web'];
    expect((listener as HttpListenerConfig).routes[0]!.match).toEqual(expected);
  });
});
