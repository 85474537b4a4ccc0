import { describe, expect, it } from 'vitest';
import { capacity } from '../../src/config/check-capacity.ts';
import { messageOf, problemsOf, warningsOf, yaml, yamlWithRoute } from './loading.ts';

const nameRule = '1 to 64 letters, digits, "_", "." or "-", the first a letter or digit';
const app = 'pools: { app: { backends: ["h:1"] } }';
const listening = (listeners: string, rest = app) => `listeners: { ${listeners} }\n${rest}`;
const tcp = (bind: string) => `{ protocol: tcp, bind: ${bind}, pool: app }`;

describe('names', () => {
  it.each(['a', '9a', 'web', 'my.pool-1_x', 'constructor', 'toString', 'a'.repeat(64)])('%s is one', async (name) => {
    const text = `listeners: { ${name}: { protocol: tcp, bind: ":1", pool: ${name} } }\npools: { ${name}: { backends: ["h:1"] } }`;
    expect(await messageOf(text)).toBe('');
    expect(await warningsOf(text)).toEqual([]);
  });

  it.each([
    ['"a b"', '["a b"]'],
    ['-a', '.-a'],
    ['_a', '._a'],
    ['.a', '[".a"]'],
    ['"{}"', '["{}"]'],
    ['ä', '["ä"]'],
    ['""', '[""]'],
    ['a'.repeat(65), `.${'a'.repeat(65)}`],
  ])('%s is none', async (name, key) => {
    expect(await messageOf(listening(`${name}: ${tcp('":1"')}`))).toBe(
      `listeners${key}: not a name; expected ${nameRule}`,
    );
    expect(await messageOf(`${yaml()}\n  ${name}: { backends: ["h:1"] }`)).toBe(
      `pools${key}: not a name; expected ${nameRule}`,
    );
  });
});

describe('listeners', () => {
  it.each([
    ['no section', 'workers: 1', 'listeners: missing, expected an object'],
    ['none', 'listeners: {}', 'listeners: got an empty object, expected at least one listener'],
    ['nothing', 'listeners:', 'listeners: got nothing, expected an object'],
    ['a list', 'listeners: [a]', 'listeners: got a list, expected an object'],
    [
      'no protocol',
      listening('a: { bind: ":1", pool: app }'),
      'listeners.a.protocol: missing, expected http, tcp or udp',
    ],
    [
      'another protocol',
      listening('a: { protocol: https }'),
      'listeners.a.protocol: got "https", expected http, tcp or udp (did you mean "http"?)',
    ],
    [
      'a protocol in capitals',
      listening('a: { protocol: UDP }'),
      'listeners.a.protocol: got "UDP", expected http, tcp or udp (did you mean "udp"?)',
    ],
    [
      'a protocol of another layer',
      listening('a: { protocol: smtp }'),
      'listeners.a.protocol: got "smtp", expected http, tcp or udp',
    ],
    [
      'no bind',
      listening('a: { protocol: tcp, pool: app }'),
      'listeners.a.bind: missing, expected :port, host:port, [ipv6]:port or unix:/path, or a list',
    ],
    [
      'no pool for tcp',
      listening('a: { protocol: tcp, bind: ":1" }'),
      'listeners.a.routes: missing, expected pool or routes',
    ],
    [
      'no pool, no routes',
      listening('a: { protocol: http, bind: ":1" }'),
      'listeners.a.routes: missing, expected pool or routes',
    ],
    [
      'pool and routes',
      listening('a: { protocol: http, bind: ":1", pool: app, routes: [{ pool: app }] }'),
      'listeners.a.pool: there are routes too, expected either pool or routes',
    ],
    [
      'no route',
      listening('a: { protocol: http, bind: ":1", routes: [] }'),
      'listeners.a.routes: got an empty list, expected at least one',
    ],
    [
      'no list',
      listening('a: { protocol: http, bind: ":1", routes: { pool: app } }'),
      'listeners.a.routes: got an object, expected a list',
    ],
    [
      'no pools',
      listening('a: { protocol: tcp, bind: ":1", pool: app }', ''),
      'listeners.a.pool: got "app", which is no pool, but there are no pools',
    ],
  ])('%s', async (_, text, message) => {
    expect(await messageOf(text)).toBe(message);
  });
});

