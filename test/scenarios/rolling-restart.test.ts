import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ConfigInput } from '../../src/config/schema.ts';
import { retire } from '../support/kept-ports.ts';
import { runLoad } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { askApi, backendOf } from '../support/operator.ts';
import { eventually } from '../support/patience.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';

afterAll(closeOpened);

/** A backend that can be restarted on its port: HTTP with WebSockets that echo, or an echo over TCP. */
interface Restartable {
  readonly pool: string;
  readonly port: number;
  restarts: number;
  /** Asks its WebSockets to go, as applications do when they are told to end. */
  sayGoodbye(): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

async function listening(server: net.Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

async function startRestartable(pool: 'web' | 'echo'): Promise<Restartable> {
  let server: net.Server;
  let sockets: WebSocketServer | undefined;
  const start = async (port: number): Promise<number> => {
    if (pool === 'echo') server = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    else {
      const web = http.createServer((_request, response) => response.end('ok'));
      sockets = new WebSocketServer({ server: web });
      sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
      server = web;
    }
    return await listening(server, port);
  };
  const port = await start(0);
  const stop = async (): Promise<void> => {
    sockets?.close();
    const closed = retire(server);
    if (server instanceof http.Server) server.closeAllConnections();
    await closed;
  };
  return remember({
    pool,
    port,
    restarts: 0,
    sayGoodbye: () => sockets?.clients.forEach((socket) => void socket.close(1001)),
    stop,
    async start() {
      await start(port);
      this.restarts++;
    },
    close: () => stop().catch(() => undefined),
  });
}

/** Connects anew whenever it was asked to go, and wants every message back. */
async function chat(address: string, errors: string[], over: () => boolean): Promise<number> {
  let echoes = 0;
  while (!over()) {
    const socket = new WebSocket(`ws://${address}/`);
    socket.on('error', ({ message }) => errors.push(`WebSocket: ${message}`));
    const closed = new Promise<number[]>((resolve) => socket.once('close', (code) => resolve([code])));
    await Promise.race([new Promise((resolve) => socket.once('open', resolve)), closed]);
    while (socket.readyState === WebSocket.OPEN && !over()) {
      socket.send(String(echoes));
      const echoed = new Promise<Buffer[]>((resolve) => socket.once('message', (data) => resolve([data as Buffer])));
      const [data] = await Promise.race([echoed, closed]);
      if (typeof data === 'number') break;
      if (String(data) !== String(echoes)) errors.push(`WebSocket: ${data} instead of ${echoes}`);
      echoes++;
    }
    socket.close();
    const [code] = await closed;
    if (code !== 1001 && code !== 1005) errors.push(`WebSocket: closed with ${code}`);
  }
  return echoes;
}

/** One connection after another, each of which says something and wants it back, to the end. */
async function talk(address: string, errors: string[], over: () => boolean): Promise<number> {
  const port = Number(address.split(':')[1]);
  let echoes = 0;
  while (!over()) {
    const socket = net.connect(port, '127.0.0.1', () => socket.end(`hello ${echoes}`));
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('error', ({ message }) => errors.push(`L4: ${message}`));
    await new Promise((resolve) => socket.once('close', resolve));
    if (text !== `hello ${echoes}`) errors.push(`L4: '${text}' came back`);
    echoes++;
  }
  return echoes;
}

/** Drains, stops, starts and enables a backend, as a script with `fairlead drain` and `fairlead enable` would. */
async function restart(lb: RunningFairlead, backend: Restartable): Promise<void> {
  const id = `127.0.0.1:${backend.port}`;
  const set = async (state: string): Promise<void> => {
    const path = `/api/pools/${backend.pool}/backends/${id}`;
    expect((await askApi(lb, `PATCH ${path}`, { state })).status).toBe(200);
  };
  const now = async () => (await backendOf(lb, backend.pool, id))!;
  await set('draining');
  await eventually(async () => {
    backend.sayGoodbye();
    return (await now()).active === 0;
  }, 'the end of its leases');
  await backend.stop();
  await eventually(async () => (await now()).health === 'down', 'that its end is noticed');
  await backend.start();
  await set('enabled');
  await eventually(async () => (await now()).health === 'up', 'that its start is noticed');
}

it('a rolling restart of every backend is seen by no client', { timeout: 60_000 }, async () => {
  const backends = await Promise.all((['web', 'web', 'web', 'echo', 'echo'] as const).map(startRestartable));
  const pool = (name: string) => ({
    backends: backends.filter((backend) => backend.pool === name).map(({ port }) => `127.0.0.1:${port}`),
    health: { interval: '50ms', rise: 1, fall: 1 } as const,
    slowStart: '200ms',
  });
  const config: ConfigInput = {
    workers: 2,
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
      echo: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'echo' },
    },
    pools: { web: pool('web'), echo: pool('echo') },
  };
  const lb = await runFairlead(config);
  const errors: string[] = [];
  let done = false;
  const over = (): boolean => done;
  const clients = [1, 2, 3, 4].map(() => chat(lb.address(), errors, over));
  const callers = [1, 2, 3, 4].map(() => talk(lb.address('echo'), errors, over));
  const load = runLoad(lb.address(), { connections: 8, until: over });
  for (const backend of backends) await restart(lb, backend);
  done = true;
  const { statuses, errors: failed } = await load;
  expect(errors).toEqual([]);
  expect([...failed]).toEqual([]);
  expect([...statuses.keys()]).toEqual([200]);
  for (const echoes of await Promise.all([...clients, ...callers])) expect(echoes).toBeGreaterThan(5);
  expect(backends.map(({ restarts }) => restarts)).toEqual([1, 1, 1, 1, 1]);
});
