import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { TestAuthority } from '../support/certificates.ts';
import { comeFrom } from '../support/come-from.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const admin = { bind: '127.0.0.1:0' } as const;

async function statusFrom(source: string, lb: RunningFairlead): Promise<number> {
  return (await comeFrom(source, lb.address()).send(get()).answer()).status;
}

async function echo() {
  return await startPeer((socket) => socket.pipe(socket));
}

describe('allow and deny of an http listener', () => {
  it('answer 403 to those that are kept out, of whom no backend hears', async () => {
    const backend = await startBackend();
    const lists = { allow: ['127.0.0.0/24'], deny: ['127.0.0.9'] };
    const lb = await runFairlead({ ...webConfig([backend.address], lists), admin, log: { access: true } });
    expect(await statusFrom('127.0.0.1', lb)).toBe(200);
    for (const source of ['127.0.0.9', '127.0.1.1']) {
      const answer = await comeFrom(source, lb.address()).send(get()).answer();
      expect([answer.status, fieldOf(answer, 'fairlead-error')]).toEqual([403, 'forbidden']);
    }
    expect(backend.requests).toHaveLength(1);
    expect(await metric(lb, 'refusals_total', { reason: 'forbidden' })).toBe(2);
    expect(await metric(lb, 'requests_total', { code: '403', route: '' })).toBe(2);
    expect(await metric(lb, 'connections_total')).toBe(1);
    await eventually(() => lb.accessLines.length === 3, 'a line for each');
    const [, denied] = lb.accessLines.map((line) => JSON.parse(line));
    const cause = 'this client is not allowed here';
    expect(denied).toMatchObject({ client: '127.0.0.9', status: 403, ended: 'forbidden', reason: cause });
    await lb.reloadWith({ ...webConfig([backend.address]), admin });
    expect(await statusFrom('127.0.0.9', lb)).toBe(200);
  });

  it('go by the client that a PROXY header names', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { proxyProtocol: true, deny: ['192.0.2.0/24'] }));
    const header = (ip: string) => `PROXY TCP4 ${ip} 198.51.100.2 4660 443\r\n`;
    const denied = await connectTo(lb.address());
    expect((await denied.send(header('192.0.2.1') + get()).answer()).status).toBe(403);
    const allowed = await connectTo(lb.address());
    expect((await allowed.send(header('192.0.3.1') + get()).answer()).status).toBe(200);
  });

  it('look at the clients behind a trusted proxy, not at the proxy', async () => {
    const backend = await startBackend(answerText('ok'));
    const lists = { trustProxies: ['127.0.0.1'], allow: ['192.0.2.0/24'] };
    const lb = await runFairlead(webConfig([backend.address], lists));
    const proxy = await connectTo(lb.address());
    expect((await proxy.send(get('/', 'X-Forwarded-For: 192.0.2.1')).answer()).status).toBe(200);
    expect((await proxy.send(get('/', 'X-Forwarded-For: 203.0.113.1')).answer()).status).toBe(403);
    expect(backend.requests).toHaveLength(1);
  });

  it('reset a client of TLS before its handshake', async () => {
    const tls = new TestAuthority().for('localhost');
    const backend = await startBackend();
    const lb = await runFairlead({ ...webConfig([backend.address], { tls, deny: ['127.0.0.1'] }), admin });
    // The reset may come so soon that the client has not even seen itself connected.
    const ending = await connectTo(lb.address()).then(
      async (client) => (await client.ended()).ending,
      ({ code }: NodeJS.ErrnoException) => code,
    );
    expect(['reset', 'ECONNRESET']).toContain(ending);
    expect(await metric(lb, 'refusals_total', { reason: 'forbidden' })).toBe(1);
  });
});

describe('a reload that denies a source', () => {
  it('cuts what a listener had before it was taken out and came back', async () => {
    const [backend, peer, datagrams] = [await startBackend(), await echo(), await openUdp((datagram) => [datagram])];
    const config = (deny: string[], listed = ['web', 'db', 'dns']): ConfigInput => ({
      admin,
      listeners: Object.fromEntries(
        Object.entries({
          web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web', deny },
          db: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'db', deny },
          dns: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'dns', deny },
          other: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'db' },
        } as const).filter(([name]) => name === 'other' || listed.includes(name)),
      ),
      pools: {
        web: { backends: [backend.address], health: { type: 'off' } },
        db: { backends: [peer.address], health: { type: 'off' } },
        dns: { backends: [datagrams.address], health: { type: 'off' } },
      },
    });
    const lb = await runFairlead(config([]));
    const [http, tcp] = [comeFrom('127.0.0.2', lb.address()), comeFrom('127.0.0.2', lb.address('db')).send('a')];
    const udp = await openUdp(undefined, { host: '127.0.0.2' });
    udp.send(lb.address('dns'), 'x');
    await udp.until(1);
    await tcp.until(() => tcp.text === 'a', 'its echo');
    // One that is amid a request: idle ones are closed soon.
    http.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
    await eventually(async () => (await metric(lb, 'backend_active', { pool: 'web' })) === 1, 'the request');
    await lb.reloadWith(config([], []));
    await lb.reloadWith(config([]));
    await lb.reloadWith(config(['127.0.0.2']));
    for (const client of [http, tcp]) await client.ended();
    expect(await metric(lb, 'connections_ended_total', { how: 'denied' })).toBe(2);
  });

  it('cuts the connections that it has, and no others', async () => {
    const [backend, peer] = [await startBackend(), await echo()];
    const config = (deny: string[]): ConfigInput => ({
      listeners: {
        web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web', deny },
        db: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'db', deny },
      },
      pools: {
        web: { backends: [backend.address], health: { type: 'off' } },
        db: { backends: [peer.address], health: { type: 'off' } },
      },
    });
    const lb = await runFairlead(config([]));
    const clients = new Map<string, RawClient>();
    for (const source of ['127.0.0.2', '127.0.0.3']) {
      const [http, tcp] = [comeFrom(source, lb.address()).send(get()), comeFrom(source, lb.address('db')).send('a')];
      await http.answer();
      await tcp.until(() => tcp.text === 'a', 'its echo');
      clients.set(`http ${source}`, http).set(`tcp ${source}`, tcp);
    }
    await lb.reloadWith(config(['127.0.0.2']));
    for (const layer of ['http', 'tcp']) await clients.get(`${layer} 127.0.0.2`)!.ended();
    expect((await clients.get('http 127.0.0.3')!.send(get()).answer()).status).toBe(200);
    const tcp = clients.get('tcp 127.0.0.3')!.send('b');
    await tcp.until(() => tcp.text === 'ab', 'its echo');
  });
});

