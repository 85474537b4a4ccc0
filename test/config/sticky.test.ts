import { describe, expect, it } from 'vitest';
import type { HttpListenerConfig } from '../../src/config/schema.ts';
import { configOf, messageOf, yamlWithRoute } from './loading.ts';

const at = 'listeners.web.routes[0].sticky';

describe('sticky', () => {
  it.each([
    ['{ cookie: fl }', { kind: 'cookie', name: 'fl', ttlMs: 0, secret: '' }],
    ['{ cookie: fl, ttl: 1h, secret: abc }', { kind: 'cookie', name: 'fl', ttlMs: 3_600_000, secret: 'abc' }],
    ['{ header: X-Session }', { kind: 'header', name: 'X-Session', ttlMs: 0, secret: '' }],
    ['{ query: sid, ttl: 90s }', { kind: 'query', name: 'sid', ttlMs: 90_000, secret: '' }],
    ['false', undefined],
  ])('%s', async (sticky, expected) => {
    const listener = (await configOf(yamlWithRoute(`pool: app, sticky: ${sticky}`))).listeners['web'];
    expect((listener as HttpListenerConfig).routes[0]!.sticky).toEqual(expected);
  });

  it('takes its secret from the environment, where it may be missing', async () => {
    const text = yamlWithRoute(`pool: app, sticky: { cookie: fl, secret: "$\{SECRET:-}" }`);
    const secretIn = async (env: Record<string, string>) =>
      ((await configOf(text, env)).listeners['web'] as HttpListenerConfig).routes[0]!.sticky?.secret;
    expect(await secretIn({})).toBe('');
    expect(await secretIn({ SECRET: 'hush' })).toBe('hush');
  });

  it.each([
    ['{}', ': nothing to go by, expected cookie, header or query'],
    ['{ ttl: 1h }', ': nothing to go by, expected cookie, header or query'],
    ['{ cookie: a, query: b }', '.query: there is cookie too, expected only one of them'],
    ['{ header: a, secret: hush }', '.secret: header needs none'],
    ['{ cookie: "a b" }', '.cookie: got "a b", expected the name of a cookie'],
    ['{ query: "" }', '.query: got "", expected the name of a query parameter'],
    [
      '{ cookie: a, ttl: 10ms }',
      '.ttl: got "10ms" (it must be at least 1s), expected a duration such as 250ms, 5s, 2m or 1h',
    ],
    [
      '{ cookie: a, tll: 1h }',
      '.tll: unknown key, expected cookie, header, query, ttl or secret (did you mean "ttl"?)',
    ],
  ])('%s is refused', async (sticky, message) => {
    expect(await messageOf(yamlWithRoute(`pool: app, sticky: ${sticky}`))).toBe(at + message);
  });

  it('is for routes with a pool', async () => {
    const message = `${at}: the route has no pool, so there is nothing to stay on`;
    expect(await messageOf(yamlWithRoute('respond: { status: 204 }, sticky: { cookie: a }'))).toBe(message);
    expect(await messageOf(yamlWithRoute('redirect: { to: /b }, sticky: { cookie: a }'))).toBe(message);
  });
});
