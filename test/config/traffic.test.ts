import { describe, expect, it } from 'vitest';
import type { HttpListenerConfig } from '../../src/config/schema.ts';
import { configOf, messageOf, yamlWithRoute } from './loading.ts';

const at = 'listeners.web.routes[0]';

async function routeOf(tools: string) {
  const listener = (await configOf(yamlWithRoute(`pool: app, ${tools}`))).listeners['web'] as HttpListenerConfig;
  return listener.routes[0]!;
}

describe('traffic tools', () => {
  it.each([
    ['mirror: { pool: app }', { mirror: { pool: 'app', percent: 1 }, fault: false }],
    ['mirror: { pool: app, percent: 0.5 }', { mirror: { pool: 'app', percent: 0.005 } }],
    ['mirror: false, fault: false', { mirror: false, fault: false }],
    ['fault: { delay: 200ms, percent: 1 }', { fault: { delay: 200, percent: 0.01 }, mirror: false }],
    ['fault: { status: 503, delay: 1s }', { fault: { status: 503, delay: 1000, percent: 1 } }],
  ])('may be %s', async (tools, expected) => {
    expect(await routeOf(tools)).toMatchObject(expected);
  });

  it.each([
    ['pool: app, fault: { percent: 5 }', `${at}.fault: nothing to do, expected delay or status`],
    ['respond: {}, fault: { status: 503 }', `${at}.fault: the route has no pool, expected pool or split`],
    ['redirect: { to: /x }, mirror: { pool: app }', `${at}.mirror: the route has no pool, expected pool or split`],
    ['pool: app, mirror: { pool: other }', `${at}.mirror.pool: got "other", which is no pool, expected app`],
    [
      'pool: app, mirror: { pool: app, percent: 0 }',
      `${at}.mirror.percent: got 0, expected a number above 0 and at most 100`,
    ],
    ['pool: app, fault: { status: 99 }', `${at}.fault.status: got 99, expected a whole number from 200 to 599`],
  ])('may not be %s', async (route, message) => {
    expect(await messageOf(yamlWithRoute(route))).toBe(message);
  });
});
