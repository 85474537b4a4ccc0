import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PoolStatus } from '../../src/admin/schema.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { algorithms } from '../../src/config/schema-pool.ts';
import { listenToEvents, ofKind } from '../support/event-client.ts';
import { fieldOf } from '../support/http-text.ts';
import { deadAddress } from '../support/kept-ports.ts';
import { type NamedBackend, runLoad, startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { askApi, backendOf, poolOf } from '../support/operator.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { type Peer, startPeer } from '../support/tcp-peer.ts';
import { openUdp, type UdpEnd } from '../support/udp-peer.ts';

const names = ['a', 'b', 'c'];
let started: NamedBackend[];
let backends: { name: string; address: string; weight?: number }[];

beforeAll(async () => {
  started = await Promise.all(names.map((name) => startNamed(name)));
  backends = started.map(({ address }, index) => ({ name: names[index]!, address }));
});
afterAll(async () => {
  await Promise.all(started.map((backend) => backend.close()));
});

const off = { health: { type: 'off' } } as const;

function configFor(listener: object, pool: object, over: Partial<ConfigInput> = {}): ConfigInput {
  return {
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: { web: { bind: '127.0.0.1:0', pool: 'web', ...listener } as ConfigInput['listeners'][string] },
    pools: { web: { backends, ...off, ...pool } },
    ...over,
  };
}

/** The bodies of so many answers, on connections of their own, and so from all workers. */
async function ask(lb: RunningFairlead, count: number, path = '/', fields: (turn: number) => string[] = () => []) {
  return Promise.all(
    Array.from({ length: count }, async (_, turn) => {
      const client = await connectTo(lb.address());
      const answer = await client.send(get(path, ...fields(turn))).answer();
      client.close();
      return answer;
    }),
  );
}

const bodiesOf = (answers: readonly { body: string }[]): string =>
  [...new Set(answers.map(({ body }) => body))].toSorted().join('');

describe('an operator', () => {
  let lb: RunningFairlead;
  let tcp: Peer[];
  let udp: UdpEnd[];

  beforeAll(async () => {
    tcp = await Promise.all(['stays', 'leaves'].map((hello) => startPeer((socket) => socket.write(hello))));
    udp = await Promise.all(names.map((name) => openUdp((datagram) => [`${name}${datagram}`])));
    const byAlgorithm = algorithms.map((name) => {
      const keyed = name === 'hash' || name === 'maglev';
      return [name, { backends, ...off, balance: keyed ? { algorithm: name, key: 'header:x-key' } : name }];
    });
    const routes = [
      ...algorithms.map((name) => ({ match: { path: `/${name}` }, pool: name })),
      { pool: 'web', sticky: { cookie: 'fl' } },
    ];
    lb = await runFairlead({
      workers: 2,
      admin: { bind: '127.0.0.1:0' },
      listeners: {
        web: { protocol: 'http', bind: '127.0.0.1:0', routes },
        tcp: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'tcp' },
        udp: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'udp' },
      },
      pools: {
        ...Object.fromEntries(byAlgorithm),
        web: { backends, ...off },
        tcp: { backends: tcp.map(({ address }, index) => ({ name: ['stays', 'leaves'][index]!, address })), ...off },
        udp: { backends: udp.map(({ address }, index) => ({ name: names[index]!, address })) },
      },
    });
  });
  afterAll(closeOpened);

  it('weighs backends anew at once, under every algorithm and in every worker', async () => {
    for (const name of algorithms) {
      // Those that look at the latency may shun one that the machine has held up.
      const measures = name === 'peak-ewma' || name === 'prequal';
      const rest = measures ? /^[ac]+$/ : /^ac$/;
      const seen = async () => bodiesOf(await ask(lb, 24, `/${name}`, (turn) => [`x-key: ${turn}`]));
      if (!measures) expect([name, await seen()]).toEqual([name, 'abc']);
      await askApi(lb, `PATCH /api/pools/${name}/backends/b`, { weight: 0 });
      expect([name, await seen()]).toMatchObject([name, expect.stringMatching(rest)]);
      await askApi(lb, `PATCH /api/pools/${name}/backends/b`, { weight: 9 });
      // What it was held up fades, and then it is tried again.
      await eventually(async () => (await seen()).includes('b'), `a request of ${name} for b`);
      await askApi(lb, `PATCH /api/pools/${name}/backends/b`, { state: 'disabled' });
      expect([name, await seen()]).toMatchObject([name, expect.stringMatching(rest)]);
    }
  });

  it('drains a backend of its sessions, or takes it from them', async () => {
    const first = (await ask(lb, 12)).find(({ body }) => body === 'b')!;
    const cookie = `Cookie: ${fieldOf(first, 'set-cookie')!.split(';')[0]}`;
    const session = async () => bodiesOf(await ask(lb, 6, '/', () => [cookie]));
    const drained = await askApi(lb, 'PATCH /api/pools/web/backends/b', { state: 'draining' });
    expect(drained).toMatchObject({ status: 200, body: { id: 'b', state: 'draining', weight: 1 } });
    expect([bodiesOf(await ask(lb, 12)), await session()]).toEqual(['ac', 'b']);
    await askApi(lb, 'PATCH /api/pools/web/backends/b', { state: 'disabled' });
    expect(await session()).toMatch(/^[ac]+$/);
    await askApi(lb, 'PATCH /api/pools/web/backends/b', { state: 'enabled' });
    expect(bodiesOf(await ask(lb, 12))).toBe('abc');
  });

  it('sees a tcp backend empty before it is removed, and can keep it after all', async () => {
    const { heard } = listenToEvents(lb.adminAddresses[0]!);
    const clients = await Promise.all(Array.from({ length: 4 }, () => connectTo(lb.address('tcp'))));
    await Promise.all(clients.map((client) => client.until(() => client.text !== '', 'greeting')));
    const on = clients.filter(({ text }) => text === 'leaves');
    expect(await askApi(lb, 'DELETE /api/pools/tcp/backends/leaves')).toMatchObject({
      status: 202,
      body: { id: 'leaves', removed: false, active: 2 },
    });
    expect(await poolOf(lb, 'tcp')).toMatchObject({
      leaving: ['leaves'],
      backends: [{}, { state: 'draining', active: 2 }],
    });
    await askApi(lb, 'PATCH /api/pools/tcp/backends/leaves', { state: 'enabled' });
    expect(await poolOf(lb, 'tcp')).toMatchObject({ leaving: [], changes: [] });
    await askApi(lb, 'DELETE /api/pools/tcp/backends/leaves');
    await eventually(() => ofKind(heard, 'drain').some(({ active }) => active === 2), 'a count of what is left');
    on[0]!.close();
    await eventually(() => ofKind(heard, 'drain').some(({ active }) => active === 1), 'a count of what is left');
    expect(on[1]!.ending).toBeUndefined();
    on[1]!.close();
    await eventually(async () => (await backendOf(lb, 'tcp', 'leaves')) === undefined, 'the removal');
    await eventually(() => ofKind(heard, 'drained').some(({ pool }) => pool === 'tcp'), 'word of it');
    expect(ofKind(heard, 'drained').at(-1)).toMatchObject({ backend: 'leaves', removed: true });
    expect(ofKind(heard, 'change').filter(({ pool }) => pool === 'tcp')).toMatchObject([
      { who: '127.0.0.1', what: 'removed', to: null },
      { what: 'state', from: 'draining', to: 'enabled' },
      { what: 'removed' },
    ]);
  });

  it('takes new udp flows from a backend, and leaves it those it has', async () => {
    const flows = await Promise.all(names.map(() => openUdp()));
    for (const flow of flows) flow.send(lb.address('udp'), '1');
    await Promise.all(flows.map((flow) => flow.until(1)));
    await askApi(lb, 'PATCH /api/pools/udp/backends/b', { state: 'draining' });
    const later = await Promise.all(Array.from({ length: 6 }, () => openUdp()));
    for (const flow of [...flows, ...later]) flow.send(lb.address('udp'), '2');
    await Promise.all(flows.map((flow) => flow.until(2)));
    await Promise.all(later.map((flow) => flow.until(1)));
    expect(flows.map(({ got }) => got.map((text) => text[0]).join('')).toSorted()).toEqual(['aa', 'bb', 'cc']);
    expect(later.map(({ got }) => got[0]![0]).filter((name) => name === 'b')).toEqual([]);
    expect((await backendOf(lb, 'udp', 'b'))?.active).toBe(1);
  });

  it('does not overwrite what it has not seen', async () => {
    const { etag, body } = await askApi<PoolStatus>(lb, 'GET /api/pools/web');
    expect(etag).toBe(`"${body.version}"`);
    const set = (weight: number, tag: string) =>
      askApi(lb, 'PATCH /api/pools/web/backends/a', { weight }, { 'if-match': tag });
    const [first, second] = await Promise.all([set(2, etag!), set(3, etag!)]);
    expect([first.status, second.status]).toEqual([200, 412]);
    expect(second).toMatchObject({ etag: first.etag, body: { error: 'pool-changed' } });
    expect((await backendOf(lb, 'web', 'a'))?.weight).toBe(2);
    expect((await set(4, `"other", ${second.etag}`)).status).toBe(200);
    expect((await set(5, '*')).status).toBe(200);
  });
});

