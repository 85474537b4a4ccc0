import { beforeAll, describe, expect, it } from 'vitest';
import { type ExplainRequest, explanationSchema } from '../../../src/admin/explain-schema.ts';
import type { Config } from '../../../src/config/schema.ts';
import { explainRequest } from '../../../src/runtime/explain/explain.ts';
import { configOf } from '../../config/loading.ts';

const text = `
listeners:
  inner: { protocol: http, bind: "127.0.0.1:8080", pool: web }
  web:
    protocol: http
    bind: ":8080"
    trustProxies: [10.0.0.0/8]
    deny: [192.0.2.9]
    limits: { bodyBytes: 16B }
    routes:
      - name: gold
        match: { host: api.test, header: { x-tier: gold }, source: 198.51.100.0/24 }
        pool: web
      - name: orders
        match: { path: /orders, body: { json: tenant, is: acme } }
        split: [ { pool: web, weight: 3 }, { pool: hashed } ]
        rewrite: { path: /new, host: backend }
        headers: { request: { set: { X-A: a }, add: { X-B: [b, c] }, remove: [X-C] }, response: { remove: [Server] } }
        sticky: { cookie: sid, ttl: 1h }
        rateLimit: { rate: 100/s, burst: 50, by: header:x-key }
        mirror: { pool: hashed, percent: 5 }
        fault: { delay: 200ms, status: 503, percent: 1 }
        retry: { attempts: 3, on: [connect, "503"], perTry: 2s }
      - { name: old, match: { path: '~^/old/(.*)$' }, redirect: { to: "/new/$1" } }
      - { name: user, match: { path: '~^/u-(.*)$' }, pool: web, rewrite: { path: "/files/$1" } }
      - { name: ping, match: { path: /ping }, respond: { body: pong } }
      - { name: uri, match: { path: /h/* }, pool: hashed, sticky: { query: room } }
  secure:
    protocol: tcp
    bind: ":8443"
    routes:
      - { match: { sni: "*.eu.test", alpn: h2 }, pool: web }
      - { match: { source: 10.0.0.0/8 }, pool: hashed }
  guarded: { protocol: tcp, bind: ":9001", allow: [10.0.0.0/8], pool: web }
  any: { protocol: udp, bind: "127.0.0.1:0", pool: hashed }
pools:
  web: { backends: [ { name: one, address: "127.0.0.1:3001", weight: 2 }, "127.0.0.1:3002" ], connect: { proxyProtocol: v2 } }
  hashed: { balance: { algorithm: maglev, key: uri }, backends: [ "127.0.0.1:3003" ], health: { type: off } }
`;

let config: Config;
beforeAll(async () => {
  config = await configOf(text);
});

function explain(url: string, more: Partial<ExplainRequest> = {}) {
  const explained = explainRequest(config, { url, ...more });
  if (!explained.ok) throw new Error(explained.problem);
  // What is answered is what the schema says, without anything that it does not know.
  expect(explanationSchema.parse(explained.explanation)).toEqual(explained.explanation);
  return explained.explanation;
}

