import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Connections } from '../../src/admin/schema.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { openUdp } from '../support/udp-peer.ts';

afterEach(closeOpened);

const url = (lb: RunningFairlead) => `http://${lb.adminAddresses[0]}/api/connections`;
const shown = async (lb: RunningFairlead) => (await (await fetch(url(lb))).json()) as Connections;

async function start(backend: string, workers = 2): Promise<RunningFairlead> {
  return runFairlead({
    workers,
    admin: { bind: '127.0.0.1:0' },
    listeners: { raw: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'raw' } },
    pools: { raw: { backends: [backend], health: { type: 'off' } } },
  });
}

async function open(lb: RunningFairlead): Promise<net.Socket> {
  const [host, port] = lb.address('raw').split(':');
  const socket = net.connect({ host: host!, port: Number(port), allowHalfOpen: true });
  remember({ close: () => socket.destroy() });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

it('shows a connection from its handshake to its end, with what went each way', async () => {
  const sockets: net.Socket[] = [];
  const peer = await startPeer(
    (socket) => {
      sockets.push(socket);
      socket.on('data', () => socket.write('four'));
    },
    { halfOpen: true },
  );
  const lb = await start(peer.address);
  const client = await open(lb);
  client.write('hello');
  await once(client, 'data');
  const { total, open: now, ended } = await shown(lb);
  const known = { listener: 'raw', protocol: 'tcp', pool: 'raw', backend: peer.address, client: '127.0.0.1' };
  expect({ total, now, ended }).toMatchObject({
    total: 1,
    now: [{ ...known, phase: 'established', bytesIn: 5, bytesOut: 4, ended: null }],
    ended: [],
  });
  expect(now[0]!.connectMs).toBeGreaterThanOrEqual(0);
  expect(now[0]!.ageMs).toBeGreaterThanOrEqual(now[0]!.connectMs!);

  client.end();
  await eventually(async () => (await shown(lb)).open[0]?.phase === 'half-closed-by-client', 'the half-close');
  sockets[0]!.end();
  await eventually(async () => (await shown(lb)).total === 0, 'the end');
  expect((await shown(lb)).ended[0]).toMatchObject({ phase: 'closed', ended: 'client-fin', bytesIn: 5, bytesOut: 4 });
  expect(await metric(lb, 'connections_ended_total', { listener: 'raw', how: 'client-fin' })).toBe(1);
  expect(await metric(lb, 'connections_phase', { listener: 'raw' })).toBe(0);
});

it('tells which side has half-closed, and who has reset', async () => {
  const sockets: net.Socket[] = [];
  const peer = await startPeer((socket) => void sockets.push(socket), { halfOpen: true });
  const lb = await start(peer.address, 1);
  const [first, second] = [await open(lb), await open(lb)];
  await peer.until(() => sockets.length === 2);
  sockets[0]!.end();
  await eventually(
    async () => (await shown(lb)).open.some(({ phase }) => phase === 'half-closed-by-backend'),
    'the half-close of the backend',
  );
  const phases = { listener: 'raw' };
  expect(await metric(lb, 'connections_phase', { ...phases, phase: 'half-closed-by-backend' })).toBe(1);
  expect(await metric(lb, 'connections_phase', { ...phases, phase: 'established' })).toBe(1);
  first.end();
  second.end();
  await eventually(async () => (await shown(lb)).total === 1, 'the end of the first');
  expect((await shown(lb)).ended[0]).toMatchObject({ ended: 'backend-fin' });
  sockets[1]!.resetAndDestroy();
  await eventually(async () => (await shown(lb)).total === 0, 'the end of the second');
  expect((await shown(lb)).ended.map(({ ended }) => ended)).toEqual(['backend-reset', 'backend-fin']);
  for (const how of ['backend-fin', 'backend-reset'])
    expect(await metric(lb, 'connections_ended_total', { how })).toBe(1);
  expect(await metric(lb, 'connections_phase')).toBe(0);
});

it('shows all workers, no more than were asked for, and what a drain still waits for', async () => {
  const peer = await startPeer((socket) => socket.resume());
  const lb = await start(peer.address);
  const clients: net.Socket[] = [];
  for (let i = 0; i < 12; i++) clients.push(await open(lb));
  await peer.until(() => peer.open === 12);
  await eventually(async () => (await shown(lb)).total === 12, 'twelve connections');
  const few = (await (await fetch(`${url(lb)}?limit=5`)).json()) as Connections;
  expect([few.total, few.open.length, few.silent]).toEqual([12, 5, []]);
  const page = async (offset: number) =>
    (await (await fetch(`${url(lb)}?limit=5&offset=${offset}`)).json()) as Connections;
  const pages = [await page(0), await page(5), await page(10), await page(15)];
  expect(pages.map(({ open: some }) => some.length)).toEqual([5, 5, 2, 0]);
  for (const query of ['limit=many', 'offset=-1', 'protocol=sctp'])
    expect((await fetch(`${url(lb)}?${query}`)).status).toBe(400);
  const draining = lb.drain();
  await eventually(async () => (await shown(lb)).open.every(({ phase }) => phase === 'draining'), 'the drain');
  expect((await shown(lb)).total).toBe(12);
  expect(await metric(lb, 'connections_phase', { phase: 'draining' })).toBe(12);
  expect(await metric(lb, 'connections_phase', { phase: 'established' })).toBe(0);
  for (const client of clients) client.destroy();
  expect(await draining).toBe(true);
});

it('shows flows of UDP', async () => {
  const backend = await openUdp(() => ['pong!']);
  const lb = await runFairlead({
    admin: { bind: '127.0.0.1:0' },
    listeners: { udp: { protocol: 'udp', bind: '127.0.0.1:0', pool: 'udp' } },
    pools: { udp: { backends: [backend.address] } },
  });
  const client = await openUdp();
  client.send(lb.address('udp'), 'ping');
  await client.until(1);
  const { open: flows } = await shown(lb);
  expect(await metric(lb, 'connections_phase', { listener: 'udp', phase: 'established' })).toBe(1);
  expect(flows).toMatchObject([{ protocol: 'udp', phase: 'established', bytesIn: 4, bytesOut: 5, connectMs: null }]);
});

it('shows connections of HTTP at rest, with a request under way and as tunnels, and those that are asked for', async () => {
  const backend = await startBackend(({ startLine }) => {
    if (startLine.includes('/socket'))
      return 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
    return startLine.includes('/held') ? undefined : answerText('ok');
  });
  const peer = await startPeer((socket) => socket.resume());
  const lb = await runFairlead({
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
      raw: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'raw' },
    },
    pools: { web: { backends: [backend.address], health: { type: 'off' } }, raw: { backends: [peer.address] } },
  });
  const clients = await Promise.all([0, 1, 2].map(() => connectTo(lb.address('web'))));
  await clients[0]!.send(get('/')).answer();
  clients[1]!.send(get('/held'));
  clients[2]!.send(get('/socket', 'Upgrade: x', 'Connection: upgrade'));
  await clients[2]!.until(() => clients[2]!.text.includes('101'), 'upgrade');
  await open(lb);
  const asked = async (query: string) => (await (await fetch(`${url(lb)}?${query}`)).json()) as Connections;
  await eventually(
    async () => (await asked('protocol=http')).open.filter(({ backend: on }) => on !== null).length === 2,
    'two at work',
  );
  const { total, open: now } = await asked('protocol=http');
  const known = { listener: 'web', protocol: 'http', client: '127.0.0.1' };
  expect(total).toBe(3);
  expect(now.filter(({ phase }) => phase === 'idle')).toMatchObject([
    { ...known, pool: null, backend: null, ageMs: null, requests: 0 },
  ]);
  const busy = { ...known, pool: 'web', backend: backend.address, ageMs: expect.any(Number), requests: 1 };
  expect(now.filter(({ phase }) => phase === 'established')).toMatchObject([busy, busy]);
  await eventually(async () => (await asked('listener=raw')).total === 1, 'the tcp connection');
  expect((await asked('protocol=udp')).total).toBe(0);
  expect((await asked('')).total).toBe(4);
});
