import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ConfigInput } from '../../src/config/schema.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterAll(closeOpened);

/** A WebSocket backend that sends back what it gets. */
async function startEcho(): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await new Promise((resolve) => server.once('listening', resolve));
  remember({
    close() {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(address: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${address}/chat`);
  remember({ close: () => socket.terminate() });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

/** Sends a text and waits until it has come back. */
async function echo(socket: WebSocket, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const closed = (code: number): void => reject(new Error(`closed with ${code}`));
  socket.once('message', (data) => resolve(String(data)));
  socket.once('close', closed);
  socket.send(text);
  expect(await promise).toBe(text);
  socket.off('close', closed);
}

const route = (match: object, pool: string) => ({ match, pool });
const off = { health: { type: 'off' as const } };

describe('a WebSocket', () => {
  it('lives through twenty reloads, also when its route, pool and listener are gone', async () => {
    const [one, two] = [await startEcho(), await startEcho()];
    const config = (routes: object[], pools: ConfigInput['pools'], name = 'web'): ConfigInput =>
      ({ listeners: { [name]: { protocol: 'http', bind: '127.0.0.1:0', routes } }, pools }) as ConfigInput;
    const full = config([route({ path: '/chat' }, 'chat'), route({}, 'web')], {
      chat: { backends: [one], ...off },
      web: { backends: [two], ...off },
    });
    const without = config([route({}, 'web')], { web: { backends: [two], ...off } });
    const elsewhere = config([route({}, 'web')], { web: { backends: [two], ...off } }, 'other');
    const lb = await runFairlead(full);
    const socket = await open(lb.address());
    const next = [without, full, elsewhere, full];
    for (let reload = 0; reload < 20; reload++) {
      await lb.reloadWith(next[reload % next.length]!);
      await echo(socket, `after reload ${reload}`);
    }
    expect(lb.generation).toBe(21);
  });

  it('is waited for by a drain, and its close frame gets through', async () => {
    const lb = await runFairlead(webConfig([await startEcho()]));
    const socket = await open(lb.address());
    const drained = lb.drain();
    await echo(socket, 'still here');
    const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, String(reason)])));
    socket.close(4001, 'enough');
    expect(await closed).toEqual([4001, 'enough']);
    expect(await drained).toBe(true);
  });

  it('is cut when the time of a drain is up, which the logs tell', async () => {
    const lb = await runFairlead({
      ...webConfig([await startEcho()]),
      shutdown: { grace: '300ms' },
      log: { level: 'info', access: true },
    });
    const sockets = [await open(lb.address()), await open(lb.address())];
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await echo(sockets[0]!, 'hi');
    expect(await lb.drain()).toBe(false);
    expect(await Promise.all(closed)).toEqual([1006, 1006]);
    expect(lb.logLines.join('')).toMatch(/"connections":2.*cut/);
    const records = lb.accessLines.map((line) => JSON.parse(line));
    expect(records.map(({ status, ended }) => [status, ended])).toEqual([
      [101, 'drained'],
      [101, 'drained'],
    ]);
  });
});

/** A backend of events, each sent when `next` is called; chunked or until the connection ends. */
async function startEvents(framing: 'chunked' | 'until-close') {
  const streams: { write(event: string): void; end(): void }[] = [];
  if (framing === 'until-close') {
    const backend = await startBackend((_, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
      streams.push({ write: (event) => socket.write(event), end: () => socket.end() });
      return undefined;
    });
    return { address: backend.address, streams };
  }
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    streams.push({ write: (event) => response.write(event), end: () => response.end() });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  remember({
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, streams };
}

describe('server-sent events', () => {
  it.each(['chunked', 'until-close'] as const)('reach the client before the next is sent: %s', async (framing) => {
    const { address, streams } = await startEvents(framing);
    const lb = await runFairlead(webConfig([address]));
    const client = await connectTo(lb.address());
    client.send(get('/events', 'Accept: text/event-stream'));
    await client.until(() => client.text.includes('\r\n\r\n'), 'the head');
    await eventually(() => streams.length === 1, 'the stream');
    for (let event = 0; event < 20; event++) {
      streams[0]!.write(`id: ${event}\ndata: tick\n\n`);
      await client.until(() => client.text.includes(`id: ${event}\ndata: tick\n\n`), `event ${event}`);
      expect(client.text).not.toContain(`id: ${event + 1}\n`);
      // A reload changes nothing for a stream.
      if (event === 10) await lb.reloadWith(webConfig([address]));
    }
    streams[0]!.end();
    if (framing === 'until-close') expect((await client.ended()).ending).toBe('fin');
    else await client.until(() => client.text.endsWith('0\r\n\r\n'), 'the last chunk');
  });
});
