import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Traffic } from '../../src/admin/traffic.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { scrape, sumOf } from '../support/scrape.ts';
import { startAttached } from '../support/socket-backends.ts';

let lb: RunningFairlead;
beforeAll(async () => {
  const [good, bad] = await startAttached(['good', 'bad'], (server, name) => {
    server.on('request', (request, response) => {
      if (name === 'bad' && request.url === '/reset') request.socket.destroy();
      response.statusCode = name === 'bad' ? 503 : 200;
      response.end(name);
    });
    return undefined;
  });
  const backends = [good!, bad!].map(({ name, address }) => ({ name, address }));
  lb = await runFairlead({
    admin: { bind: '127.0.0.1:0' },
    workers: 2,
    listeners: {
      web: {
        protocol: 'http',
        bind: '127.0.0.1:0',
        routes: [
          { name: 'fixed', match: { path: '/fixed' }, respond: { status: 200 } },
          { name: 'apps', pool: 'apps' },
        ],
      },
      raw: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'apps' },
    },
    pools: { apps: { backends, health: { type: 'off' }, eject: { failures: 1, for: '10m' } } },
  });
});
afterAll(closeOpened);

/** Listens to the traffic, from now on. */
async function listen(): Promise<readonly Traffic[]> {
  const heard: Traffic[] = [];
  const stop = new AbortController();
  remember({ close: async () => stop.abort() });
  const url = `http://${lb.adminAddresses[0]}/api/events?traffic=true&last=0`;
  const { body } = await fetch(url, { signal: stop.signal });
  void (async () => {
    let text = '';
    for await (const piece of body!.pipeThrough(new TextDecoderStream())) {
      const frames = (text + piece).split('\n\n');
      text = frames.pop()!;
      for (const frame of frames) {
        const [, data] = /^event: traffic\ndata: (.*)$/.exec(frame) ?? [];
        if (data !== undefined) heard.push(JSON.parse(data));
      }
    }
  })().catch(() => undefined);
  await eventually(() => heard.length > 0, 'a first event of the traffic');
  return heard;
}

const ask = async (address: string, path: string) => {
  const response = await fetch(`http://${address}${path}`, { headers: { connection: 'close' } }).catch(() => undefined);
  await response?.text();
};

describe('the traffic', () => {
  it('has the totals of /metrics, and rates that add up to them', async () => {
    const heard = await listen();
    for (let n = 0; n < 8; n++) {
      for (const path of ['/', '/fixed', '/reset']) await ask(lb.address(), path);
      await ask(lb.address('raw'), '/');
    }
    const asked = () => heard.at(-1)!.listeners.map(({ connections }) => connections.total);
    await eventually(() => asked()[0] === 24 && asked()[1] === 8, 'the traffic');
    // A series that is new is announced by a message, which may be a moment behind what it counts.
    const before = heard.length;
    await eventually(() => heard.length > before, 'another second');
    const samples = await scrape(lb);
    const of = (name: string, labels: Record<string, string> = {}) => sumOf(samples, `fairlead_${name}`, labels);
    const { pools, listeners } = heard.at(-1)!;
    const [pool] = pools;
    const errors = (labels: Record<string, string>) =>
      samples
        .filter(({ name, labels: { code = '' } }) => name === 'fairlead_requests_total' && code >= '500')
        .filter(({ labels: found }) => Object.entries(labels).every(([label, value]) => found[label] === value))
        .reduce((sum, { value }) => sum + value, 0);
    expect(pool!.leases.total).toBe(of('backend_picks_total'));
    expect(pool!.failures.total).toBe(of('backend_failures_total'));
    expect(pool!.retries.total).toBe(of('retries_total'));
    expect(pool!.ejections).toBe(of('health_transitions_total', { to: 'ejected' }));
    expect(pool!.ejections).toBe(1);
    expect(pool!.errors.total).toBe(errors({ pool: 'apps' }));
    for (const { id, total, failures, errors: wrong } of pool!.backends) {
      expect(total).toBe(of('backend_picks_total', { backend: id }));
      expect(failures).toBe(of('backend_failures_total', { backend: id }));
      expect(wrong.total).toBe(errors({ backend: id }));
    }
    for (const { name, requests, connections, routes } of listeners) {
      expect(requests.total).toBe(of('requests_total', { listener: name }));
      expect(connections.total).toBe(of('connections_total', { listener: name }));
      for (const { name: route, hits } of routes) {
        const labels = { listener: name, route };
        expect(hits.total).toBe(of('requests_total', labels) + of('connections_routed_total', labels));
      }
    }
    const flown = heard.reduce((sum, { seconds, pools }) => sum + seconds * pools[0]!.leases.perSecond, 0);
    expect(Math.round(flown)).toBe(pool!.leases.total);
    expect(pool!.backends.map(({ id, health }) => [id, health])).toEqual([
      ['good', 'up'],
      ['bad', 'ejected'],
    ]);
  });

  it('is remembered for the charts of a pool, and refused where it makes no sense', async () => {
    const get = (path: string) => fetch(`http://${lb.adminAddresses[0]}${path}`);
    const history = (await (await get('/api/pools/apps/traffic')).json()) as {
      at: number[];
      leasesPerSecond: number[];
    };
    expect(history.at.length).toBeGreaterThan(0);
    expect(Math.max(...history.leasesPerSecond)).toBeGreaterThan(0);
    expect((await get('/api/pools/none/traffic')).status).toBe(404);
    expect((await get('/api/events?traffic=perhaps')).status).toBe(400);
  });
});
