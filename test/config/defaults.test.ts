import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineConfig } from '../../src/config/define.ts';
import { resolveConfig } from '../../src/config/load.ts';
import type { Config, ConfigInput, HttpListenerConfig, PoolConfig, RouteConfig } from '../../src/config/schema.ts';
import type { Address } from '../../src/support/address.ts';
import { configOf, yaml, yamlWithRoute } from './loading.ts';

const perIp = { connectionsPerIp: 0, connectionRatePerIp: 0 };

const noEdit = { set: {}, add: {}, remove: [] };

const defaultRoute = {
  headers: { request: noEdit, response: noEdit },
  mirror: false,
  rateLimit: false,
  fault: false,
  name: 'route-1',
  match: {},
  action: { kind: 'pool', split: [{ pool: 'app', weight: 1 }] },
  timeout: 30_000,
  retry: { attempts: 2, on: ['connect', 'reset'], budget: 0.2 },
};

const defaultPool = {
  balance: { algorithm: 'round-robin', key: { kind: 'source' }, loadFactor: 1.25 },
  backends: [
    {
      id: '127.0.0.1:3001',
      address: { kind: 'tcp', host: '127.0.0.1', port: 3001 },
      weight: 1,
      maxConnections: 0,
      backup: false,
    },
  ],
  health: { type: 'tcp', interval: 2000, timeout: 1000, rise: 2, fall: 3, port: 0 },
  eject: { failures: 5, failureRate: 0, latency: 0, for: 10_000, max: 0.5 },
  slowStart: 0,
  queue: { max: 0, timeout: 1000 },
  panic: 0,
  connect: { timeout: 2000, proxyProtocol: 'off', http2: false, local: '' },
  keepAlive: { max: 256, idle: 30_000 },
};

describe('the smallest config', () => {
  it('gets every default, and nothing else', async () => {
    expect(await configOf(yaml())).toEqual({
      workers: 'auto',
      ioUring: 'auto',
      watch: true,
      admin: { bind: [{ kind: 'tcp', host: '127.0.0.1', port: 9900 }], token: '' },
      log: { level: 'info', access: false },
      shutdown: { grace: 30_000 },
      limits: { connections: 20_000 },
      listeners: {
        web: {
          protocol: 'http',
          bind: [{ kind: 'tcp', host: '::', port: 8080 }],
          proxyProtocol: false,
          trustProxies: [],
          allow: [],
          deny: [],
          timeouts: { header: 10_000, idle: 60_000, body: 30_000 },
          limits: { connections: 10_000, headerBytes: 16_384, bodyBytes: 0, ...perIp },
          routes: [defaultRoute],
        },
      },
      pools: { app: defaultPool },
    });
  });

  it('gets the defaults of TCP', async () => {
    const config = await configOf(
      'listeners: { db: { protocol: tcp, bind: ":5433", pool: app } }\npools: { app: { backends: ["127.0.0.1:3001"] } }',
    );
    expect(config.listeners).toEqual({
      db: {
        protocol: 'tcp',
        bind: [{ kind: 'tcp', host: '::', port: 5433 }],
        proxyProtocol: false,
        timeouts: { opening: 10_000, idle: 3_600_000, halfClose: 30_000 },
        allow: [],
        deny: [],
        limits: { connections: 10_000, ...perIp },
        routes: [{ match: {}, pool: 'app' }],
      },
    });
  });

  it('gets the defaults of UDP, and no probes over TCP unless they are asked for', async () => {
    const text = (health: string, more = '') =>
      `listeners: { dns: { protocol: udp, bind: ":53", pool: app }${more} }\npools: { app: { backends: ["127.0.0.1:3001"]${health} } }`;
    const config = await configOf(text(''));
    expect(config.listeners).toEqual({
      dns: {
        protocol: 'udp',
        bind: [{ kind: 'tcp', host: '::', port: 53 }],
        timeouts: { idle: 30_000 },
        allow: [],
        deny: [],
        limits: { connections: 10_000 },
        pool: 'app',
      },
    });
    const typeOf = async (written: string) => (await configOf(written)).pools['app']!.health.type;
    expect(await typeOf(text(''))).toBe('off');
    expect(await typeOf(text(', health: { interval: 1s }'))).toBe('off');
    expect(await typeOf(text(', health: { type: tcp }'))).toBe('tcp');
    expect(await typeOf(text('', ', db: { protocol: tcp, bind: ":5433", pool: app }'))).toBe('tcp');
    expect(await typeOf(text('', ', web: { protocol: http, bind: ":5434", pool: app }'))).toBe('tcp');
  });

  it('needs no pool when it answers by itself', async () => {
    const config = await configOf(
      'listeners: { web: { protocol: http, bind: ":80", routes: [{ respond: {} }, { redirect: { to: / } }] } }',
    );
    expect(config.pools).toEqual({});
    expect((config.listeners['web'] as HttpListenerConfig).routes.map(({ name, action }) => [name, action])).toEqual([
      ['route-1', { kind: 'respond', status: 200, body: '' }],
      ['route-2', { kind: 'redirect', to: '/', status: 308 }],
    ]);
  });

  it('shares no default between two that take it', async () => {
    const config = await configOf(
      'listeners: { a: { protocol: http, bind: ":1", pool: p }, b: { protocol: http, bind: ":2", pool: p } }\npools: { p: { backends: ["h:1"] }, q: { backends: ["h:1"] } }',
    );
    const [a, b] = Object.values(config.listeners) as [HttpListenerConfig, HttpListenerConfig];
    expect(a.timeouts).not.toBe(b.timeouts);
    expect(a.trustProxies).not.toBe(b.trustProxies);
    expect(a.routes[0]!.retry.on).not.toBe(b.routes[0]!.retry.on);
    expect(config.pools['p']!.health).not.toBe(config.pools['q']!.health);
  });
});

