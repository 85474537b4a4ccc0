import http from 'node:http';
import type net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ListenerStatus, PoolStatus, Readiness, Status } from '../../src/admin/schema.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDeafListener } from '../support/deaf-listener.ts';
import { holdUpNewestWorker } from '../support/hold-up.ts';
import { type NamedBackend, runLoad, startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { askApi } from '../support/operator.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

const started = async (name: string, options = {}): Promise<NamedBackend> => remember(await startNamed(name, options));

function webOver(backends: readonly NamedBackend[], changes: Partial<ConfigInput> = {}): ConfigInput {
  return {
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' } },
    pools: {
      web: {
        backends: backends.map(({ address }) => address),
        health: { type: 'http', path: '/', interval: '200ms', timeout: '5s', rise: 1, fall: 2 },
      },
    },
    ...changes,
  };
}

async function getJson<T>(lb: RunningFairlead, path: string): Promise<T> {
  return (await fetch(`http://${lb.adminAddresses[0]}${path}`)).json() as Promise<T>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('under load', () => {
  it('a backend that dies and returns, reloads and a crashed worker cost nothing but requests on that worker', async () => {
    const backends = [await started('a'), await started('b'), await started('c')];
    const lb = await runFairlead(webOver(backends));
    let over = false;
    const load = runLoad(lb.address(), { connections: 32, until: () => over });
    await pause(300);
    await backends[1]!.close();
    await pause(700);
    await started('b', { port: backends[1]!.port });
    for (let i = 0; i < 10; i++) {
      await lb.reloadWith(webOver(backends, { log: { level: i % 2 === 0 ? 'error' : 'silent' } }));
      await pause(50);
    }
    await pause(500);
    const beforeCrash = await getJson<Status>(lb, '/api/status');
    const onFirst = beforeCrash.workers[0]!.connections;
    await lb.crashWorker(0);
    await pause(500);
    const worker = async () => (await getJson<Status>(lb, '/api/status')).workers[0];
    await expect.poll(worker, { timeout: 5000 }).toMatchObject({ state: 'serving', restarts: 1 });
    over = true;
    const { bodies, statuses, errors } = await load;
    expect([...statuses.keys()]).toEqual([200]);
    const failed = [...errors.values()].reduce((sum, n) => sum + n, 0);
    expect(failed).toBeLessThanOrEqual(onFirst);
    expect([...errors.keys()].filter((code) => code !== 'ECONNRESET')).toEqual([]);
    expect(bodies.get('b')).toBeGreaterThan(0);
    expect((await getJson<Status>(lb, '/api/status')).generation).toBe(11);
    const left = async () => (await getJson<PoolStatus>(lb, '/api/pools/web')).backends;
    const idle = expect.objectContaining({ health: 'up', active: 0 });
    await expect.poll(left, { timeout: 5000 }).toEqual([idle, idle, idle]);
  });
});

describe('a crashed worker', () => {
  it('is replaced, keeps its port and gives back what it held', async () => {
    const peer = await startPeer((socket) => socket.write('hi'));
    const lb = await runFairlead({
      workers: 2,
      admin: { bind: '127.0.0.1:0' },
      listeners: { l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'l4' } },
      pools: { l4: { backends: [peer.address], health: { type: 'off' } } },
    });
    const clients = await Promise.all(Array.from({ length: 12 }, () => connectTo(lb.address('l4'))));
    for (const client of clients) await client.until(() => client.text === 'hi', 'greeting');
    expect((await getJson<PoolStatus>(lb, '/api/pools/l4')).active).toBe(12);
    await lb.crashWorker(1);
    const second = async () => (await getJson<Status>(lb, '/api/status')).workers[1];
    await expect.poll(second).toMatchObject({ state: 'serving', restarts: 1 });
    const gone = clients.filter(({ ending }) => ending !== undefined).length;
    expect(gone).toBeGreaterThan(0);
    expect(gone).toBeLessThan(12);
    expect((await getJson<PoolStatus>(lb, '/api/pools/l4')).active).toBe(12 - gone);
    expect((await getJson<ListenerStatus[]>(lb, '/api/listeners'))[0]!.active).toBe(12 - gone);
    for (let i = 0; i < 8; i++) {
      const client = await connectTo(lb.address('l4'));
      await client.until(() => client.text === 'hi', 'greeting');
    }
  });

  it('is ended and replaced when its event loop stands still', async () => {
    const lb = await runFairlead(webOver([await started('a')], { workers: 1, log: { level: 'error' } }));
    const client = await connectTo(lb.address());
    await holdUpNewestWorker();
    await client.until(() => client.ending !== undefined, 'the end of its connection', 30_000);
    await expect.poll(() => lb.logLines.join(), { timeout: 5000 }).toContain('its event loop has stood still for 10 s');
    const answers = async () => (await fetch(`http://${lb.address()}/`).catch(() => undefined))?.status;
    await expect.poll(answers, { timeout: 10_000 }).toBe(200);
  }, 60_000);

  it('does not hold up a drain', async () => {
    const lb = await runFairlead(webOver([await started('a')], { shutdown: { grace: '20s' } }));
    await lb.crashWorker(1);
    const begun = performance.now();
    expect(await lb.drain()).toBe(true);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

describe('a reload', () => {
  it('changes routes on connections that are open, without closing them', async () => {
    const a = await started('a');
    const b = await started('b');
    const lb = await runFairlead(webOver([a]));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () =>
      new Promise<[string, net.Socket]>((resolve, reject) => {
        http
          .get(`http://${lb.address()}/`, { agent }, (response) => {
            const { socket } = response;
            response.setEncoding('utf8').once('data', (body) => resolve([body, socket]));
          })
          .once('error', reject);
      });
    const [before, first] = await ask();
    await lb.reloadWith(webOver([b]));
    const [after, second] = await ask();
    agent.destroy();
    expect([before, after]).toEqual(['a', 'b']);
    expect(second).toBe(first);
  });

  it('that cannot bind changes nothing', async () => {
    const a = await started('a');
    const b = await started('b');
    const taken = await started('taken');
    const lb = await runFairlead(webOver([a]));
    const bad = webOver([b], {
      listeners: {
        web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
        other: { protocol: 'tcp', bind: taken.address, pool: 'web' },
      },
    });
    await expect(lb.reloadWith(bad)).rejects.toThrow(
      `listener other cannot listen on ${taken.address}: another process`,
    );
    const { bodies } = await runLoad(lb.address(), { connections: 2, requests: 4 });
    expect([...bodies]).toEqual([['a', 4]]);
    expect((await getJson<Status>(lb, '/api/status')).generation).toBe(1);
    expect((await getJson<PoolStatus>(lb, '/api/pools/web')).backends.map(({ address }) => address)).toEqual([
      a.address,
    ]);
    const metrics = await (await fetch(`http://${lb.adminAddresses[0]}/metrics`)).text();
    expect(metrics).toContain('fairlead_config_reloads_total{result="rejected"} 1');
    await lb.reloadWith(webOver([b]));
    expect([...(await runLoad(lb.address(), { connections: 1, requests: 1 })).bodies.keys()]).toEqual(['b']);
  });

  it('lets L4 connections live on while their listener and backend leave, and closes the listener', async () => {
    const peer = await startPeer((socket) => socket.on('data', (data) => socket.write(data)));
    const a = await started('a');
    const both: ConfigInput = {
      ...webOver([a]),
      listeners: {
        web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
        // An address of its own, where no other test is given the port that becomes free.
        l4: { protocol: 'tcp', bind: '127.7.7.7:0', pool: 'l4' },
      },
    };
    both.pools = { ...both.pools, l4: { backends: [peer.address] } };
    const lb = await runFairlead(both);
    const address = lb.address('l4');
    const client = await connectTo(address);
    client.send('one');
    await client.until(() => client.text === 'one', 'echo');
    await lb.reloadWith(webOver([a]));
    client.send('two');
    await client.until(() => client.text === 'onetwo', 'echo after the reload');
    await expect(connectTo(address)).rejects.toThrow('ECONNREFUSED');
  });

  it('adds listeners, keeps ports the system chose, and refuses what needs a restart', async () => {
    const a = await started('a');
    const lb = await runFairlead(webOver([a]));
    const address = lb.address();
    await lb.reloadWith(
      webOver([a], {
        listeners: {
          web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
          second: { protocol: 'http', bind: ['127.0.0.1:0', '[::1]:0'], pool: 'web' },
        },
      }),
    );
    expect(lb.address()).toBe(address);
    expect([...(await runLoad(lb.address('second'), { connections: 1, requests: 2 })).bodies]).toEqual([['a', 2]]);
    await expect(lb.reloadWith(webOver([a], { workers: 3 }))).rejects.toThrow(
      'workers cannot change without a restart',
    );
  });
});

describe('a drain', () => {
  it('answers what is under way, says so to keep-alive clients, and refuses newcomers', async () => {
    const slow = await started('slow', { delayMs: 1200 });
    const lb = await runFairlead(webOver([slow]));
    const client = await connectTo(lb.address());
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const idle = await connectTo(lb.address());
    await pause(300);
    const address = lb.address();
    const drained = lb.drain();
    await pause(200);
    await expect(connectTo(address)).rejects.toThrow('ECONNREFUSED');
    const { text, ending } = await client.ended();
    expect(text).toContain('Connection: close\r\n');
    expect([text.endsWith('slow'), ending]).toEqual([true, 'fin']);
    expect((await idle.ended()).text).toBe('');
    expect(await drained).toBe(true);
  });

  it('cuts what is left when the grace is over', async () => {
    const peer = await startPeer((socket) => socket.resume());
    const lb = await runFairlead({
      listeners: { l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'l4' } },
      pools: { l4: { backends: [peer.address], health: { type: 'off' } } },
      shutdown: { grace: '200ms' },
    });
    const client = await connectTo(lb.address('l4'));
    await peer.until(() => peer.open === 1);
    const start = performance.now();
    expect(await lb.drain()).toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(190);
    expect((await client.ended()).ending).toBe('reset');
    await peer.until(() => peer.open === 0);
    expect(peer.endings).toEqual(['reset']);
  });

  it.each<[string, object]>([
    ['that waits for a place', { queue: { max: 1, timeout: '1m' } }],
    ['whose backend does not answer the dial', { connect: { timeout: '1m' } }],
  ])('resets a client %s when the grace is over', async (_name, pool) => {
    const peer = 'queue' in pool ? await startPeer((socket) => socket.resume()) : await startDeafListener();
    const lb = await runFairlead({
      admin: { bind: '127.0.0.1:0' },
      listeners: { l4: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'l4' } },
      pools: { l4: { backends: [{ address: peer.address, maxConnections: 1 }], health: { type: 'off' }, ...pool } },
      shutdown: { grace: '200ms' },
    });
    const clients = [
      await connectTo(lb.address('l4')),
      ...('queue' in pool ? [await connectTo(lb.address('l4'))] : []),
    ];
    await eventually(
      async () => (await metric(lb, 'connections_active', { listener: 'l4' })) === clients.length,
      'all',
    );
    expect(await lb.drain()).toBe(false);
    for (const client of clients) expect(await client.ended()).toEqual({ text: '', ending: 'reset' });
  });

  it('lets no client take the part of an answer that it has cut off for the whole', async () => {
    const peer = await startPeer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nbegun'));
    });
    const lb = await runFairlead({ ...webConfig([peer.address]), shutdown: { grace: '200ms' } });
    const client = (await connectTo(lb.address())).send(get());
    await client.until(() => client.text.endsWith('begun'), 'the part');
    expect(await lb.drain()).toBe(false);
    expect((await client.ended()).ending).toBe('reset');
  });
});

describe('the start', () => {
  it('opens listeners only when the first probes have settled', async () => {
    const a = await started('a');
    const dead = await started('dead');
    await dead.close();
    const lb = await runFairlead(webOver([dead, a]));
    const { statuses, errors } = await runLoad(lb.address(), { connections: 4, requests: 40 });
    expect([[...statuses], errors.size]).toEqual([[[200, 40]], 0]);
    const { backends } = await getJson<PoolStatus>(lb, '/api/pools/web');
    expect(backends.map(({ health, total }) => [health, total])).toEqual([
      ['down', 0],
      ['up', 40],
    ]);
    expect(backends[0]!.healthReason).toMatch(/refused/);
  });

  it('fails when a port is taken, and leaves nothing open', async () => {
    const taken = await started('taken');
    const config = webOver([taken], { listeners: { web: { protocol: 'http', bind: taken.address, pool: 'web' } } });
    await expect(runFairlead(config)).rejects.toThrow('another process listens there');
  });

  it('is ready only while every pool has a healthy backend', async () => {
    const a = await started('a');
    const lb = await runFairlead(webOver([a]));
    expect(await getJson<Readiness>(lb, '/readyz')).toEqual({ ready: true, reasons: [] });
    await a.close();
    const deadline = Date.now() + 5000;
    while ((await getJson<Readiness>(lb, '/readyz')).ready && Date.now() < deadline) await pause(20);
    expect(await getJson<Readiness>(lb, '/readyz')).toEqual({
      ready: false,
      reasons: ['pool web has no healthy backend'],
    });
  });

  it('is not ready while no healthy backend may be picked', async () => {
    const lb = await runFairlead(webOver([await started('a')]));
    const none = {
      ready: false,
      reasons: ['pool web has no healthy backend that is enabled and has a weight above 0'],
    };
    for (const [away, back] of [
      [{ weight: 0 }, { weight: 1 }],
      [{ state: 'draining' }, { state: 'enabled' }],
    ]) {
      const { backends } = await getJson<PoolStatus>(lb, '/api/pools/web');
      const change = (body: object) => askApi(lb, `PATCH /api/pools/web/backends/${backends[0]!.id}`, body);
      await change(away!);
      expect(await getJson<Readiness>(lb, '/readyz')).toEqual(none);
      expect((await getJson<PoolStatus>(lb, '/api/pools/web')).healthy).toBe(0);
      await change(back!);
      expect((await getJson<Readiness>(lb, '/readyz')).ready).toBe(true);
    }
  });
});
