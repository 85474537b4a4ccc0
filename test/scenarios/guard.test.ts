import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { TestAuthority } from '../support/certificates.ts';
import { comeFrom } from '../support/come-from.ts';
import { askH2, connectH2 } from '../support/h2-client.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

const admin = { bind: '127.0.0.1:0' } as const;
const guard = { bad: '3/h', notFound: '3/h', ban: '1h' } as const;
const malformed = 'GET / HTTP/1.1\r\n\r\n';

type Listener = Parameters<typeof webConfig>[1];

async function guarded(listener: Listener = {}, more: Partial<ConfigInput> = {}) {
  const backend = await startBackend();
  const routes = [{ match: { path: '/here/*', method: 'GET' }, pool: 'web' }];
  const config = { ...webConfig([backend.address], { guard, routes, ...listener }), admin, ...more };
  return { backend, config, lb: await runFairlead(config) };
}

async function statusFrom(source: string, lb: RunningFairlead, request = get('/here/')): Promise<number> {
  return (await comeFrom(source, lb.address()).send(request).answer()).status;
}

async function endOf(source: string, lb: RunningFairlead): Promise<string> {
  const { text, ending } = await comeFrom(source, lb.address()).send(get('/here/', 'Connection: close')).ended();
  return text + ending;
}

describe('a source that sends what is malformed', () => {
  it.each([1, 4])('is reset at accept from then on, by all of %i workers, and no other is', async (workers) => {
    const { lb } = await guarded({}, { workers });
    const idle = [1, 2, 3, 4].map(() => comeFrom('127.0.0.2', lb.address()));
    for (const client of idle) expect((await client.send(get('/here/')).answer()).status).toBe(200);
    for (let i = 0; i < 4; i++) expect(await statusFrom('127.0.0.2', lb, malformed)).toBe(400);
    await Promise.all(idle.map((client) => client.until(() => client.ending !== undefined, 'end of what was open')));
    for (let i = 0; i < 8; i++) expect(await endOf('127.0.0.2', lb)).toBe('reset');
    expect(await statusFrom('127.0.0.3', lb)).toBe(200);
    expect(await metric(lb, 'refusals_total', { reason: 'banned' })).toBe(8);
    expect(await metric(lb, 'bans_total', { listener: 'web', reason: 'bad' })).toBe(1);
    expect(await metric(lb, 'bans_active', { reason: 'bad' })).toBe(1);
    const [ban, ...others] = lb.source.bans.list();
    expect([ban, others]).toMatchObject([
      { address: '127.0.0.2', listener: 'web', reason: 'bad', cause: 'bad-request' },
      [],
    ]);
    expect(Date.parse(ban!.until) - Date.parse(ban!.since)).toBe(3_600_000);
    expect(Math.abs(Date.parse(ban!.since) - Date.now())).toBeLessThan(60_000);
  });

  it('is let in again when its time is over', async () => {
    const { lb } = await guarded({ guard: { ...guard, ban: '150ms' } });
    for (let i = 0; i < 4; i++) await statusFrom('127.0.0.2', lb, malformed);
    await eventually(async () => (await endOf('127.0.0.2', lb).catch(() => '')).startsWith('HTTP/1.1 200'), 'an end');
    expect(lb.source.bans.list()).toEqual([]);
  });

  it('stays banned over a reload, unless that takes the guard away', async () => {
    const { lb, config } = await guarded();
    for (let i = 0; i < 4; i++) await statusFrom('127.0.0.2', lb, malformed);
    await lb.reloadWith(config);
    expect(await endOf('127.0.0.2', lb)).toBe('reset');
    await lb.reloadWith({ ...config, listeners: { web: { ...config.listeners['web'], guard: false } as never } });
    expect(await statusFrom('127.0.0.2', lb)).toBe(200);
    expect(lb.source.bans.list()).toEqual([]);
  });

  it('may be one that begins a head and does not go on', async () => {
    const { lb } = await guarded({ guard: { bad: '1/h' }, timeouts: { header: '20ms' } });
    for (let i = 0; i < 2; i++) await comeFrom('127.0.0.2', lb.address()).send('GET / HT').answer();
    expect(await endOf('127.0.0.2', lb)).toBe('reset');
    expect(lb.source.bans.list()).toMatchObject([{ cause: 'request-timeout' }]);
  });
});

