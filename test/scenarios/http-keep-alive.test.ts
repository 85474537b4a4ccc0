import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterAll(closeOpened);

describe.concurrent('connections to backends', () => {
  it('serve one request after another, of one client and of the next', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    for (let turn = 0; turn < 2; turn++) {
      const client = await connectTo(lb.address());
      for (let i = 0; i < 5; i++) expect((await client.send(get(`/${i}`)).answer()).body).toBe('ok');
      client.close();
    }
    expect([backend.connections.length, backend.requests.length]).toEqual([1, 10]);
  });

  it('are taken last in, first out', async () => {
    const held = new Map<string, RecordedConnection>();
    const backend = await startBackend((request, connection) => {
      const path = request.startLine.split(' ')[1]!;
      if (path === '/next') return answerText('ok');
      held.set(path, connection);
      return undefined;
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const clients = await Promise.all([1, 2, 3].map(() => connectTo(lb.address())));
    clients.forEach((client, i) => void client.send(get(`/${i}`)));
    await eventually(() => held.size === 3, 'three requests at the backend');
    for (const turn of [1, 2, 0]) {
      held.get(`/${turn}`)!.socket.write(answerText('ok'));
      await clients[turn]!.answer();
    }
    for (let i = 0; i < 4; i++) await clients[i % 3]!.send(get('/next')).answer();
    expect(held.get('/0')!.requests).toHaveLength(5);
    expect(backend.connections).toHaveLength(3);
  });

  it.each([
    ['says so', ['Connection: close'], 2],
    ['promises a second, which is no more than our margin', ['Keep-Alive: timeout=1'], 2],
    ['promises no time at all', ['Keep-Alive: timeout=0, max=5'], 2],
    ['promises a minute', ['Connection: keep-alive', 'Keep-Alive: max=100, timeout=60'], 1],
    ['promises nothing', [], 1],
  ])('end after an answer when the backend %s %j', async (_name, fields, connections) => {
    const backend = await startBackend(answerText('ok', '200 OK', fields));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get()).answer();
      expect([answer.body, fieldOf(answer, 'connection'), fieldOf(answer, 'keep-alive')]).toEqual(['ok', '', '']);
    }
    expect([backend.connections.length, client.ending]).toEqual([connections, undefined]);
  });

  it('are given up by us a second before the backend said it will', async () => {
    const backend = await startBackend(answerText('ok', '200 OK', ['Keep-Alive: timeout=2']));
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    await client.send(get()).answer();
    // A deadline may come a tick early, and the client hears of the answer later than it counts from.
    const since = Date.now();
    await client.send(get()).answer();
    expect(backend.connections).toHaveLength(1);
    await eventually(() => backend.connections[0]!.ending === 'fin', 'the end of the idle connection');
    expect(Date.now() - since).toBeGreaterThan(900);
    expect((await client.send(get()).answer()).body).toBe('ok');
    expect(backend.connections).toHaveLength(2);
  });

  it.each([
    [{ max: 0 }, 2],
    [{ max: 1 }, 1],
  ])('are kept as the pool says: %j', async (keepAlive, connections) => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], {}, { keepAlive }));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) await client.send(get()).answer();
    expect(backend.connections).toHaveLength(connections);
  });

  it('are kept no longer than the pool says', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], {}, { keepAlive: { idle: '50ms' } }));
    const client = await connectTo(lb.address());
    await client.send(get()).answer();
    await eventually(() => backend.connections[0]!.ending === 'fin', 'the end of the idle connection');
    expect((await client.send(get()).answer()).body).toBe('ok');
  });

  it('are dropped when the backend speaks without being asked', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    await client.send(get()).answer();
    backend.connections[0]!.socket.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
    await eventually(() => backend.connections[0]!.ending !== undefined, 'the end of the connection');
    expect((await client.send(get()).answer()).status).toBe(200);
    expect(backend.connections).toHaveLength(2);
  });

  it('are not kept after an answer in HTTP/1.0, unless it says keep-alive', async () => {
    const answers = ['HTTP/1.0 200 OK', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive', 'HTTP/1.0 200 OK'];
    const backend = await startBackend((_, { socket }) => {
      const head = answers.shift()!;
      socket.write(`${head}\r\nContent-Length: 2\r\n\r\nok`);
      if (!head.includes('Keep-Alive')) socket.end();
      return undefined;
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 3; i++) {
      const answer = await client.send(get()).answer();
      expect([answer.startLine, answer.body]).toEqual(['HTTP/1.1 200 OK', 'ok']);
    }
    expect(backend.connections.map(({ requests }) => requests.length)).toEqual([1, 2]);
  });
});

describe.concurrent('connections of clients', () => {
  it.each([
    ['HTTP/1.1 that says close', 'GET / HTTP/1.1', ['Connection: close'], 'close'],
    ['HTTP/1.1 that says Close among others', 'GET / HTTP/1.1', ['Connection: x-a, Close'], 'close'],
    ['HTTP/1.0', 'GET / HTTP/1.0', [], 'close'],
    ['HTTP/1.0 that says both', 'GET / HTTP/1.0', ['Connection: keep-alive, close'], 'close'],
  ])('end behind the answer: %s', async (_name, line, fields, connection) => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(requestText(line, fields) + get('/never'));
    const { ending } = await client.ended();
    const answer = await client.answer();
    expect([answer.body, fieldOf(answer, 'connection'), ending, client.text]).toEqual(['ok', connection, 'fin', '']);
    expect(backend.requests).toHaveLength(1);
    expect(backend.connections[0]!.ending).toBeUndefined();
  });

  it('live on for an HTTP/1.0 client that says keep-alive, and are told so', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(requestText('GET / HTTP/1.0', ['Connection: Keep-Alive'])).answer();
      expect([answer.body, fieldOf(answer, 'connection')]).toEqual(['ok', 'keep-alive']);
    }
    expect(backend.requests.map(({ startLine }) => startLine)).toEqual(['GET / HTTP/1.1', 'GET / HTTP/1.1']);
  });

  it('take in and discard what a client still sends while they close', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(get('/', 'Connection: close'));
    await client.until(() => client.ending === 'fin', 'FIN');
    for (let i = 0; i < 20; i++) {
      client.send(get('/late'));
      await pause(5);
    }
    expect([client.ending, backend.requests.length]).toEqual(['fin', 1]);
  });

  it('live on over answers of all kinds and sizes', async () => {
    const bodies = ['', 'x', 'y'.repeat(100_000)];
    const backend = await startBackend((request) => {
      const body = bodies[Number(request.startLine.split(' ')[1]!.slice(1))]!;
      return request.startLine.startsWith('POST') ? answerText(request.body) : answerText(body);
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (const [i, body] of bodies.entries()) {
      expect((await client.send(get(`/${i}`)).answer()).body).toBe(body);
      expect((await client.send(post(`/${i}`, body)).answer()).body).toBe(body);
    }
    expect(backend.connections).toHaveLength(1);
  });
});