describe('routes', () => {
  it.each([
    ['match: {}', ': nothing to do, expected pool, split, redirect or respond'],
    ['pool: app, respond: {}', '.respond: there is pool too, expected only one of them'],
    ['split: [{ pool: app }], redirect: { to: / }', '.redirect: there is split too, expected only one of them'],
    ['pool: apq', '.pool: got "apq", which is no pool, expected app (did you mean "app"?)'],
    ['pool: web', '.pool: got "web", which is no pool, expected app'],
    [
      'split: [{ pool: app }, { pool: ap }]',
      '.split[1].pool: got "ap", which is no pool, expected app (did you mean "app"?)',
    ],
    ['split: [{ pool: app, weight: 0 }]', '.split: every weight is 0, expected one above 0'],
    [
      'split: [{ pool: app, weight: 0 }, { pool: app, weight: "0" }]',
      '.split: every weight is 0, expected one above 0',
    ],
    ['split: [{ pool: app, weight: 0 }, { pool: app }]', undefined],
    ['respond: { status: 204, body: x }', '.respond.body: a 204 has no body (RFC 9110 §15), expected none'],
    ['respond: { status: 205, body: x }', '.respond.body: a 205 has no body (RFC 9110 §15), expected none'],
    ['respond: { status: 304, body: x }', '.respond.body: a 304 has no body (RFC 9110 §15), expected none'],
    ['respond: { status: 204, body: "" }', undefined],
    ['respond: { status: 204 }', undefined],
    ['respond: { body: x }', undefined],
  ])('%s', async (route, message) => {
    expect(await messageOf(yamlWithRoute(route))).toBe(
      message === undefined ? '' : `listeners.web.routes[0]${message}`,
    );
  });

  it('reports each action after the first', async () => {
    expect(await problemsOf(yamlWithRoute('pool: app, redirect: { to: / }, respond: {}'))).toEqual([
      '6:22: listeners.web.routes[0].redirect: there is pool too, expected only one of them',
      '6:43: listeners.web.routes[0].respond: there is pool too, expected only one of them',
    ]);
  });

  it('have names of their own within a listener', async () => {
    const routes = (names: string[]) => names.map((name) => `{ ${name}pool: app }`).join(', ');
    const text = (names: string[]) => listening(`a: { protocol: http, bind: ":1", routes: [${routes(names)}] }`);
    expect(await messageOf(text(['name: x, ', 'name: y, ', 'name: x, ']))).toBe(
      'listeners.a.routes[2].name: "x" is the name of listeners.a.routes[0] too, expected another',
    );
    expect(await messageOf(text(['name: route-2, ', '']))).toBe(
      'listeners.a.routes[1].name: "route-2" is the name of listeners.a.routes[0] too, expected another',
    );
    expect(await messageOf(text(['', 'name: route-1, ']))).toContain('routes[1].name: "route-1" is the name of');
    expect(await messageOf(text(['', '', 'name: route-3, ']))).toBe('');
    const both = `a: { protocol: http, bind: ":1", routes: [{ name: x, pool: app }] }, b: { protocol: http, bind: ":2", routes: [{ name: x, pool: app }] }`;
    expect(await messageOf(listening(both))).toBe('');
  });

  it('name at most eight pools that there are', async () => {
    const pools = (count: number) =>
      `pools: { ${Array.from({ length: count }, (_, i) => `p${i}: { backends: ["h:1"] }`).join(', ')} }`;
    const of = async (count: number) =>
      (await problemsOf(listening('a: { protocol: tcp, bind: ":1", pool: xyz }', pools(count))))[0];
    expect(await of(8)).toContain('which is no pool, expected p0, p1, p2, p3, p4, p5, p6 or p7');
    expect(await of(9)).toContain('which is no pool, expected one of the 9 pools there are');
  });
});

