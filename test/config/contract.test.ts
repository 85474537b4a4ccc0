import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './loading.ts';

// All that the contract's example says and this version does, with each value that turns off what it does not do yet.
const everything = `
workers: auto
admin: { bind: "127.0.0.1:9900", token: "\${FAIRLEAD_TOKEN:-}" }
log: { level: info, access: false }
shutdown: { grace: 30s }
limits: { connections: 20000 }

listeners:
  web:
    protocol: http
    bind: ":8080"
    tls: false
    proxyProtocol: false
    trustProxies: [10.0.0.0/8]
    timeouts: { header: 10s, idle: 60s, body: 30s }
    limits: { connections: 10000, headerBytes: 16KiB, bodyBytes: 0, connectionsPerIp: 0, connectionRatePerIp: 0 }
    allow: []
    deny: []
    routes:
      - name: canary
        match:
          host: api.example.com
          path: /v1/*
          method: [GET, HEAD]
          header: { x-tier: gold, x-beta: true, user-agent: "~Mobile" }
          cookie: { group: beta }
          query: { preview: "1" }
          body: { json: tenant.id, is: acme }
          source: [10.0.0.0/8]
        split: [ { pool: postgres, weight: 10 }, { pool: web, weight: 90 } ]
        rewrite: { stripPrefix: /v1 }
        headers: { request: { set: {}, add: {}, remove: [] }, response: { set: {}, add: {}, remove: [] } }
        timeout: 30s
        retry: { attempts: 2, on: [connect, reset], budget: 20% }
      - match: { path: /old/* }
        redirect: { to: "/new/", status: 308 }
      - match: { path: /ping }
        respond: { status: 200, body: "pong\\n" }
      - pool: web
  db:
    protocol: tcp
    bind: ":5433"
    dataplane: userspace
    timeouts: { idle: 1h, halfClose: 30s }
    pool: postgres

pools:
  postgres: { backends: [10.0.0.1:5432] }
  web:
    balance: round-robin
    backends:
      - 127.0.0.1:3001
      - { name: big, address: "127.0.0.1:3002", weight: 2, maxConnections: 200, backup: false }
    health: { type: http, path: /healthz, status: 200-399, body: ~ok, interval: 2s, timeout: 1s, rise: 2, fall: 3, port: 0 }
    eject: { failures: 5, for: 10s, max: 50% }
    slowStart: 0s
    panic: 0%
    connect: { timeout: 2s, tls: false,
               proxyProtocol: off, http2: false, local: 0.0.0.0 }
    keepAlive: { max: 256, idle: 30s }
    queue: { max: 0, timeout: 1s }
`;

describe('the example of the contract', () => {
  it('is valid, as far as it is done', async () => {
    expect(await problemsOf(everything)).toEqual([]);
    expect(await configOf(everything)).toMatchObject({
      admin: { token: '' },
      listeners: {
        web: {
          trustProxies: ['10.0.0.0/8'],
          routes: [
            {
              name: 'canary',
              match: {
                host: ['api.example.com'],
                path: ['/v1/*'],
                method: ['GET', 'HEAD'],
                header: {
                  'x-tier': { kind: 'exact', values: ['gold'] },
                  'x-beta': { kind: 'present' },
                  'user-agent': { kind: 'regex', source: 'Mobile' },
                },
                cookie: { group: { kind: 'exact', values: ['beta'] } },
                query: { preview: { kind: 'exact', values: ['1'] } },
                source: ['10.0.0.0/8'],
              },
              action: {
                kind: 'pool',
                split: [
                  { pool: 'postgres', weight: 10 },
                  { pool: 'web', weight: 90 },
                ],
              },
            },
            { name: 'route-2', action: { kind: 'redirect', to: '/new/', status: 308 } },
            { name: 'route-3', action: { kind: 'respond', status: 200, body: 'pong\n' } },
            { name: 'route-4', match: {}, action: { kind: 'pool', split: [{ pool: 'web', weight: 1 }] } },
          ],
        },
        db: { protocol: 'tcp', routes: [{ match: {}, pool: 'postgres' }] },
      },
      pools: {
        web: {
          backends: [{ id: '127.0.0.1:3001' }, { id: 'big', weight: 2, maxConnections: 200 }],
          health: { type: 'http', path: '/healthz', status: [[200, 399]], body: '~ok' },
          connect: { timeout: 2000, local: '' },
        },
      },
    });
  });

  it('says of a default what is done without it', async () => {
    const written = await configOf(everything);
    const { web } = written.pools;
    const short = await configOf(
      everything
        .replace(/^(workers|admin|log|shutdown|limits):.*\n/gm, '')
        .replace(/^ {4}(timeouts|limits|dataplane|balance|eject|slowStart|panic|keepAlive|queue):.*\n/gm, '')
        .replace(/^ {4}connect: .*\n.*\n/m, '')
        .replace(', interval: 2s, timeout: 1s, rise: 2, fall: 3, port: 0', '')
        .replace(', status: 200-399', '')
        .replace(/^ {8}(timeout|retry|headers):.*\n/gm, '')
        .replace(', status: 308', ''),
    );
    expect(short).toEqual(written);
    expect(short.pools['web']).toEqual(web);
  });
});