describe('an explanation of a request', () => {
  it('tells why each earlier route does not take it, and what the one that does would do', () => {
    const order = { body: '{"tenant":"acme"}'.slice(0, 15), headers: { 'X-C': 'c', 'x-key': 'k' } };
    const { steps, ...found } = explain('http://shop.test:8080/orders?x', { ...order, body: '{"tenant": 1}' });
    expect(found).toMatchObject({ outcome: 'no-route', summary: 'No route of listener web matches.', route: null });
    expect(steps.slice(0, 2)).toEqual([
      {
        index: 0,
        name: 'gold',
        outcome: 'failed',
        failures: [
          { condition: 'host', expected: 'api.test', got: 'shop.test' },
          { condition: 'source', expected: '198.51.100.0/24', got: '127.0.0.1' },
          { condition: 'header x-tier', expected: '"gold"', got: 'absent' },
        ],
      },
      {
        index: 1,
        name: 'orders',
        outcome: 'failed',
        failures: [{ condition: 'body json tenant', expected: '"acme"', got: '"1"' }],
      },
    ]);
  });

  it('tells of splits, rewrites, edits and everything else the route does', () => {
    config.listeners['web'] = {
      ...config.listeners['web']!,
      limits: { ...config.listeners['web']!.limits, bodyBytes: 0 },
    } as never;
    const headers = { 'X-C': 'c', 'x-key': 'k', cookie: 'sid=abc' };
    const found = explain('http://shop.test:8080/orders?x', { body: '{"tenant":"acme"}', headers });
    expect(found).toMatchObject({
      outcome: 'matched',
      summary: 'Route orders of listener web leads to pool web (75%), hashed (25%).',
      listener: 'web',
      route: { index: 1, name: 'orders' },
      pool: 'web',
      action: {
        kind: 'pool',
        pools: [
          {
            pool: 'web',
            share: 0.75,
            algorithm: 'round-robin',
            key: null,
            backends: [
              { id: 'one', address: '127.0.0.1:3001', weight: 2, backup: false },
              { id: '127.0.0.1:3002', address: '127.0.0.1:3002', weight: 1, backup: false },
            ],
          },
          { pool: 'hashed', share: 0.25, algorithm: 'maglev', key: '/orders?x' },
        ],
      },
    });
    expect(found.steps.map(({ outcome }) => outcome)).toEqual(['failed', 'matched', ...Array(4).fill('not-reached')]);
    expect(found.changes).toEqual([
      'target: /orders?x → /new?x',
      'host: shop.test:8080 → the address of the backend',
      'request header X-C: removed',
      'request header X-A: set to a',
      'request header X-B: b added',
      'request header X-B: c added',
      'response header Server: removed',
    ]);
    expect(found.settings).toEqual([
      'rateLimit: 100 in 1s, 50 at once, counted by header x-key; past that 429',
      'timeout: 30s for all tries together',
      'retry: up to 3 tries on connect, 503, 2s for each, budget 20%',
      'sticky: its cookie sid is of no backend that is there, and it is given another, ends after 1h of silence',
      'mirror: 5% are copied to pool hashed',
      'fault: 1% wait 200ms and are answered 503 on purpose',
    ]);
    expect(found.backendHead!.split('\n')).toEqual([
      'POST /new?x HTTP/1.1',
      'Host: (the address of the backend)',
      'x-key: k',
      'cookie: sid=abc',
      'Content-Length: 17',
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: shop.test:8080',
      'X-Request-Id: (a new id)',
      'X-A: a',
      'X-B: b',
      'X-B: c',
    ]);
  });

  it('tells of answers that the route gives by itself', () => {
    expect(explain('http://a.test:8080/old/a%20b?q')).toMatchObject({
      summary: 'Route old of listener web answers 308 and sends the client to /new/a%20b.',
      action: { kind: 'redirect', status: 308, location: '/new/a%20b', pools: [] },
      backendHead: null,
    });
    expect(explain('http://a.test:8080/ping')).toMatchObject({
      summary: 'Route ping of listener web answers 200 by itself.',
      action: { kind: 'respond', status: 200, body: 'pong' },
    });
    const keyed = explain('http://a.test:8080/h/x?room=7');
    expect(keyed.settings).toContain(
      'sticky: stays on the backend of its query parameter room, if that is there; a new session begins on 127.0.0.1:3003',
    );
    expect(keyed.backend).toBeNull();
    expect(explain('http://a.test:8080/h/x')).toMatchObject({
      summary: 'Route uri of listener web leads to backend 127.0.0.1:3003 of pool hashed.',
      backend: '127.0.0.1:3003',
    });
    expect(explain('http://a.test:8080/h/x').settings).toContain(
      'sticky: has no query parameter room, and goes where the pool picks',
    );
  });

  it('believes what trusted proxies say of the client, and only them', () => {
    const headers = { 'X-Forwarded-For': '198.51.100.7', 'x-tier': 'gold' };
    expect(explain('http://api.test:8080/', { headers }).outcome).toBe('no-route');
    const found = explain('http://api.test:8080/', { headers, source: '10.0.0.1' });
    expect(found).toMatchObject({ source: '198.51.100.7', route: { name: 'gold' } });
    expect(found.backendHead).toContain('X-Forwarded-For: 198.51.100.7, 10.0.0.1\n');
  });
});

