import type net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { answerText, type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { get, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterAll(closeOpened);

const wish = ['Connection: keep-alive, Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZQ=='];
const asking = requestText('GET /chat HTTP/1.1', [...wish, 'Sec-WebSocket-Protocol: a, b', 'Origin: http://o.test']);
const switched =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';

interface Upgraded {
  readonly client: RawClient;
  readonly socket: net.Socket;
  readonly connection: RecordedConnection;
  readonly lb: RunningFairlead;
}

/** A client and a backend that have changed protocols; `early` is what each says in the packet of its head. */
async function upgrade(early: { client?: string; backend?: string } = {}): Promise<Upgraded> {
  const backend = await startBackend((request) =>
    request.startLine.includes('/chat') ? switched + (early.backend ?? '') : answerText('ok'),
  );
  const lb = await runFairlead({ ...webConfig([backend.address]), admin: { bind: '127.0.0.1:0' } });
  const client = await connectTo(lb.address());
  client.send(asking + (early.client ?? ''));
  await client.until(() => client.text.startsWith(switched), '101');
  client.text = client.text.slice(switched.length);
  const connection = backend.connections.at(-1)!;
  return { client, connection, socket: connection.socket, lb };
}

describe.concurrent('an upgrade', () => {
  it('passes the handshake on whole, with Connection and Upgrade made anew', async () => {
    const { connection } = await upgrade();
    const [request] = connection.requests;
    expect(fieldOf(request!, 'connection')).toBe('Upgrade');
    expect(request!.fields.filter(([name]) => !name.startsWith('X-'))).toEqual([
      ['Host', 'a.test'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZQ=='],
      ['Sec-WebSocket-Protocol', 'a, b'],
      ['Origin', 'http://o.test'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ]);
  });

  it('makes a tunnel for bytes both ways', async () => {
    const { client, connection, socket } = await upgrade();
    client.send('\x00\xffGET \r\n');
    await eventually(() => connection.text.endsWith('\r\n\r\n\x00\xffGET \r\n'), 'bytes of the client');
    socket.write('\x81\x00\r\n', 'latin1');
    await client.until(() => client.text === '\x81\x00\r\n', 'bytes of the backend');
  });

  it('loses nothing that either side says in the packet of its head', async () => {
    const { client, connection } = await upgrade({ client: 'from the client', backend: 'from the backend' });
    await client.until(() => client.text === 'from the backend', 'early bytes of the backend');
    await eventually(() => connection.text.endsWith('\r\n\r\nfrom the client'), 'early bytes of the client');
  });

  it('carries what the client says before the 101, however much', async () => {
    const early = 'e'.repeat(300_000);
    let release: (() => void) | undefined;
    const backend = await startBackend((_, { socket }) => {
      release = () => socket.write(switched);
      return undefined;
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(asking + early);
    await eventually(() => release !== undefined, 'the request');
    await pause(30);
    release!();
    await eventually(() => backend.text.endsWith(`\r\n\r\n${early}`), 'all early bytes');
  });

  it.each(['client', 'backend'])('passes a half-close on and leaves the other way open (%s first)', async (first) => {
    const { client, connection, socket } = await upgrade();
    socket.removeAllListeners('end');
    let ended = false;
    socket.on('end', () => (ended = true));
    if (first === 'client') {
      client.send('last words').end();
      await eventually(() => ended && connection.text.endsWith('last words'), 'FIN at the backend');
      socket.end('still here');
      await client.until(() => client.ending === 'fin', 'FIN at the client');
      expect(client.text).toBe('still here');
    } else {
      socket.end('last words');
      await client.until(() => client.ending === 'fin', 'FIN at the client');
      expect(client.text).toBe('last words');
      client.send('still here').end();
      await eventually(() => ended && connection.text.endsWith('still here'), 'FIN at the backend');
    }
  });

  it('passes on a FIN that the client has sent before the 101', { retry: 8 }, async () => {
    const backend = await startBackend((_, { socket }) => {
      setTimeout(() => socket.write(switched), 5);
      return undefined;
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(`${asking}all I say`).end();
    await client.until(() => client.text === switched, '101');
    await eventually(() => backend.connections[0]!.ending === 'fin', 'FIN at the backend');
    expect(backend.connections[0]!.text).toMatch(/\r\n\r\nall I say$/);
    expect((await client.ended()).ending).toBe('fin');
  });

  it.each(['client', 'backend'])('passes a reset on as a reset (%s)', async (first) => {
    const { client, connection, socket } = await upgrade();
    if (first === 'client') {
      client.reset();
      await eventually(() => connection.ending === 'reset', 'reset at the backend');
    } else {
      socket.resetAndDestroy();
      expect((await client.ended()).ending).toBe('reset');
    }
  });

  it('holds its lease and its connection until it is over, and is counted as 101', async () => {
    const { client, lb } = await upgrade();
    const active = async () => [await metric(lb, 'backend_active'), await metric(lb, 'connections_active')];
    await eventually(async () => (await metric(lb, 'requests_total', { code: '101' })) === 1, 'the count of 101');
    expect(await active()).toEqual([1, 1]);
    client.send('x'.repeat(1000));
    await eventually(
      async () => (await metric(lb, 'bytes_total', { direction: 'in' })) === asking.length + 1000,
      'bytes',
    );
    client.end();
    await eventually(async () => (await active()).join() === '0,0', 'the end of the tunnel');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it('takes a fresh connection, which is not used again', async () => {
    const backend = await startBackend((request, { socket }) => {
      if (!request.startLine.includes('/chat')) return answerText('ok');
      socket.end(switched);
      return undefined;
    });
    const lb = await runFairlead(webConfig([backend.address]));
    const other = await connectTo(lb.address());
    await other.send(get()).answer();
    const client = await connectTo(lb.address());
    client.send(asking).end();
    await client.ended();
    await other.send(get()).answer();
    expect(backend.connections.map(({ requests }) => requests.length)).toEqual([2, 1]);
  });

  it('works behind other requests on the same connection', async () => {
    const backend = await startBackend((request) =>
      request.startLine.includes('/chat') ? `${switched}hi` : answerText('ok'),
    );
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(`${get()}${asking}ping`);
    await client.until(() => client.text === `${answerText('ok')}${switched}hi`, 'both answers');
    await eventually(() => backend.text.endsWith('ping'), 'the bytes behind');
  });
});

describe.concurrent('an upgrade that does not happen', () => {
  it.each([
    ['403 Forbidden', [], ''],
    ['426 Upgrade Required', ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'], 'Upgrade'],
    ['200 OK', [], ''],
  ])('is answered as the backend answers, and stays HTTP: %s', async (status, fields, connection) => {
    const backend = await startBackend((request) =>
      request.startLine.includes('/chat') ? answerText('no', status, fields) : answerText('http'),
    );
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(asking + get('/next'));
    const [refused, next] = await client.answers(2);
    expect([refused!.startLine, refused!.body, fieldOf(refused!, 'connection')]).toEqual([
      `HTTP/1.1 ${status}`,
      'no',
      connection,
    ]);
    expect(fieldOf(refused!, 'upgrade')).toBe(fields.length > 0 ? 'websocket' : '');
    expect([next!.body, client.ending]).toEqual(['http', undefined]);
  });

  it.each([
    ['nobody asked', get('/chat')],
    ['HTTP/1.0 cannot ask', requestText('GET /chat HTTP/1.0', wish)],
    ['h2c is never passed on', requestText('GET /chat HTTP/1.1', ['Connection: Upgrade', 'Upgrade: h2c'])],
    ['the Connection field does not name it', requestText('GET /chat HTTP/1.1', ['Upgrade: websocket'])],
  ])('makes a 101 a failure of the backend: %s', async (_why, request) => {
    const backend = await startBackend(`${switched}early`);
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    const answer = await client.send(request).answer();
    expect([answer.status, fieldOf(answer, 'fairlead-error')]).toEqual([502, 'backend-failed']);
    expect(answer.body).toContain('switch of protocols');
    expect(['upgrade', 'connection'].map((name) => fieldOf(backend.requests[0]!, name))).toEqual(['', '']);
  });

  it('for h2c leaves a plain request that is served', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP'));
    expect((await client.answer()).body).toBe('ok');
    expect(fieldOf(backend.requests[0]!, 'http2-settings')).toBe('');
  });

  it('for want of a backend is answered by Fairlead', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    await backend.close();
    const client = await connectTo(lb.address());
    expect((await client.send(asking).answer()).status).toBe(502);
  });
});