describe('the connections of one client', () => {
  it.each([1, 4])('over http are limited, over %i workers, until one ends', async (workers) => {
    const backend = await startBackend();
    const lb = await runFairlead({
      ...webConfig([backend.address], { limits: { connectionsPerIp: 3 } }),
      workers,
      admin,
    });
    const clients = [1, 2, 3].map(() => comeFrom('127.0.0.2', lb.address()));
    for (const client of clients) expect((await client.send(get()).answer()).status).toBe(200);
    const answer = await comeFrom('127.0.0.2', lb.address()).send(get()).answer();
    expect([answer.status, fieldOf(answer, 'fairlead-error'), fieldOf(answer, 'retry-after')]).toEqual([
      429,
      'rate-limited',
      '1',
    ]);
    expect(await statusFrom('127.0.0.3', lb)).toBe(200);
    expect(await metric(lb, 'refusals_total', { reason: 'connections-per-ip' })).toBe(1);
    expect(await metric(lb, 'requests_total', { code: '429', route: '' })).toBe(1);
    clients[0]!.reset();
    await eventually(async () => (await statusFrom('127.0.0.2', lb)) === 200, 'a free place');
  });

  it('over TLS are given back too', async () => {
    const tls = new TestAuthority().for('localhost');
    const backend = await startBackend();
    const lb = await runFairlead({ ...webConfig([backend.address], { tls, limits: { connectionsPerIp: 1 } }), admin });
    const first = await connectTo(lb.address());
    // Two that come at once are accepted in any order.
    await eventually(async () => (await metric(lb, 'connections_active')) === 1, 'the first one');
    const second = await connectTo(lb.address());
    expect((await second.ended()).ending).toBe('reset');
    first.send('no handshake at all\r\n\r\n');
    await first.ended();
    await eventually(async () => {
      const next = await connectTo(lb.address());
      await new Promise((resolve) => setTimeout(resolve, 20));
      const open = next.ending === undefined;
      next.close();
      return open;
    }, 'a free place');
  });

  it('over tcp are limited, also those that come too fast', async () => {
    const peer = await echo();
    const limits = { connectionsPerIp: 2, connectionRatePerIp: '3/h' };
    const lb = await runFairlead({
      admin,
      listeners: { web: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web', limits } },
      pools: { web: { backends: [peer.address], health: { type: 'off' } } },
    });
    const first = comeFrom('127.0.0.2', lb.address()).send('a');
    await first.until(() => first.text === 'a', 'its echo');
    const second = comeFrom('127.0.0.2', lb.address()).send('b');
    await second.until(() => second.text === 'b', 'its echo');
    expect((await comeFrom('127.0.0.2', lb.address()).ended()).ending).toBe('reset');
    second.reset();
    await eventually(async () => (await metric(lb, 'connections_active')) === 1, 'the end of one');
    const third = comeFrom('127.0.0.2', lb.address()).send('c');
    await third.until(() => third.text === 'c', 'its echo');
    third.reset();
    await eventually(async () => (await metric(lb, 'connections_active')) === 1, 'the end of another');
    expect((await comeFrom('127.0.0.2', lb.address()).ended()).ending).toBe('reset');
    expect(await metric(lb, 'refusals_total', { reason: 'connections-per-ip' })).toBe(1);
    expect(await metric(lb, 'refusals_total', { reason: 'connection-rate-per-ip' })).toBe(1);
  });

  it('that died with their worker are given back', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { limits: { connectionsPerIp: 1 } }));
    expect(await statusFrom('127.0.0.2', lb)).toBe(200);
    await lb.crashWorker(0);
    await eventually(async () => {
      const client = comeFrom('127.0.0.2', lb.address()).send(get('/', 'Connection: close'));
      await client.ended().catch(() => undefined);
      return client.text.startsWith('HTTP/1.1 200') || (await statusFrom('127.0.0.2', lb).catch(() => 0)) === 200;
    }, 'a worker that lets it in');
  });

  it('from thousands of addresses are each their own', async () => {
    const backend = await startBackend();
    const lb = await runFairlead({
      ...webConfig([backend.address], { limits: { connectionRatePerIp: '1/h' } }),
      admin,
    });
    for (let i = 0; i < 2000; i += 50) {
      const batch = Array.from({ length: 50 }, (_, j) => `127.7.${(i + j) >> 8}.${(i + j) & 255}`);
      const statuses = await Promise.all(
        batch.map(async (source) => {
          const client = comeFrom(source, lb.address()).send(get('/', 'Connection: close'));
          return (await client.answer()).status;
        }),
      );
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
    }
    expect(await statusFrom('127.7.0.1', lb)).toBe(429);
  });
});
