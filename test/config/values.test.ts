import { describe, expect, it } from 'vitest';
import { configOf, messageOf, yaml } from './loading.ts';

const duration = 'a duration such as 250ms, 5s, 2m or 1h';
const size = 'a size such as 512B, 16KiB or 10MiB';
const forms = 'host:port, [ipv6]:port or unix:/path';
const cidr = 'an IP address or range such as 10.0.0.0/8 or 2001:db8::/32';

describe('a value at the top is refused', () => {
  it.each([
    ['workers: 0', 'workers: got 0, expected auto or a whole number from 1 to 256'],
    ['workers: 257', 'workers: got 257, expected auto or a whole number from 1 to 256'],
    ['workers: 1.5', 'workers: got 1.5, expected auto or a whole number from 1 to 256'],
    ['workers: all', 'workers: got "all", expected auto or a whole number from 1 to 256'],
    ['workers: [1]', 'workers: got a list, expected auto or a whole number from 1 to 256'],
    ['watch: yes', 'watch: got "yes", expected true or false'],
    ['watch: 1', 'watch: got 1, expected true or false'],
    ['watch: {}', 'watch: got an object, expected true or false'],
    ['admin: true', 'admin: got true, expected false, or an object'],
    ['admin: []', 'admin: got an empty list, expected false, or an object'],
    ['admin:', 'admin: got nothing, expected false, or an object'],
    ['admin: { bind: [] }', 'admin.bind: got an empty list, expected at least one'],
    ['admin: { bind: {} }', `admin.bind: got an object, expected :port, ${forms}, or a list`],
    ['admin: { bind: [9900] }', `admin.bind[0]: got 9900, expected :port, ${forms} (did you mean ":9900"?)`],
    ['admin: { bind: "localhost" }', `admin.bind: got "localhost" (the port is missing), expected :port, ${forms}`],
    [
      'admin: { token: 12345 }',
      'admin.token: got ***, expected a token of ASCII characters without spaces (put it in quotes)',
    ],
    ['admin: { token: "my secret" }', 'admin.token: got ***, expected a token of ASCII characters without spaces'],
    ['admin: { token: "gehäuse" }', 'admin.token: got ***, expected a token of ASCII characters without spaces'],
    [
      'log: { level: warning }',
      'log.level: got "warning", expected trace, debug, info, warn, error or silent (did you mean "warn"?)',
    ],
    ['log: { level: loud }', 'log.level: got "loud", expected trace, debug, info, warn, error or silent'],
    ['log: { access: maybe }', 'log.access: got "maybe", expected true or false, or an object'],
    ['log: { access: { sample: 0 } }', 'log.access.sample: got 0, expected a number above 0 and at most 1'],
    ['log: { access: { sample: 1.01 } }', 'log.access.sample: got 1.01, expected a number above 0 and at most 1'],
    ['log: { access: { sample: 1% } }', 'log.access.sample: got "1%", expected a number above 0 and at most 1'],
    ['log: { access: { format: xml } }', 'log.access.format: got "xml", expected json or combined'],
    ['log: info', 'log: got "info", expected an object'],
    ['log:', 'log: got nothing, expected an object'],
    ['log: []', 'log: got an empty list, expected an object'],
    ['shutdown: { grace: abc }', `shutdown.grace: got "abc", expected ${duration}`],
    ['shutdown: { grace: 30 }', `shutdown.grace: got 30 (the unit is missing), expected ${duration}`],
    ['shutdown: { grace: -5s }', `shutdown.grace: got "-5s", expected ${duration}`],
    ['shutdown: { grace: true }', `shutdown.grace: got true, expected ${duration}`],
    [
      'shutdown: { grace: 2147483648ms }',
      `shutdown.grace: got "2147483648ms" (it must be at most 2147483647ms), expected ${duration}`,
    ],
    ['limits: { connections: -1 }', 'limits.connections: got -1, expected a whole number from 0 to 10000000'],
    [
      'limits: { connections: 10000001 }',
      'limits.connections: got 10000001, expected a whole number from 0 to 10000000',
    ],
    ['limits: { connections: 1.5 }', 'limits.connections: got 1.5, expected a whole number from 0 to 10000000'],
    ['limits: { connections: many }', 'limits.connections: got "many", expected a whole number from 0 to 10000000'],
    ['limits: { connections: .inf }', 'limits.connections: got Infinity, expected a whole number from 0 to 10000000'],
    ['limits: { connections: true }', 'limits.connections: got true, expected a whole number from 0 to 10000000'],
    ['$schema: 5', '$schema: got 5, expected the URL of a JSON Schema (put it in quotes)'],
  ])('%s', async (top, message) => {
    expect(await messageOf(yaml({ top }))).toBe(message);
  });
});