describe('an operator', () => {
  it('bans an address, which cuts what is open, and lifts bans, which forgets what led to them', async () => {
    const { lb } = await guarded();
    const url = `http://${lb.adminAddresses[0]}/api/bans`;
    const post = async (body: object) =>
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    const open = comeFrom('127.0.0.2', lb.address()).send(get('/here/'));
    await open.answer();
    const answer = await post({ address: '127.0.0.2', for: '10m' });
    expect([answer.status, await answer.json()]).toEqual([201, { address: '127.0.0.2', listeners: ['web'] }]);
    await open.until(() => open.ending !== undefined, 'an end');
    expect(await endOf('127.0.0.2', lb)).toBe('reset');
    expect(await (await fetch(url)).json()).toMatchObject([{ address: '127.0.0.2', reason: 'manual', cause: '' }]);
    expect((await fetch(`${url}/127.0.0.2`, { method: 'DELETE' })).status).toBe(200);
    expect(await statusFrom('127.0.0.2', lb)).toBe(200);
    for (let i = 0; i < 4; i++) expect(await statusFrom('127.0.0.2', lb, malformed)).toBe(400);
    expect((await fetch(`${url}/127.0.0.2`, { method: 'DELETE' })).status).toBe(200);
    for (let i = 0; i < 3; i++) expect(await statusFrom('127.0.0.2', lb, malformed)).toBe(400);
    expect(await statusFrom('127.0.0.2', lb)).toBe(200);
    expect((await fetch(`${url}/127.0.0.2`, { method: 'DELETE' })).status).toBe(404);
    const wrong = [
      { address: 'nobody' },
      { address: '127.0.0.2', for: 'ever' },
      { address: '127.0.0.2', listener: 'x' },
    ];
    for (const body of wrong) expect((await post(body)).status).toBe(422);
  });
});

describe('a source that asks for what is not there', () => {
  it('is banned, for paths and methods alike', async () => {
    const { lb } = await guarded();
    const client = comeFrom('127.0.0.2', lb.address());
    for (const path of ['/wp-login.php', '/.env']) expect((await client.send(get(path)).answer()).status).toBe(404);
    expect((await client.send('PUT /here/ HTTP/1.1\r\nHost: a\r\n\r\n').answer()).status).toBe(404);
    expect((await client.send(get('/here/')).answer()).status).toBe(200);
    expect((await client.send(get('/admin')).answer()).status).toBe(404);
    await client.until(() => client.ending !== undefined, 'an end');
    expect(lb.source.bans.list()).toMatchObject([{ reason: 'not-found', cause: 'no-route' }]);
    expect(await endOf('127.0.0.2', lb)).toBe('reset');
  });
});

describe('many sources', () => {
  it('are banned each for itself', async () => {
    const { lb } = await guarded({ guard: { ...guard, bad: '1/h' } });
    for (let i = 0; i < 1000; i += 100) {
      const batch = Array.from({ length: 100 }, (_, j) => `127.9.${(i + j) >> 8}.${(i + j) & 255}`);
      for (const _event of [1, 2]) {
        await Promise.all(batch.map((source) => comeFrom(source, lb.address()).send(malformed).answer()));
      }
    }
    await eventually(() => lb.source.bans.list().length === 1000, 'a ban of each');
    expect(await metric(lb, 'bans_active', { reason: 'bad' })).toBe(1000);
    expect(await endOf('127.9.3.1', lb)).toBe('reset');
    expect(await statusFrom('127.10.0.1', lb)).toBe(200);
  });
});

describe('a source that speaks HTTP/2', () => {
  it('is banned for its streams, and its session is cut', async () => {
    const { lb } = await guarded();
    const session = await connectH2(lb.address());
    for (let i = 0; i < 4; i++) expect((await askH2(session, { ':path': '/none' })).status).toBe(404);
    await eventually(() => session.destroyed, 'the end of the session');
    expect(lb.source.bans.list()).toMatchObject([{ address: '127.0.0.1', reason: 'not-found' }]);
  });
});