describe('an operator of a pool', () => {
  afterEach(closeOpened);

  it('is told that datagrams go to no Unix socket', async () => {
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: { dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'web' } },
      pools: { web: { backends: ['127.0.0.1:9'] } },
    });
    expect(await askApi(lb, 'POST /api/pools/web/backends', { address: 'unix:/run/dns.sock' })).toMatchObject({
      status: 422,
      body: { message: 'address: got unix:/run/dns.sock, expected a host and port, because listener dns is for UDP' },
    });
  });

  it('adds backends that are probed and limited as the pool is, or is told what is wrong', async () => {
    const [a, b] = backends;
    const health = { health: { interval: '100ms', fall: 1, rise: 1 } } as const;
    const lb = await runFairlead(
      configFor({ protocol: 'http' }, { backends: [{ ...a!, maxConnections: 7 }], ...health }),
    );
    const added = await askApi(lb, 'POST /api/pools/web/backends', { ...b, weight: 2 });
    expect(added).toMatchObject({ status: 201, body: { id: 'b', weight: 2, state: 'enabled', health: 'up' } });
    expect(bodiesOf(await ask(lb, 6))).toBe('ab');
    const dead = await deadAddress();
    const down = await askApi(lb, 'POST /api/pools/web/backends', { address: dead });
    expect(down.body).toMatchObject({ health: 'down', healthReason: 'connection refused' });
    expect(bodiesOf(await ask(lb, 6))).toBe('ab');
    const refused = async (request: string, body?: object) => {
      const { status, body: error } = await askApi<{ error: string; message: string }>(lb, request, body);
      return [status, error.error, error.message];
    };
    expect(await refused('POST /api/pools/web/backends', b)).toEqual([
      409,
      'backend-exists',
      "pool 'web' has a backend 'b'",
    ]);
    expect(await refused('POST /api/pools/wep/backends', b)).toEqual([
      404,
      'no-pool',
      "there is no pool 'wep'; did you mean 'web'?",
    ]);
    expect(await refused('PATCH /api/pools/web/backends/x', { weight: 1 })).toEqual([
      404,
      'unknown-backend',
      "pool 'web' has no backend 'x'",
    ]);
    expect(await refused('PATCH /api/pools/web/backends/b', { weight: 1.5 })).toMatchObject([
      422,
      'invalid',
      /^weight: got 1.5/,
    ]);
    expect(await refused('POST /api/pools/web/backends', { address: 'nowhere' })).toMatchObject([
      422,
      'invalid',
      /port is missing/,
    ]);
    for (const id of ['b', dead]) expect((await askApi(lb, `DELETE /api/pools/web/backends/${id}`)).status).toBe(200);
    expect(await refused('DELETE /api/pools/web/backends/a')).toMatchObject([
      409,
      'last-backend',
      /disable it instead$/,
    ]);
    expect((await poolOf(lb, 'web')).changes).toEqual([]);
  });

  it('finds changes to hold over reloads, or is told which do not', async () => {
    const config = configFor({ protocol: 'http' }, {});
    const lb = await runFairlead(config);
    const { heard } = listenToEvents(lb.adminAddresses[0]!);
    const extra = remember(await startNamed('d'));
    await askApi(lb, 'PATCH /api/pools/web/backends/a', { state: 'draining' });
    await askApi(lb, 'PATCH /api/pools/web/backends/b', { weight: 5 });
    await askApi(lb, 'DELETE /api/pools/web/backends/c');
    await askApi(lb, 'POST /api/pools/web/backends', { name: 'd', address: extra.address });
    const inForce = async () =>
      (await poolOf(lb, 'web')).backends.map(({ id, weight, state }) => `${id} ${weight} ${state}`);
    const before = ['a 1 draining', 'b 5 enabled', 'd 1 enabled'];
    expect(await inForce()).toEqual(before);
    await lb.reloadWith({ ...config, limits: { connections: 999 } });
    expect(await inForce()).toEqual(before);
    expect(bodiesOf(await ask(lb, 24))).toBe('bd');
    await lb.reloadWith({ ...config, workers: 1 }).catch(() => undefined);
    expect(await inForce()).toEqual(before);
    await lb.crashWorker(0);
    await lb.reloadWith(configFor({ protocol: 'http' }, { backends: [backends[0]!, { ...backends[1]!, weight: 2 }] }));
    expect(await inForce()).toEqual(['a 1 draining', 'b 2 enabled', 'd 1 enabled']);
    const replaced = 'pool web: b has weight 2, not 5, since the config has changed it';
    await eventually(() => ofKind(heard, 'reload').length === 3, 'word of three reloads');
    expect(ofKind(heard, 'reload').map((event) => event.replaced)).toEqual([[], [], [replaced]]);
    const { version } = await poolOf(lb, 'web');
    await lb.reloadWith(config);
    const late = await askApi(lb, 'DELETE /api/pools/web/backends/a', undefined, { 'if-match': `"${version}"` });
    expect(late.status).toBe(412);
  });

  it('makes a hundred changes under load that fail no request', async () => {
    const lb = await runFairlead(configFor({ protocol: 'http' }, { backends: backends.slice(0, 2) }));
    const load = { over: false };
    const loaded = runLoad(lb.address(), { connections: 8, until: () => load.over });
    const statuses = new Set<number>();
    const change = async (request: string, body?: object) => statuses.add((await askApi(lb, request, body)).status);
    for (let round = 0; round < 20; round++) {
      await change('POST /api/pools/web/backends', backends[2]!);
      await change('PATCH /api/pools/web/backends/a', { state: round % 2 === 0 ? 'draining' : 'disabled' });
      await change('PATCH /api/pools/web/backends/b', { weight: 1 + (round % 5) });
      await change('PATCH /api/pools/web/backends/a', { state: 'enabled' });
      await change('DELETE /api/pools/web/backends/c');
      await eventually(async () => (await backendOf(lb, 'web', 'c')) === undefined, 'the removal');
    }
    load.over = true;
    const { statuses: answers, errors, bodies } = await loaded;
    expect([...statuses].filter((status) => status >= 400)).toEqual([]);
    expect([[...answers.keys()], [...errors.keys()]]).toEqual([[200], []]);
    expect([...bodies.keys()].toSorted()).toEqual(names);
  });
});