describe('a section that is written in part', () => {
  it.each([
    ['admin: { token: secret }', 'admin', { bind: [{ kind: 'tcp', host: '127.0.0.1', port: 9900 }], token: 'secret' }],
    ['log: { level: warn }', 'log', { level: 'warn', access: false }],
    ['log: { access: true }', 'log', { level: 'info', access: { sample: 1, format: 'json' } }],
    ['log: { access: {} }', 'log', { level: 'info', access: { sample: 1, format: 'json' } }],
    ['log: { access: { sample: 0.01 } }', 'log', { level: 'info', access: { sample: 0.01, format: 'json' } }],
    ['log: { access: { format: combined } }', 'log', { level: 'info', access: { sample: 1, format: 'combined' } }],
    ['log: { access: false }', 'log', { level: 'info', access: false }],
    ['admin: false', 'admin', false],
    ['shutdown: {}', 'shutdown', { grace: 30_000 }],
    ['shutdown: { grace: 0 }', 'shutdown', { grace: 0 }],
    ['limits: {}', 'limits', { connections: 20_000 }],
    ['workers: 4', 'workers', 4],
    ['workers: auto', 'workers', 'auto'],
    ['watch: false', 'watch', false],
  ] as const)('%s', async (top, key, expected) => {
    expect((await configOf(yaml({ top })))[key]).toEqual(expected);
  });

  it.each([
    ['timeouts: { header: 1s }', 'timeouts', { header: 1000, idle: 60_000, body: 30_000 }],
    ['timeouts: { idle: 1m, body: 1ms }', 'timeouts', { header: 10_000, idle: 60_000, body: 1 }],
    [
      'limits: { bodyBytes: 1MiB }',
      'limits',
      { connections: 10_000, headerBytes: 16_384, bodyBytes: 1_048_576, ...perIp },
    ],
    ['limits: { headerBytes: 0 }', 'limits', { connections: 10_000, headerBytes: 1_048_576, bodyBytes: 0, ...perIp }],
    [
      'limits: { connections: 0, headerBytes: 1024 }',
      'limits',
      { connections: 0, headerBytes: 1024, bodyBytes: 0, ...perIp },
    ],
    ['trustProxies: [10.0.0.0/8, "::1"]', 'trustProxies', ['10.0.0.0/8', '::1']],
  ] as const)('%s', async (listener, key, expected) => {
    expect(((await configOf(yaml({ listener }))).listeners['web'] as HttpListenerConfig)[key]).toEqual(expected);
  });

  it.each([
    ['eject: { failures: 0 }', 'eject', { failures: 0, failureRate: 0, latency: 0, for: 10_000, max: 0.5 }],
    ['eject: { for: 1s, max: 10% }', 'eject', { failures: 5, failureRate: 0, latency: 0, for: 1000, max: 0.1 }],
    ['connect: { timeout: 100ms }', 'connect', { timeout: 100, proxyProtocol: 'off', http2: false, local: '' }],
    [
      'connect: { local: 10.0.0.1 }',
      'connect',
      { timeout: 2000, proxyProtocol: 'off', http2: false, local: '10.0.0.1' },
    ],
    ['connect: { local: "::" }', 'connect', { timeout: 2000, proxyProtocol: 'off', http2: false, local: '' }],
    ['connect: { local: 0.0.0.0 }', 'connect', { timeout: 2000, proxyProtocol: 'off', http2: false, local: '' }],
    ['connect: { local: "" }', 'connect', { timeout: 2000, proxyProtocol: 'off', http2: false, local: '' }],
    ['keepAlive: { max: 0 }', 'keepAlive', { max: 0, idle: 30_000 }],
    ['keepAlive: { idle: 5s }', 'keepAlive', { max: 256, idle: 5000 }],
    ['health: { type: off }', 'health', { type: 'off' }],
    [
      'health: { interval: 1s, rise: 1 }',
      'health',
      { type: 'tcp', interval: 1000, timeout: 1000, rise: 1, fall: 3, port: 0 },
    ],
    [
      'health: { type: http }',
      'health',
      {
        type: 'http',
        path: '/',
        status: [[200, 399]],
        body: '',
        interval: 2000,
        timeout: 1000,
        rise: 2,
        fall: 3,
        port: 0,
      },
    ],
  ] as const)('%s', async (pool, key, expected) => {
    expect((await configOf(yaml({ pool }))).pools['app']![key]).toEqual(expected);
  });

  it.each([
    ['pool: app, retry: { attempts: 1 }', 'retry', { attempts: 1, on: ['connect', 'reset'], budget: 0.2 }],
    ['pool: app, retry: { on: [] }', 'retry', { attempts: 2, on: [], budget: 0.2 }],
    [
      'pool: app, retry: { on: [timeout, "503", 500], perTry: 10s, budget: 5% }',
      'retry',
      { attempts: 2, on: ['timeout', 503, 500], perTry: 10_000, budget: 0.05 },
    ],
    ['pool: app, timeout: 1h', 'timeout', 3_600_000],
    ['pool: app, name: all', 'name', 'all'],
    [
      'pool: app, headers: { request: { add: { a: b, c: [d, ""] } } }',
      'headers',
      {
        request: { set: {}, add: { a: ['b'], c: ['d', ''] }, remove: [] },
        response: { set: {}, add: {}, remove: [] },
      },
    ],
    ['split: [{ pool: app }]', 'action', { kind: 'pool', split: [{ pool: 'app', weight: 1 }] }],
    ['respond: { status: 503 }', 'action', { kind: 'respond', status: 503, body: '' }],
  ] as const)('%s', async (route, key, expected) => {
    const listener = (await configOf(yamlWithRoute(route))).listeners['web'] as HttpListenerConfig;
    expect(listener.routes[0]![key]).toEqual(expected);
  });
});