describe('a value of a listener is refused', () => {
  it.each([
    ['timeouts: { header: 0 }', `timeouts.header: got 0 (it must be above 0), expected ${duration}`],
    ['timeouts: { idle: 0s }', `timeouts.idle: got "0s" (it must be above 0), expected ${duration}`],
    ['limits: { headerBytes: 1023 }', `limits.headerBytes: got 1023 (it must be at least 1KiB), expected ${size}`],
    [
      'limits: { headerBytes: 1025KiB }',
      `limits.headerBytes: got "1025KiB" (it must be at most 1MiB), expected ${size}`,
    ],
    ['limits: { headerBytes: 16KB }', `limits.headerBytes: got "16KB", expected ${size} (did you mean "16KiB"?)`],
    ['limits: { headerBytes: 16k }', `limits.headerBytes: got "16k", expected ${size} (did you mean "16KiB"?)`],
    ['limits: { bodyBytes: 10 mb }', `limits.bodyBytes: got "10 mb", expected ${size} (did you mean "10MiB"?)`],
    ['limits: { bodyBytes: 1Gib }', `limits.bodyBytes: got "1Gib", expected ${size} (did you mean "1GiB"?)`],
    ['limits: { bodyBytes: lots }', `limits.bodyBytes: got "lots", expected ${size}`],
    ['limits: { bodyBytes: -1 }', `limits.bodyBytes: got -1, expected ${size}`],
    ['limits: { bodyBytes: true }', `limits.bodyBytes: got true, expected ${size}`],
    ['trustProxies: 10.0.0.0/8', 'trustProxies: got "10.0.0.0/8", expected a list'],
    [
      'trustProxies: [localhost]',
      `trustProxies[0]: got "localhost" ("localhost" is not an IP address), expected ${cidr}`,
    ],
    [
      'trustProxies: [10.0.0.0/8, 10.0.0.0/40]',
      `trustProxies[1]: got "10.0.0.0/40" ("40" is not a prefix length from 0 to 32), expected ${cidr}`,
    ],
    ['trustProxies: [10]', `trustProxies[0]: got 10, expected ${cidr} (put it in quotes)`],
  ])('%s', async (listener, message) => {
    expect(await messageOf(yaml({ listener }))).toBe(`listeners.web.${message}`);
  });
});

