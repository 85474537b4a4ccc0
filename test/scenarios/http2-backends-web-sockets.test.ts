import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2, { type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { TestAuthority } from '../support/certificates.ts';
import { startH2Backend } from '../support/h2-backend.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

const upgrade = get(
  '/ws',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
);

let authority: TestAuthority;
let pair: { cert: string; key: string };
beforeEach(() => {
  authority = new TestAuthority();
  const files = authority.for('localhost');
  pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
});
afterEach(closeOpened);

/** A backend of both versions over TLS, by ALPN, without RFC 8441: WebSockets come by an upgrade, and are echoed. */
async function startBoth() {
  const sessions: http2.ServerHttp2Session[] = [];
  const server = http2.createSecureServer({ ...pair, allowHTTP1: true });
  server.on('session', (session) => sessions.push(session));
  server.on('request', (request, response) => response.end(request.httpVersion));
  const sockets = new WebSocketServer({ noServer: true });
  const upgrades: (string | undefined)[] = [];
  server.on('upgrade', (request, socket, head) => {
    upgrades.push(request.headers['x-forwarded-proto'] as string);
    if (request.url === '/no') return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  remember({
    close: () => {
      for (const session of sessions) session.destroy();
      for (const socket of sockets.clients) socket.terminate();
      server.close();
    },
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sessions, sockets, upgrades };
}

function runBefore(address: string, over: object = {}) {
  const connect = { http2: true, tls: { ca: authority.root.files.cert, serverName: 'localhost' }, ...over };
  return runFairlead({ ...webConfig([address], {}, { connect }), admin: { bind: '127.0.0.1:0' } });
}

describe('a WebSocket to a backend over HTTP/2 that has no RFC 8441', () => {
  it('goes over HTTP/1.1 where the backend speaks that too, and all else over HTTP/2', async () => {
    const backend = await startBoth();
    const lb = await runBefore(backend.address);
    const plain = await connectTo(lb.address());
    expect((await plain.send(get('/')).answer()).body).toBe('2.0');
    const ws = new WebSocket(`ws://${lb.address()}/ws`);
    remember({ close: () => ws.terminate() });
    await once(ws, 'open');
    const large = Buffer.alloc(300_000, 'w');
    ws.send(large);
    const [echoed] = (await once(ws, 'message')) as [Buffer];
    expect(echoed.equals(large)).toBe(true);
    expect((await plain.send(get('/')).answer()).body).toBe('2.0');
    expect(await metric(lb, 'backend_active')).toBe(1);
    ws.close(1000);
    await once(ws, 'close');
    await eventually(() => backend.sockets.clients.size === 0, 'the end of the WebSocket');
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of its lease');
    expect([backend.sessions.length, backend.upgrades]).toEqual([1, ['http']]);
  });

  it('has the answer of the backend that refuses it, whose connection is not used for anything else', async () => {
    const backend = await startBoth();
    const lb = await runBefore(backend.address);
    const client = await connectTo(lb.address());
    const refused = await client.send(upgrade.replace('/ws', '/no')).answer();
    expect([refused.status, refused.body]).toEqual([403, 'no']);
    expect((await client.send(get('/')).answer()).body).toBe('2.0');
  });

  it('ends at the backend when the client leaves', async () => {
    const backend = await startBoth();
    const lb = await runBefore(backend.address);
    const client = await connectTo(lb.address());
    client.send(upgrade);
    await eventually(() => backend.sockets.clients.size === 1, 'a WebSocket');
    client.reset();
    await eventually(() => backend.sockets.clients.size === 0, 'its end');
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of its lease');
  });

  it('has a clear answer where it does not', async () => {
    const only = await startH2Backend((stream) => stream.respond({ ':status': 200 }, { endStream: true }), {}, pair);
    const lb = await runBefore(only.address);
    const client = await connectTo(lb.address());
    const answer = await client.send(upgrade).answer();
    expect([answer.status, answer.body]).toEqual([
      501,
      'the backend takes no WebSockets over HTTP/2 (RFC 8441), and speaks no HTTP/1.1\n',
    ]);
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it('is given up when the second connection is not made in time', async () => {
    // Speaks HTTP/2 to the first, and not a word of TLS to any other.
    const h2 = http2.createSecureServer(pair);
    h2.on('stream', (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    let taken = 0;
    const gate = net.createServer((socket) => {
      remember({ close: () => socket.destroy() });
      if (taken++ === 0) h2.emit('connection', socket);
    });
    gate.listen(0, '127.0.0.1');
    await once(gate, 'listening');
    remember({ close: () => gate.close() });
    const lb = await runBefore(`127.0.0.1:${(gate.address() as AddressInfo).port}`, { timeout: '500ms' });
    const client = await connectTo(lb.address());
    expect((await client.send(get('/')).answer()).status).toBe(200);
    expect((await client.send(upgrade).answer()).status).toBe(502);
    expect((await client.send(get('/')).answer()).status).toBe(200);
    expect(taken).toBe(2);
  });
});