describe('pools', () => {
  it.each([
    ['{}', 'backends: missing, expected a list'],
    ['{ backends: [] }', 'backends: got an empty list, expected at least one'],
    ['{ backends: "h:1" }', 'backends: got "h:1", expected a list'],
    [
      '{ backends: ["h:1", "h:2", "h:1"] }',
      'backends[2]: "h:1" is pools.app.backends[0] too, expected each backend once',
    ],
    ['{ backends: ["h:1", "H:1"] }', 'backends[1]: "h:1" is pools.app.backends[0] too, expected each backend once'],
    [
      '{ backends: ["h:1", { address: "h:1" }] }',
      'backends[1]: "h:1" is pools.app.backends[0] too, expected each backend once',
    ],
    [
      '{ backends: ["[::1]:1", "[::1]:1"] }',
      'backends[1]: "[::1]:1" is pools.app.backends[0] too, expected each backend once',
    ],
    [
      '{ backends: [{ name: a, address: "h:1" }, { name: a, address: "h:2" }] }',
      'backends[1]: "a" is pools.app.backends[0] too, expected each backend once',
    ],
    ['{ backends: [{ name: a, address: "h:1" }, "h:1"] }', undefined],
    [
      '{ backends: ["h:1"], health: { type: http, send: a } }',
      'health.send: has no meaning with type http, expected type: udp',
    ],
    [
      '{ backends: ["h:1"], health: { type: udp, expect: a } }',
      'health: says type: udp and not what to send, expected send with a payload',
    ],
    ['{ backends: ["h:1"], health: { type: udp, send: a } }', undefined],
    ['{ backends: ["h:1"], health: { path: /x } }', 'health.path: has no meaning with type tcp, expected type: http'],
    [
      '{ backends: ["h:1"], health: { type: off, status: 200 } }',
      'health.status: has no meaning with type off, expected type: http',
    ],
    [
      '{ backends: ["h:1"], health: { type: tcp, body: x } }',
      'health.body: has no meaning with type tcp, expected type: http',
    ],
    ['{ backends: ["h:1"], health: { type: http, path: /x, status: 200, body: x } }', undefined],
    [
      '{ backends: ["h:1"], balance: { algorithm: p2c, key: uri } }',
      'balance.key: has no meaning with p2c, expected algorithm: hash',
    ],
    [
      '{ backends: ["h:1"], balance: { algorithm: prequal, loadFactor: 2 } }',
      'balance.loadFactor: has no meaning with prequal, expected algorithm: maglev',
    ],
    ['{ backends: ["h:1"], balance: { algorithm: maglev, key: uri, loadFactor: 2 } }', undefined],
    ['{ backends: ["h:1"], balance: { algorithm: hash, key: uri } }', undefined],
  ])('%s', async (pool, message) => {
    const text = listening(`a: ${tcp('":1"')}`, `pools: { app: ${pool} }`);
    expect(await messageOf(text)).toBe(message === undefined ? '' : `pools.app.${message}`);
  });

  it('may have the same backend in two', async () => {
    expect(await messageOf(`${yaml()}\n  b: { backends: ["127.0.0.1:3001"] }`)).toBe('');
  });
});

describe('what is hardly meant', () => {
  it.each([
    ['nothing of the kind', yaml(), []],
    [
      'a pool that nobody uses',
      `${yaml()}\n  idle: { backends: ["h:1"] }`,
      ['5:3: pools.idle: no listener and no route uses this pool'],
    ],
    ['a pool of a route', yamlWithRoute('pool: app'), []],
    ['a pool of a split', yamlWithRoute('split: [{ pool: app }]'), []],
    [
      'a pool without weight',
      listening(`a: ${tcp('":1"')}`, 'pools: { app: { backends: [{ address: "h:1", weight: 0 }] } }'),
      ['2:17: pools.app.backends: every weight is 0, so no backend gets anything'],
    ],
    [
      'a queue before backends without a limit',
      listening(`a: ${tcp('":1"')}`, 'pools: { app: { backends: ["h:1"], queue: { max: 5 } } }'),
      ['2:36: pools.app.queue: no backend has maxConnections, so nobody ever waits'],
    ],
    [
      'a queue before backends with one',
      listening(
        `a: ${tcp('":1"')}`,
        'pools: { app: { backends: [{ address: "h:1", maxConnections: 1 }], queue: { max: 5 } } }',
      ),
      [],
    ],
    [
      'a queue whose limits an agent may set, or none at all',
      listening(
        `a: ${tcp('":1"')}`,
        'pools: { app: { backends: ["h:1"], queue: { max: 5 }, health: { agent: { port: 9 } } } }',
      ),
      [],
    ],
    [
      'a key of HTTP for listeners that see none',
      listening(`a: ${tcp('":1"')}`, 'pools: { app: { backends: ["h:1"], balance: { algorithm: hash, key: uri } } }'),
      ['2:64: pools.app.balance.key: "uri" is of HTTP, and the listeners of this pool hash the address of the client'],
    ],
    [
      'a key that they have',
      listening(
        `a: ${tcp('":1"')}`,
        'pools: { app: { backends: ["h:1"], balance: { algorithm: hash, key: source } } }',
      ),
      [],
    ],
    [
      'a queue for datagrams',
      listening(
        'a: { protocol: udp, bind: ":1", pool: app }',
        'pools: { app: { backends: [{ address: "h:1", maxConnections: 1 }], queue: { max: 5 } } }',
      ),
      ['2:68: pools.app.queue: only udp listeners use this pool, and datagrams never wait'],
    ],
    [
      'a pool with some weight',
      listening(`a: ${tcp('":1"')}`, 'pools: { app: { backends: ["h:2", { address: "h:1", weight: 0 }] } }'),
      [],
    ],
  ])('%s', async (_, text, warnings) => {
    expect(await warningsOf(text)).toEqual(warnings);
  });
});