describe('a value of a pool is refused', () => {
  const algorithms = 'round-robin, least-connections, random, p2c, peak-ewma, prequal, hash or maglev';
  const codes = 'status codes such as 200, 200-399 or 200,204,300-399';
  it.each([
    [
      'balance: roundrobin',
      `balance: got "roundrobin", expected ${algorithms}, or an object (did you mean "round-robin"?)`,
    ],
    [
      'balance: least_conn',
      `balance: got "least_conn", expected ${algorithms}, or an object (did you mean "least-connections"?)`,
    ],
    ['balance: { algorithm: hsah }', `balance.algorithm: got "hsah", expected ${algorithms} (did you mean "hash"?)`],
    ['balance: {}', `balance.algorithm: missing, expected ${algorithms}`],
    ['balance: [p2c]', `balance: got a list, expected ${algorithms}, or an object`],
    [
      'balance: { algorithm: maglev, loadFactor: 0.9 }',
      'balance.loadFactor: got 0.9, expected a number from 1 to 10 such as 1.25, or 0',
    ],
    [
      'balance: { algorithm: hash, key: cookie }',
      'balance.key: got "cookie", expected source, uri, header:NAME or cookie:NAME',
    ],
    [
      'balance: { algorithm: hash, key: "header:" }',
      'balance.key: got "header:", expected source, uri, header:NAME or cookie:NAME',
    ],
    [
      'balance: { algorithm: hash, key: "header:x y" }',
      'balance.key: got "header:x y", expected source, uri, header:NAME or cookie:NAME',
    ],
    [
      'health: { type: https }',
      'health.type: got "https", expected tcp, http, grpc, udp or off (did you mean "http"?)',
    ],
    ['health: off', 'health: got "off", expected an object'],
    ['health: { type: http, path: healthz }', 'health.path: got "healthz", expected a path such as /healthz'],
    ['health: { type: http, path: "/a b" }', 'health.path: got "/a b", expected a path such as /healthz'],
    [
      'health: { type: http, path: "/a\\r\\nX: y" }',
      'health.path: got "/a\\r\\nX: y", expected a path such as /healthz',
    ],
    ['health: { type: http, status: 600 }', `health.status: got 600, expected ${codes}`],
    ['health: { type: http, status: 2xx }', `health.status: got "2xx", expected ${codes}`],
    [
      'health: { type: http, status: 399-200 }',
      `health.status: got "399-200" (399-200 runs backwards), expected ${codes}`,
    ],
    ['health: { type: http, status: "200,," }', `health.status: got "200,,", expected ${codes}`],
    ['health: { type: http, status: [200] }', `health.status: got a list, expected ${codes}`],
    [
      'health: { type: http, body: "~(" }',
      'health.body: got "~(" (the regular expression is invalid: Unterminated group), expected text that the body contains, or ~regular-expression',
    ],
    ['health: { interval: 0s }', `health.interval: got "0s" (it must be above 0), expected ${duration}`],
    ['health: { rise: 0 }', 'health.rise: got 0, expected a whole number from 1 to 100'],
    ['health: { fall: 101 }', 'health.fall: got 101, expected a whole number from 1 to 100'],
    ['health: { port: 65536 }', 'health.port: got 65536, expected a whole number from 0 to 65535'],
    ['eject: { failures: -1 }', 'eject.failures: got -1, expected a whole number from 0 to 1000000'],
    ['eject: { max: 50 }', 'eject.max: got 50, expected a percentage from 0% to 100%'],
    ['eject: { max: 101% }', 'eject.max: got "101%", expected a percentage from 0% to 100%'],
    ['eject: { for: 0 }', `eject.for: got 0 (it must be above 0), expected ${duration}`],
    ['connect: { timeout: 0s }', `connect.timeout: got "0s" (it must be above 0), expected ${duration}`],
    ['connect: { local: eth0 }', 'connect.local: got "eth0", expected an IP address of this machine'],
    ['keepAlive: { max: 65537 }', 'keepAlive.max: got 65537, expected a whole number from 0 to 65536'],
    ['keepAlive: true', 'keepAlive: got true, expected an object'],
  ])('%s', async (pool, message) => {
    expect(await messageOf(yaml({ pool }))).toBe(`pools.app.${message}`);
  });

  it.each([
    ['localhost', `got "localhost" (the port is missing), expected ${forms}, or an object`],
    ['":3000"', `got ":3000" (a backend needs a host and a port above 0), expected ${forms}, or an object`],
    ['"h:0"', `got "h:0" (a backend needs a host and a port above 0), expected ${forms}, or an object`],
    ['3000', `got 3000, expected ${forms}, or an object (did you mean "127.0.0.1:3000"?)`],
    [
      'http://h:80',
      `got "http://h:80" (an address has no scheme: leave out everything up to "//"), expected ${forms}, or an object`,
    ],
    ['[h:1]', `got a list, expected ${forms}, or an object`],
    ['null', `got nothing, expected ${forms}, or an object`],
  ])('backend %s', async (backend, message) => {
    expect(await messageOf(yaml({ backend }))).toBe(`pools.app.backends[1]: ${message}`);
  });

  it.each([
    ['{}', `address: missing, expected ${forms}`],
    ['{ address: ":1" }', `address: got ":1" (a backend needs a host and a port above 0), expected ${forms}`],
    ['{ address: "h:1", weight: -1 }', 'weight: got -1, expected a whole number from 0 to 65535'],
    ['{ address: "h:1", weight: 65536 }', 'weight: got 65536, expected a whole number from 0 to 65535'],
    ['{ address: "h:1", weight: 1.5 }', 'weight: got 1.5, expected a whole number from 0 to 65535'],
    [
      '{ address: "h:1", maxConnections: none }',
      'maxConnections: got "none", expected a whole number from 0 to 10000000',
    ],
    [
      '{ address: "h:1", name: "a/b" }',
      'name: got "a/b", expected a name of 1 to 64 letters, digits, "_", "." or "-", the first a letter or digit',
    ],
    [
      '{ address: "h:1", name: 1 }',
      'name: got 1, expected a name of 1 to 64 letters, digits, "_", "." or "-", the first a letter or digit (put it in quotes)',
    ],
  ])('backend %s', async (backend, message) => {
    expect(await messageOf(yaml({ backend }))).toBe(`pools.app.backends[1].${message}`);
  });
});