describe('behind a proxy', () => {
  it('that is trusted, the client is banned that it names, and never the proxy', async () => {
    const { lb, backend } = await guarded({ trustProxies: ['127.0.0.1'] });
    const from = async (client: string, path: string) =>
      (await (await connectTo(lb.address())).send(get(path, `X-Forwarded-For: ${client}`)).answer()).status;
    for (let i = 0; i < 4; i++) expect(await from('192.0.2.1', '/none')).toBe(404);
    expect([await from('192.0.2.1', '/here/'), await from('192.0.2.2', '/here/')]).toEqual([403, 200]);
    expect(backend.requests).toHaveLength(1);
    for (let i = 0; i < 9; i++)
      expect((await (await connectTo(lb.address())).send(malformed).answer()).status).toBe(400);
    for (let i = 0; i < 9; i++) expect(await statusFrom('127.0.0.1', lb, get('/none'))).toBe(404);
    expect(lb.source.bans.list()).toMatchObject([{ address: '192.0.2.1' }]);
    expect(await metric(lb, 'refusals_total', { reason: 'banned' })).toBe(1);
  });

  it('that sends a PROXY header, the client is banned that it names', async () => {
    const { lb } = await guarded({ proxyProtocol: true });
    const from = async (ip: string, request: string) =>
      await (await connectTo(lb.address())).send(`PROXY TCP4 ${ip} 198.51.100.2 4660 443\r\n${request}`).ended();
    const once = get('/here/', 'Connection: close');
    for (let i = 0; i < 4; i++) await from('192.0.2.1', malformed);
    expect((await from('192.0.2.1', once)).ending).toBe('reset');
    expect((await from('192.0.2.2', once)).text).toMatch(/^HTTP\/1.1 200/);
    expect(lb.source.bans.list()).toMatchObject([{ address: '192.0.2.1', cause: 'bad-request' }]);
  });
});

describe('what comes before HTTP', () => {
  it('counts: handshakes of TLS that fail, and PROXY headers that are none', async () => {
    const tls = new TestAuthority().for('localhost');
    const { lb } = await guarded({ tls });
    for (let i = 0; i < 4; i++) await comeFrom('127.0.0.2', lb.address()).send('no handshake\r\n\r\n').ended();
    await eventually(() => lb.source.bans.list().length > 0, 'the ban');
    expect(lb.source.bans.list()).toMatchObject([{ address: '127.0.0.2', reason: 'bad', cause: 'tls-handshake' }]);
    await lb.close();
    const other = (await guarded({ proxyProtocol: true })).lb;
    for (let i = 0; i < 4; i++) await comeFrom('127.0.0.2', other.address()).send('no header at all\r\n').ended();
    await eventually(() => other.source.bans.list().length > 0, 'the ban');
    expect(other.source.bans.list()).toMatchObject([{ address: '127.0.0.2', cause: 'proxy-header' }]);
    expect(await endOf('127.0.0.2', other)).toBe('reset');
  });

  it('on a tcp listener too, where what is open is cut', async () => {
    const peer = await startPeer((socket) => socket.pipe(socket));
    const lb = await runFairlead({
      admin,
      listeners: {
        web: {
          protocol: 'tcp',
          bind: '127.0.0.1:0',
          guard,
          routes: [
            { match: { sni: 'a.test' }, pool: 'web' },
            { match: { source: ['127.0.0.2'] }, pool: 'web' },
          ],
        },
      },
      pools: { web: { backends: [peer.address], health: { type: 'off' } } },
    });
    const open = comeFrom('127.0.0.2', lb.address()).send('hello');
    await open.until(() => open.text === 'hello', 'its echo');
    const broken = Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]);
    for (let i = 0; i < 4; i++) await comeFrom('127.0.0.2', lb.address()).send(broken).ended();
    await open.until(() => open.ending !== undefined, 'an end');
    for (let i = 0; i < 4; i++) await comeFrom('127.0.0.3', lb.address()).send('hello').ended();
    expect(lb.source.bans.list().map(({ address, cause }) => [address, cause])).toEqual([
      ['127.0.0.3', 'no-route'],
      ['127.0.0.2', 'tls-hello'],
    ]);
  });
});