describe('the token of the admin server', () => {
  it.each([
    ['{ bind: ":9900" }', ':9900'],
    ['{ bind: ":9900", token: "" }', ':9900'],
    ['{ bind: ["127.0.0.1:1", "10.0.0.1:1"] }', '10.0.0.1:1'],
    ['{ bind: ":9900", token: t }', undefined],
    ['{ bind: ["127.0.0.1:1", "[::1]:1", "localhost:2", "unix:/x"] }', undefined],
    ['{ token: "" }', undefined],
    ['{}', undefined],
  ])('%s', async (admin, open) => {
    const message = `admin.token: missing, expected a token because ${open} is not a loopback address`;
    expect(await messageOf(yaml({ top: `admin: ${admin}` }))).toBe(open === undefined ? '' : message);
  });

  it('may come out of the environment, and is missing when it is empty there', async () => {
    const text = yaml({ top: `admin: { bind: ":9900", token: "\${TOKEN:-}" }` });
    expect(await messageOf(text, { TOKEN: 'secret' })).toBe('');
    expect(await messageOf(text, { TOKEN: '' })).toContain('admin.token: missing, expected a token');
  });
});

describe('the size of a config', () => {
  const many = (count: number, item: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i)).join(', ');
  const listeners = (count: number) => listening(many(count, (i) => `l${i}: ${tcp(`":${i + 1}"`)}`));
  const pools = (count: number) =>
    listening(
      `a: ${tcp('":1"')}`,
      `pools: { app: { backends: ["h:1"] }, ${many(count - 1, (i) => `p${i}: { backends: ["h:1"] }`)} }`,
    );
  const backends = (count: number) =>
    listening(
      `a: ${tcp('":1"')}`,
      `pools: { app: { backends: ["h:1"] }, b: { backends: [${many(count - 1, (i) => `"h:${i + 1}"`)}] } }`,
    );
  const splits = (count: number) =>
    listening(
      `a: { protocol: http, bind: ":1", routes: [{ pool: app }, ${many(count, () => '{ split: [{ pool: app }, { pool: app }] }')}] }`,
    );
  const routes = (count: number) =>
    listening(`a: { protocol: http, bind: ":1", routes: [${many(count, () => '{ pool: app }')}] }`);

  it('is half of what the shared table holds, so that an old and a new config fit in it', () => {
    expect(capacity).toEqual({ listeners: 128, pools: 512, backends: 2048, routes: 16_384, splits: 2048 });
  });

  it.each([
    ['listeners', listeners, 'listeners'],
    ['routes', routes, 'listeners'],
    ['splits', splits, 'listeners'],
    ['pools', pools, 'pools'],
    ['backends', backends, 'pools'],
  ] as const)('has a limit on %s', async (what, make, key) => {
    const most = capacity[what];
    expect(await messageOf(make(most))).toBe('');
    expect(await messageOf(make(most + 1))).toBe(`${key}: ${most + 1} ${what} in all, expected at most ${most}`);
  });
});
