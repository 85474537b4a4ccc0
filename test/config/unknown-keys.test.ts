import { describe, expect, it } from 'vitest';
import { plainSchema } from '../../src/config/json-schema.ts';
import { knownKeys } from '../../src/config/known-keys.ts';
import { messageOf, yaml, yamlWithRoute } from './loading.ts';

const top = 'workers, ioUring, watch, admin, log, shutdown, limits, listeners or pools';
const http = 'protocol, bind, tls, proxyProtocol, trustProxies, allow, deny, guard, timeouts, limits, pool or routes';
const route =
  'name, match, pool, split, redirect, respond, timeout, retry, rewrite, headers, sticky, rateLimit, mirror or fault';
const pool = 'balance, backends, health, eject, slowStart, queue, panic, connect or keepAlive';

describe('an unknown key', () => {
  it.each([
    [yaml({ top: 'listener: {}' }), `listener: unknown key, expected ${top} (did you mean "listeners"?)`],
    [yaml({ top: 'upstreams: {}' }), `upstreams: unknown key, expected ${top}`],
    [
      yaml({ top: 'admin: { binds: ":1" }' }),
      'admin.binds: unknown key, expected bind or token (did you mean "bind"?)',
    ],
    [yaml({ top: 'log: { access: { rate: 1 } }' }), 'log.access.rate: unknown key, expected sample or format'],
    [yaml({ top: 'shutdown: { graze: 1s }' }), 'shutdown.graze: unknown key, expected grace (did you mean "grace"?)'],
    [yaml({ listener: 'port: 80' }), `listeners.web.port: unknown key, expected ${http}`],
    [
      yaml({ listener: 'timeouts: { halfClose: 1s }' }),
      'listeners.web.timeouts.halfClose: unknown key, expected header, idle or body',
    ],
    [
      yaml({ listener: 'limits: { headersBytes: 1 }' }),
      'listeners.web.limits.headersBytes: unknown key, expected connections, headerBytes, bodyBytes, connectionsPerIp or connectionRatePerIp (did you mean "headerBytes"?)',
    ],
    [yamlWithRoute('pool: app, methods: GET'), `listeners.web.routes[0].methods: unknown key, expected ${route}`],
    [
      yamlWithRoute('pool: app, match: { methods: GET }'),
      'listeners.web.routes[0].match.methods: unknown key, expected host, path, method, header, cookie, query, body or source (did you mean "method"?)',
    ],
    [
      yamlWithRoute('split: [{ pool: app, wieght: 1 }]'),
      'listeners.web.routes[0].split[0].wieght: unknown key, expected pool or weight (did you mean "weight"?)',
    ],
    [
      yamlWithRoute('respond: { code: 200 }'),
      'listeners.web.routes[0].respond.code: unknown key, expected status or body',
    ],
    [
      yaml({ pool: 'keep_alive: {}' }),
      `pools.app.keep_alive: unknown key, expected ${pool} (did you mean "keepAlive"?)`,
    ],
    [
      yaml({ pool: 'balance: { algorithm: hash, on: uri }' }),
      'pools.app.balance.on: unknown key, expected algorithm, key or loadFactor',
    ],
    [
      yaml({ backend: '{ address: "h:1", max_connections: 1 }' }),
      'pools.app.backends[1].max_connections: unknown key, expected name, address, weight, maxConnections or backup (did you mean "maxConnections"?)',
    ],
    [
      yaml({ pool: 'health: { "<<": 1 }' }),
      'pools.app.health["<<"]: unknown key, expected type, path, status, body, send, expect, interval, timeout, rise, fall, port or agent',
    ],
  ])('is an error, with what it may have meant: %s', async (text, message) => {
    expect(await messageOf(text)).toBe(message);
  });

  it('of a tcp listener is compared with what tcp listeners have', async () => {
    const text = (key: string) =>
      `listeners: { a: { protocol: tcp, bind: ":1", pool: app, ${key} } }\npools: { app: { backends: ["h:1"] } }`;
    expect(await messageOf(text('trustProxy: []'))).toBe(
      'listeners.a.trustProxy: unknown key, expected protocol, bind, tls, proxyProtocol, dataplane, allow, deny, guard, timeouts, limits, pool or routes',
    );
    expect(await messageOf(text('timeouts: { halfclose: 1s }'))).toBe(
      'listeners.a.timeouts.halfclose: unknown key, expected opening, idle or halfClose (did you mean "halfClose"?)',
    );
  });

  it('is reported for each of several', async () => {
    expect((await messageOf(yaml({ top: 'a: 1\nb: 2' }))).split('\n')).toEqual([
      `a: unknown key, expected ${top}`,
      `b: unknown key, expected ${top}`,
    ]);
  });

  it('is refused where its name would set the prototype', async () => {
    expect(await messageOf(yaml({ top: '__proto__: { workers: 1 }' }))).toBe('__proto__: not a name that can be used');
    expect(await messageOf(yaml({ top: 'constructor: 1' }))).toBe(`constructor: unknown key, expected ${top}`);
  });
});

describe('knownKeys', () => {
  const root = { listeners: { a: { protocol: 'http' }, b: { protocol: 'tcp' }, c: {} } };

  it.each([
    [[], Object.keys(plainSchema().properties ?? {})],
    [['listeners'], []],
    [
      ['listeners', 'a', 'timeouts'],
      ['header', 'idle', 'body'],
    ],
    [
      ['listeners', 'b', 'timeouts'],
      ['opening', 'idle', 'halfClose'],
    ],
    [['listeners', 'c', 'timeouts'], []],
    [
      ['listeners', 'a', 'routes', 3, 'split', 0],
      ['pool', 'weight'],
    ],
    [['listeners', 'a', 'routes', 'x'], []],
    [
      ['pools', 'any', 'backends', 0],
      ['name', 'address', 'weight', 'maxConnections', 'backup'],
    ],
    [['pools', 'any', 'eject', 'max'], []],
    [['nowhere', 'at', 'all'], []],
  ])('at %j', (path, keys) => {
    expect(knownKeys(root, path)).toEqual(keys);
  });
});