describe('a request that is refused', () => {
  const refusal = (url: string, more: Partial<ExplainRequest> = {}) => explain(url, more).refusal;

  it('is told so with the code and the words of the real answer', async () => {
    config = await configOf(text);
    expect(refusal('http://a.test:8080/', { source: '192.0.2.9' })).toEqual({
      code: 'forbidden',
      status: 403,
      message: '192.0.2.9 is in 192.0.2.9, which `deny` of the listener keeps out',
    });
    expect(refusal('http://a.test:8080/', { source: '10.0.0.1', headers: { 'X-Forwarded-For': '192.0.2.9' } })).toEqual(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(refusal('http://a.test:8080/', { headers: { Host: ['a', 'b'] } })).toEqual({
      code: 'bad-request',
      status: 400,
      message: 'more than one Host',
    });
    expect(refusal('http://a.test:8080/', { method: 'CONNECT' })).toMatchObject({
      code: 'not-implemented',
      status: 501,
    });
    expect(refusal('http://a.test:8080/', { headers: { x: 'x'.repeat(20_000) } })).toMatchObject({ status: 431 });
    expect(refusal('http://a.test:8080/', { body: 'x'.repeat(17) })).toMatchObject({
      code: 'body-too-large',
      status: 413,
    });
    expect(refusal('http://a.test:8080/u-../x')).toMatchObject({ code: 'bad-request' });
    expect(refusal('http://a.test:8080/x/..%2fping')).toMatchObject({
      code: 'no-route',
      message: expect.stringContaining('it cannot be told safely: '),
    });
    expect(explain('http://a.test:8080/u-../x').summary).toMatch(/^Listener web answers 400 bad-request: /);
  });
});

describe('the listener', () => {
  it('is the one bound to the port, and to the very address where several are', () => {
    expect(explain('http://127.0.0.1:8080/')).toMatchObject({ listener: 'inner', notes: [] });
    const { listeners } = explain('http://[::1]:8080/ping');
    expect(listeners.map(({ name, taken, reason }) => [name, taken, reason])).toEqual([
      ['inner', false, 'web is nearer'],
      ['web', true, 'takes it'],
      ['secure', false, 'is not bound to port 8080'],
      ['guarded', false, 'is not bound to port 8080'],
      ['any', false, 'speaks udp, not http'],
    ]);
  });

  it('of a URL without a port is the first that takes it', () => {
    const found = explain('/ping');
    expect(found).toMatchObject({ listener: 'inner', route: { name: 'route-1' } });
    expect(found.notes).toEqual([
      'the URL has no port, and no listener is bound to 80: shown is the first that takes it',
    ]);
    expect(found.backendHead).toContain('Host: 127.0.0.1:8080\n');
    expect(explain('https://a.test/ping').notes.at(-1)).toBe(
      'listener inner does not speak TLS: something in front of it would have to',
    );
  });

  it('can be named', () => {
    expect(explain('/ping', { listener: 'web' })).toMatchObject({ listener: 'web', route: { name: 'ping' } });
  });

  it('may be one for TCP, or none', () => {
    expect(explain('https://db.eu.test:8443/', { alpn: ['h2'] })).toMatchObject({ listener: 'secure', pool: 'web' });
    expect(explain('http://a.test:81/')).toMatchObject({
      outcome: 'no-listener',
      summary: 'No listener is bound to port 81.',
      listener: null,
    });
  });
});

describe('an explanation of a connection', () => {
  it('goes by SNI, ALPN and source', () => {
    expect(explain('tls://x.eu.test:8443', { alpn: ['h2'] })).toMatchObject({
      summary: 'Route route-1 of listener secure leads to pool web.',
      settings: ['proxyProtocol: the backend is told of 127.0.0.1 in a v2 header'],
    });
    expect(explain('tcp://10.9.9.9:8443', { sni: 'x.eu.test', source: '10.0.0.1' })).toMatchObject({
      route: { index: 1, name: 'route-2' },
      steps: [
        { outcome: 'failed', failures: [{ condition: 'alpn', expected: 'h2', got: 'no protocol' }] },
        { outcome: 'matched' },
      ],
    });
    expect(explain('tcp://x.eu.test:8443').steps.map(({ failures }) => failures)).toEqual([
      [
        { condition: 'sni', expected: '*.eu.test', got: 'no TLS' },
        { condition: 'alpn', expected: 'h2', got: 'no TLS' },
      ],
      [{ condition: 'source', expected: '10.0.0.0/8', got: '127.0.0.1' }],
    ]);
    expect(explain('tcp://x.test:9001')).toMatchObject({
      outcome: 'refused',
      refusal: { code: 'forbidden', status: null },
      summary: expect.stringContaining('Listener guarded closes the connection: 127.0.0.1 is in none of 10.0.0.0/8'),
    });
  });

  it('over UDP leads to the pool of the listener', () => {
    expect(explain('udp://127.0.0.1:53', { source: '10.1.1.1' })).toMatchObject({
      listener: 'any',
      pool: 'hashed',
      notes: ['no listener names port 53; this one takes any port that is free'],
      action: { pools: [{ key: '10.1.1.1' }] },
    });
  });
});

describe('what cannot be asked about', () => {
  it.each([
    [{ url: 'ftp://a' }, 'the URL cannot be read: the scheme ftp is none of http, https, ws, wss, tcp, tls, udp'],
    [{ url: '/', source: 'me' }, '"me" is not an IP address'],
    [{ url: '/', method: 'G ET' }, '"G ET" is not a method'],
    [{ url: '/', headers: { a: 'b\r\nc: d' } }, 'header "a" has a line break'],
    [{ url: '/', listener: 'wbe' }, "there is no listener 'wbe'; did you mean 'web'?"],
  ])('%j', (request, problem) => {
    expect(explainRequest(config, request)).toEqual({ ok: false, problem });
  });
});