describe('the types', () => {
  it('are those that the rest of the code is written against', () => {
    expectTypeOf<Config['workers']>().toEqualTypeOf<number | 'auto'>();
    expectTypeOf<Config['admin']>().toEqualTypeOf<false | { bind: Address[]; token: string }>();
    expectTypeOf<Config['log']['access']>().toEqualTypeOf<false | { sample: number; format: 'json' | 'combined' }>();
    expectTypeOf<HttpListenerConfig['routes']>().toEqualTypeOf<RouteConfig[]>();
    expectTypeOf<RouteConfig['retry']>().toEqualTypeOf<{
      attempts: number;
      on: ('connect' | 'reset' | 'timeout' | number)[];
      perTry?: number;
      budget: number;
    }>();
    expectTypeOf<PoolConfig['eject']>().toEqualTypeOf<{
      failures: number;
      failureRate: number;
      latency: number;
      for: number;
      max: number;
    }>();
    expectTypeOf<PoolConfig['keepAlive']>().toEqualTypeOf<{ max: number; idle: number }>();
  });

  it('accept in code what a file may say', () => {
    const input = defineConfig({
      workers: 2,
      admin: false,
      listeners: {
        web: {
          protocol: 'http',
          bind: [':8080', 'unix:/run/web'],
          limits: { headerBytes: '8KiB', bodyBytes: 0 },
          routes: [
            { match: { path: '/a/*', method: ['GET'], header: { 'x-a': true, 'x-b': ['1', false] } }, pool: 'app' },
            { redirect: { to: '/a/' } },
          ],
        },
        db: { protocol: 'tcp', bind: ':1', pool: 'app', timeouts: { idle: '5s' } },
      },
      pools: { app: { balance: 'p2c', backends: ['h:1', { address: 'h:2', weight: 2 }], health: { type: 'off' } } },
    });
    expectTypeOf(input).toEqualTypeOf<ConfigInput>();
    const loaded = resolveConfig(input, { env: {} });
    expect(loaded).toMatchObject({ ok: true, warnings: [], config: { workers: 2, admin: false } });
  });

  it('is given back as it is', () => {
    const input: ConfigInput = { listeners: {} };
    expect(defineConfig(input)).toBe(input);
  });
});