describe('a pool is read', () => {
  it.each([
    ['balance: p2c', { algorithm: 'p2c', key: { kind: 'source' }, loadFactor: 1.25 }],
    ['balance: { algorithm: random }', { algorithm: 'random', key: { kind: 'source' }, loadFactor: 1.25 }],
    ['balance: { algorithm: hash, key: uri }', { algorithm: 'hash', key: { kind: 'uri' }, loadFactor: 1.25 }],
    [
      'balance: { algorithm: hash, key: "header:X-User" }',
      { algorithm: 'hash', key: { kind: 'header', name: 'x-user' }, loadFactor: 1.25 },
    ],
    [
      'balance: { algorithm: hash, key: "cookie:SID" }',
      { algorithm: 'hash', key: { kind: 'cookie', name: 'SID' }, loadFactor: 1.25 },
    ],
    ['balance: { algorithm: maglev, loadFactor: 2 }', { algorithm: 'maglev', key: { kind: 'source' }, loadFactor: 2 }],
    ['balance: { algorithm: maglev, loadFactor: 0 }', { algorithm: 'maglev', key: { kind: 'source' }, loadFactor: 0 }],
  ])('%s', async (pool, balance) => {
    expect((await configOf(yaml({ pool }))).pools['app']!.balance).toEqual(balance);
  });

  it.each([
    ['200', [[200, 200]]],
    ['"200"', [[200, 200]]],
    ['200-204', [[200, 204]]],
    [
      '"200, 204,300-399"',
      [
        [200, 200],
        [204, 204],
        [300, 399],
      ],
    ],
  ])('status: %s', async (status, ranges) => {
    const config = await configOf(yaml({ pool: `health: { type: http, status: ${status} }` }));
    expect(config.pools['app']!.health).toMatchObject({ status: ranges });
  });

  it('names backends by their address, in one spelling, unless they have a name', async () => {
    const text =
      'listeners: { a: { protocol: tcp, bind: ":1", pool: p } }\npools: { p: { backends: ["H:1", { address: "[::1]:2" }, { name: big, address: "unix:/x", weight: 0, maxConnections: 7 }] } }';
    expect((await configOf(text)).pools['p']!.backends).toEqual([
      { id: 'h:1', address: { kind: 'tcp', host: 'h', port: 1 }, weight: 1, maxConnections: 0, backup: false },
      { id: '[::1]:2', address: { kind: 'tcp', host: '::1', port: 2 }, weight: 1, maxConnections: 0, backup: false },
      { id: 'big', address: { kind: 'unix', path: '/x' }, weight: 0, maxConnections: 7, backup: false },
    ]);
  });
});
