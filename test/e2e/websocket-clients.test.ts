import { Client } from '@stomp/stompjs';
import { EventSource } from 'eventsource';
import sockjs from 'sockjs';
import SockJS from 'sockjs-client';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { runSticky, startAttached } from '../support/socket-backends.ts';

afterAll(closeOpened);

const names = ['a', 'b', 'c'];

describe('ws', () => {
  it('negotiates a subprotocol and compression, relays pings, big messages and the close', async () => {
    const pings: string[] = [];
    const backends = await startAttached(names, (server) => {
      const sockets = new WebSocketServer({
        server,
        perMessageDeflate: { threshold: 0 },
        handleProtocols: (offered) => (offered.has('v2') ? 'v2' : false),
      });
      sockets.on('connection', (socket) => {
        socket.on('ping', (data) => pings.push(String(data)));
        socket.on('message', (data, binary) => socket.send(data, { binary }));
        socket.on('close', (code, reason) => pings.push(`${code} ${reason}`));
      });
      return () => sockets.close();
    });
    const lb = await runSticky(backends, false);
    const socket = new WebSocket(`ws://${lb.address()}/`, ['v1', 'v2'], { perMessageDeflate: { threshold: 0 } });
    remember({ close: () => socket.terminate() });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    expect([socket.protocol, socket.extensions]).toEqual(['v2', 'permessage-deflate']);
    const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(String(data))));
    socket.ping('are you there');
    expect(await pong).toBe('are you there');
    const big = Buffer.alloc(3 * 1024 ** 2, 'fairlead ');
    const back = new Promise<Buffer>((resolve) => socket.once('message', (data) => resolve(data as Buffer)));
    socket.send(big);
    expect((await back).equals(big)).toBe(true);
    const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    socket.close(4321, 'bye');
    expect(await closed).toBe(4321);
    await eventually(() => pings.join() === 'are you there,4321 bye', 'the close frame at the backend');
  });

  it('is told of a refusal as the backend put it', async () => {
    const backends = await startAttached(['a'], (server) => {
      server.on('upgrade', (_request, socket) => {
        socket.end('HTTP/1.1 403 Forbidden\r\nX-Why: full\r\nContent-Length: 4\r\n\r\nfull');
      });
      return undefined;
    });
    const lb = await runSticky(backends, false);
    const socket = new WebSocket(`ws://${lb.address()}/`);
    const refused = await new Promise<{ status: number | undefined; why: unknown }>((resolve) =>
      socket.once('unexpected-response', (_request, response) => {
        resolve({ status: response.statusCode, why: response.headers['x-why'] });
        response.resume();
      }),
    );
    expect(refused).toEqual({ status: 403, why: 'full' });
  });
});

describe('SockJS', () => {
  it.each(['websocket', 'xhr-streaming', 'xhr-polling', 'eventsource'])('talks over %s', async (transport) => {
    const backends = await startAttached(names, (server, name) => {
      const echo = sockjs.createServer({ prefix: '/echo', log: () => undefined });
      echo.on('connection', (connection) =>
        connection.on('data', (text: string) => connection.write(`${name} ${text}`)),
      );
      echo.installHandlers(server);
      return undefined;
    });
    const lb = await runSticky(backends, { query: 'id' });
    for (let client = 0; client < 3; client++) {
      const socket = new SockJS(`http://${lb.address()}/echo?id=${transport}${client}`, undefined, {
        transports: [transport],
      });
      remember({ close: () => socket.close() });
      const answers: string[] = [];
      await new Promise<void>((resolve, reject) => {
        socket.onopen = () => socket.send('0');
        socket.onmessage = ({ data }) => {
          if (answers.push(data) === 3) resolve();
          else socket.send(String(answers.length));
        };
        socket.onclose = ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`));
      });
      socket.onclose = null as never;
      expect(socket).toMatchObject({ transport });
      const [name] = answers[0]!;
      expect(answers).toEqual([`${name} 0`, `${name} 1`, `${name} 2`]);
      socket.close();
    }
  });
});

/** As much of a STOMP 1.2 broker as a subscription and its messages need. */
function answerStomp(socket: WebSocket, name: string): void {
  const subscriptions = new Map<string, string>();
  socket.on('message', (data) => {
    const [head = '', body = ''] = String(data)
      .replace(/\0\n*$/, '')
      .split('\n\n');
    const [command, ...lines] = head.split('\n');
    const headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/s)));
    if (command === 'CONNECT') socket.send(`CONNECTED\nversion:1.2\nserver:${name}\n\n\0`);
    if (command === 'SUBSCRIBE') subscriptions.set(headers['destination'], headers['id']);
    if (command === 'SEND' && subscriptions.has(headers['destination'])) {
      const id = subscriptions.get(headers['destination']);
      socket.send(`MESSAGE\nsubscription:${id}\nmessage-id:1\ndestination:${headers['destination']}\n\n${body}\0`);
    }
    if (command === 'DISCONNECT') socket.send(`RECEIPT\nreceipt-id:${headers['receipt']}\n\n\0`);
  });
}

describe('STOMP over WebSocket', () => {
  it('subscribes, sends and receives', async () => {
    const backends = await startAttached(names, (server, name) => {
      const sockets = new WebSocketServer({ server, handleProtocols: () => 'v12.stomp' });
      sockets.on('connection', (socket) => answerStomp(socket, name));
      return () => sockets.close();
    });
    const lb = await runSticky(backends, false);
    const client = new Client({
      webSocketFactory: () => new WebSocket(`ws://${lb.address()}/stomp`, ['v12.stomp']),
      reconnectDelay: 0,
      heartbeatIncoming: 0,
      heartbeatOutgoing: 0,
    });
    remember({ close: () => client.deactivate({ force: true }) });
    const received = await new Promise<string>((resolve, reject) => {
      client.onConnect = () => {
        client.subscribe('/topic/news', ({ body }) => resolve(body));
        client.publish({ destination: '/topic/news', body: 'made fast' });
      };
      client.onStompError = ({ body }) => reject(new Error(body));
      client.onWebSocketError = reject;
      client.activate();
    });
    expect([received, client.connectedVersion]).toEqual(['made fast', '1.2']);
    await client.deactivate();
  });
});

describe('EventSource', () => {
  it('gets events one by one and comes back where it left off', async () => {
    const backends = await startAttached(names, (server) => {
      server.on('request', (request, response) => {
        const last = Number(request.headers['last-event-id'] ?? 0);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`retry: 10\n\nid: ${last + 1}\ndata: one\n\n`);
        setTimeout(() => response.end(`id: ${last + 2}\nevent: other\ndata: two\n\n`), 30);
      });
      return undefined;
    });
    const lb = await runSticky(backends, { cookie: 'fl' });
    const source = new EventSource(`http://${lb.address()}/events`);
    remember({ close: () => source.close() });
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      const note = ({ lastEventId, data }: MessageEvent): void => {
        if (seen.push(`${lastEventId} ${data}`) === 6) resolve();
      };
      source.addEventListener('message', note);
      source.addEventListener('other', note);
    });
    source.close();
    expect(seen).toEqual(['1 one', '2 two', '3 one', '4 two', '5 one', '6 two']);
  });
});
