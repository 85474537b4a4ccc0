import { describe, expect, it } from 'vitest';
import type { HttpListenerConfig } from '../../src/config/schema.ts';
import { configOf, messageOf, yamlWithRoute } from './loading.ts';

const at = 'listeners.web.routes[0]';
const newPath = 'a path such as /items/$1';
const location = 'a path such as /new/ or a URL such as https://example.com/';
const host = '"backend", or a host such as api.internal or api.internal:8080';

describe('a rewrite', () => {
  it.each([
    ['stripPrefix: /v1', { stripPrefix: '/v1' }],
    ['path: "/items/$1"', { path: '/items/$1' }],
    ['path: "/a%2Fb/$$"', { path: '/a%2Fb/$$' }],
    ['host: backend', { host: 'backend' }],
    ['host: "api.internal:8080", stripPrefix: /v1/', { host: 'api.internal:8080', stripPrefix: '/v1/' }],
    ['host: "[::1]:80"', { host: '[::1]:80' }],
    ['', {}],
  ])('may be { %s }', async (rewrite, expected) => {
    const route = `pool: app, match: { path: "~^/(.*)$" }, rewrite: { ${rewrite} }`;
    const listener = (await configOf(yamlWithRoute(route))).listeners['web'] as HttpListenerConfig;
    expect(listener.routes[0]!.rewrite).toEqual(expected);
  });

  it.each([
    ['path: items', `path: got "items" (it does not start with "/"), expected ${newPath}`],
    [
      'path: /a?b=$1',
      `path: got "/a?b=$1" (a path ends before "?"; the query of the request goes along as it is), expected ${newPath}`,
    ],
    ['path: "/a b"', `path: got "/a b" (spaces and letters outside ASCII are percent-encoded), expected ${newPath}`],
    [
      'path: "/a\\r\\nb"',
      `path: got "/a\\r\\nb" (spaces and letters outside ASCII are percent-encoded), expected ${newPath}`,
    ],
    ['path: /100%', `path: got "/100%" (a percent sign is written %25), expected ${newPath}`],
    ['path: /a/%2e%2e/b', `path: got "/a/%2e%2e/b" (it has "." or ".." as a segment), expected ${newPath}`],
    ['path: /$0', `path: got "/$0" (captures are $1 to $9; a dollar sign is $$), expected ${newPath}`],
    ['stripPrefix: /', 'stripPrefix: got "/", expected a path such as /v1, not "/" alone'],
    ['host: "a b"', `host: got "a b", expected ${host}`],
    ['host: "*.a.test"', `host: got "*.a.test", expected ${host}`],
    ['host: "a.test:x"', `host: got "a.test:x", expected ${host}`],
    ['stripPrefix: /a, path: /b', 'path: there is stripPrefix too, expected only one of them'],
  ])('may not be { %s }', async (rewrite, message) => {
    const route = `pool: app, match: { path: "~^/(.*)$" }, rewrite: { ${rewrite} }`;
    expect(await messageOf(yamlWithRoute(route))).toBe(`${at}.rewrite.${message}`);
  });

  it.each(['redirect: { to: / }', 'respond: {}'])('and edits of requests need a pool, not %s', async (action) => {
    const written = `${action}, rewrite: { host: a }, headers: { request: { remove: [a] }, response: { remove: [b] } }`;
    const why = `has no effect, since the route sends nothing to a backend but has ${action.split(':')[0]}`;
    expect((await messageOf(yamlWithRoute(written))).split('\n')).toEqual([
      `${at}.rewrite: ${why}`,
      `${at}.headers.request: ${why}`,
    ]);
    const idle = `${action}, headers: { request: { set: {}, remove: [] }, response: { add: { a: b } } }`;
    expect(await messageOf(yamlWithRoute(idle))).toBe('');
  });
});

describe('a capture', () => {
  const missing = (n: number, reason: string) => `there is no $${n}: ${reason}`;

  it.each([
    [
      '',
      'pool: app, rewrite: { path: /$1 }',
      `rewrite.path: ${missing(1, 'match.path is missing, expected a regular expression there')}`,
    ],
    [
      '/a',
      'redirect: { to: /$1 }',
      `redirect.to: ${missing(1, '/a in match.path captures nothing, expected a regular expression')}`,
    ],
    ['~^/a$', 'redirect: { to: /$1 }', `redirect.to: ${missing(1, '~^/a$ in match.path captures nothing')}`],
    ['~^/(a)$', 'redirect: { to: /$1/$2 }', `redirect.to: ${missing(2, '~^/(a)$ in match.path captures only 1')}`],
    ['[~^/(a)$, ~^/b$]', 'redirect: { to: /$1 }', `redirect.to: ${missing(1, '~^/b$ in match.path captures nothing')}`],
    [
      '~^/(a)$',
      'redirect: { to: "https://$1/" }',
      `redirect.to: got "https://$1/" (a capture may not be part of the host, or a client could choose where it is sent), expected ${location}`,
    ],
    [
      '~^/(a)$',
      'redirect: { to: /$0 }',
      `redirect.to: got "/$0" (captures are $1 to $9; a dollar sign is $$), expected ${location}`,
    ],
    ['[~^/(a)$, ~^/(b)/(.)$]', 'redirect: { to: "/$1/$$2" }', ''],
    ['~^/(a)$', 'redirect: { to: "https://a.test/$1" }', ''],
  ])('of %s in %s', async (path, action, message) => {
    const match = path === '' ? '' : `, match: { path: ${path.startsWith('[') ? path : `"${path}"`} }`;
    expect(await messageOf(yamlWithRoute(`${action}${match}`))).toBe(message === '' ? '' : `${at}.${message}`);
  });

  it('of an expression that is none is reported for the expression', async () => {
    const message = await messageOf(yamlWithRoute('redirect: { to: /$1 }, match: { path: "~(" }'));
    expect(message).toMatch(/^listeners\.web\.routes\[0\]\.match\.path: got "~\(" \(the regular expression is invalid/);
  });
});
