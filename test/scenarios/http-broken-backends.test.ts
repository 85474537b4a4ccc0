import type net from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { startDeafListener } from '../support/deaf-listener.ts';
import { fieldOf, type HttpText } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterAll(closeOpened);

const admin = { bind: '127.0.0.1:0' };

/** A balancer before one backend that does this with every connection once something has come. */
async function startOver(onRequest: (socket: net.Socket) => unknown): Promise<RunningFairlead> {
  const peer = await startPeer((socket) => void socket.once('data', () => onRequest(socket)));
  return runFairlead({ ...webConfig([peer.address]), admin });
}

function failures(lb: RunningFairlead, reason: string): Promise<number> {
  return metric(lb, 'backend_failures_total', { reason });
}

/** The whole of an error of ours but its cause. */
function ourError(answer: HttpText) {
  const names = ['fairlead-error', 'content-type', 'retry-after', 'connection'];
  return { status: answer.status, fields: names.map((name) => fieldOf(answer, name)) };
}

const failed = { status: 502, fields: ['backend-failed', 'text/plain; charset=utf-8', '', ''] };

describe.concurrent('a head that cannot be trusted (the cases are in test/conformance)', () => {
  it('to HEAD is told without a body', async () => {
    const lb = await startOver((socket) => socket.write('garbage\r\n'));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(requestText('HEAD / HTTP/1.1')).answer({ bodiless: true });
      expect([answer.status, client.text]).toEqual([502, '']);
    }
  });
});

describe.concurrent('a backend that does not answer', () => {
  it.each([
    ['closes', (socket: net.Socket) => socket.end()],
    ['resets', (socket: net.Socket) => socket.resetAndDestroy()],
    ['closes in the middle of its head', (socket: net.Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
  ])('but %s is told of with 502', async (_name, onRequest) => {
    const lb = await startOver(onRequest);
    const client = await connectTo(lb.address());
    const answer = await client.send(post('/', 'x')).answer();
    expect([ourError(answer), answer.body]).toEqual([failed, 'the backend closed the connection before it answered\n']);
    expect((await client.send(post('/', 'x')).answer()).status).toBe(502);
  });

  it('in time is told of with 504, and its connection is not used again', async () => {
    const backend = await startBackend((request) =>
      request.startLine.includes('/slow') ? undefined : answerText('ok'),
    );
    const lb = await runFairlead(webConfig([backend.address], { routes: [{ pool: 'web', timeout: '600ms' }] }));
    const client = await connectTo(lb.address());
    const since = performance.now();
    const answer = await client.send(get('/slow')).answer();
    expect(performance.now() - since).toBeGreaterThan(590);
    expect(ourError(answer)).toEqual({
      ...failed,
      status: 504,
      fields: ['backend-timeout', ...failed.fields.slice(1)],
    });
    expect((await client.send(get()).answer()).body).toBe('ok');
    expect(backend.connections.map(({ ending }) => ending)).toEqual(['fin', undefined]);
    expect(backend.requests).toHaveLength(2);
  });

  it('completely, but began in time, is not cut by the route timeout', async () => {
    const backend = await startBackend((_, { socket }) => {
      setTimeout(() => socket.write('ow'), 1500);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl';
    });
    const lb = await runFairlead(webConfig([backend.address], { routes: [{ pool: 'web', timeout: '1s' }] }));
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).body).toBe('slow');
  });

  it('since it never accepts is told of with 504 after the connect timeout', async () => {
    const deaf = await startDeafListener();
    const lb = await runFairlead({ ...webConfig([deaf.address], {}, { connect: { timeout: '150ms' } }), admin });
    const client = await connectTo(lb.address());
    const since = performance.now();
    const answer = await client.send(post('/', 'x')).answer();
    expect(performance.now() - since).toBeGreaterThan(140);
    expect(ourError(answer).fields[0]).toBe('backend-timeout');
    expect(answer.body).toBe('the backend did not accept the connection in time\n');
    await eventually(async () => (await failures(lb, 'connect-timeout')) === 1, 'the count of failures');
    expect(await metric(lb, 'backend_active')).toBe(0);
  });
});

describe.concurrent('bytes behind an answer', () => {
  it.each([
    ['in the same packet', (socket: net.Socket) => socket.write(answerText('ok') + answerText('evil'))],
    ['later', (socket: net.Socket) => socket.write(answerText('ok'), () => setTimeout(() => socket.write('x'), 20))],
  ])('%s reach no client, and the connection is not used again', async (_name, onRequest) => {
    const peer = await startPeer((socket) => void socket.on('data', () => onRequest(socket)));
    const lb = await runFairlead(webConfig([peer.address]));
    for (let i = 0; i < 3; i++) {
      const client = await connectTo(lb.address());
      expect((await client.send(get()).answer()).body).toBe('ok');
      await eventually(() => peer.open === 0, 'the end of the connection');
      expect(client.text).toBe('');
    }
    expect(peer.taken).toBe(3);
  });
});

describe.concurrent('an answer that comes before the whole request', () => {
  it('is passed on, then both connections end', async () => {
    const backend = await startPeer((socket) => void socket.once('data', () => socket.write(answerText('enough'))));
    const lb = await runFairlead({ ...webConfig([backend.address]), admin });
    const client = await connectTo(lb.address());
    client.send(`${requestText('POST / HTTP/1.1', ['Content-Length: 1000000'])}begin`);
    const { ending } = await client.ended();
    const answer = await client.answer();
    expect([answer.body, fieldOf(answer, 'connection'), ending]).toEqual(['enough', 'close', 'fin']);
    await eventually(() => backend.open === 0, 'the end of the backend connection');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it.each([
    ['closes', (socket: net.Socket) => void socket.destroy()],
    ['resets', (socket: net.Socket) => void socket.resetAndDestroy()],
  ])('reaches a client that still sends when the backend %s its connection behind it', async (_how, finish) => {
    const rest = 'r'.repeat(100_000);
    for (let i = 0; i < 10; i++) {
      const begun = Promise.withResolvers<net.Socket>();
      const backend = await startPeer((socket) => void socket.once('data', () => begun.resolve(socket)));
      const lb = await runFairlead({ ...webConfig([backend.address]), admin });
      const client = await connectTo(lb.address());
      client.send(`${requestText('POST / HTTP/1.1', ['Content-Length: 1000000'])}begin`);
      const socket = await begun.promise;
      // Seen first, so that writing it fails before the answer is read.
      client.send(rest);
      socket.write(answerText('too large', '413 Content Too Large'));
      finish(socket);
      const answer = await client.answer();
      expect([answer.status, answer.body]).toEqual([413, 'too large']);
      client.close();
      await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of the lease');
      expect(await metric(lb, 'backend_failures_total')).toBe(0);
    }
  });

  it('and ends after it serves the client like any other', async () => {
    const backend = await startPeer(
      (socket) =>
        void socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlong');
          socket.once('data', () => socket.write('er..'));
        }),
    );
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    client.send(`${requestText('POST / HTTP/1.1', ['Content-Length: 9'])}begin`);
    await client.until(() => client.text.endsWith('long'), 'the first half');
    expect((await client.send(' end').answer()).body).toBe('longer..');
  });
});
