import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, constants } from 'node:http2';
import fastify from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  ConfigError,
  createFairleadPool,
  type FairleadPool,
  type FairleadProxyOptions,
  fairleadProxy,
  type PoolInput,
} from '../../src/fastify/index.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { backend, echo, gateway, type Handler, poolOf } from './gateway.ts';

afterEach(closeOpened);

const active = (pool: FairleadPool) => pool.status().active;

describe('fairleadProxy, with requests', () => {
  it('balances, strips the prefix, and tells backends of the client', async () => {
    const [a, b] = [await backend(echo), await backend(echo)];
    const pool = await poolOf({ backends: [a.address, b.address] });
    const { url } = await gateway({ pool, rewritePrefix: '/v2' });
    const forged = { 'x-forwarded-for': '6.6.6.6', x_forwarded_for: '6.6.6.6', 'X-Request_Id': '6.6.6.6' };
    const fields = { ...forged, authorization: 'Bearer x', connection: 'x-hop', 'x-hop': '1' };
    const answers: { url: string; headers: Record<string, string> }[] = [];
    for (let n = 0; n < 4; n++) {
      const sent = request(`${url}/api/things?q=1`, { headers: fields }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answers.push(JSON.parse((await answer.toArray()).join('')));
    }
    expect(answers[0]).toMatchObject({
      url: '/v2/things?q=1',
      headers: { host: new URL(url).host, 'x-forwarded-for': '127.0.0.1', authorization: 'Bearer x' },
    });
    expect(answers[0]!.headers).not.toHaveProperty('x-hop');
    expect(Object.values(answers[0]!.headers)).not.toContain('6.6.6.6');
    expect(pool.status().backends.map(({ total }) => total)).toEqual([2, 2]);
    await vi.waitFor(() => expect(active(pool)).toBe(0));
    expect(await pool.render()).toContain('fairlead_requests_total{listener="fastify",route="/api",pool="apps"');
  });

  it('waits in the queue of the pool, until it is served, it takes too long, or the client leaves', async () => {
    const open: ServerResponse[] = [];
    const { address } = await backend((_, response) => void open.push(response));
    const pool = await poolOf({ backends: [{ address, maxConnections: 1 }], queue: { max: 1, timeout: '1500ms' } });
    const { url } = await gateway({ pool });
    const ask = async (signal?: AbortSignal) => (await fetch(`${url}/api/`, signal ? { signal } : {})).status;
    const waiting = (count: number) =>
      vi.waitFor(async () => expect(await pool.render()).toContain(`fairlead_queue_length{pool="apps"} ${count}\n`));
    const first = ask();
    await vi.waitFor(() => expect(open).toHaveLength(1));
    const leaving = new AbortController();
    const left = ask(leaving.signal).catch(() => 'left');
    await waiting(1);
    leaving.abort();
    expect(await left).toBe('left');
    await waiting(0);
    expect(await ask()).toBe(503);
    const second = ask();
    await waiting(1);
    expect(await ask()).toBe(503);
    open[0]!.end('ok');
    expect(await first).toBe(200);
    await vi.waitFor(() => expect(open).toHaveLength(2));
    open[1]!.end('ok');
    expect(await second).toBe(200);
  });

  it('streams bodies both ways', async () => {
    const { address } = await backend((incoming, response) => incoming.pipe(response));
    const { url } = await gateway({ pool: await poolOf({ backends: [address] }) });
    const body = 'x'.repeat(3_000_000);
    const answer = await fetch(`${url}/api/`, { method: 'POST', body });
    expect((await answer.text()).length).toBe(body.length);
  });

  it('passes a 503 on as it is, once', async () => {
    let asked = 0;
    const { address } = await backend((_incoming, response) => {
      asked++;
      response.writeHead(503, { 'retry-after': '3' }).end('busy');
    });
    const { url } = await gateway({ pool: await poolOf({ backends: [address] }) });
    const answer = await fetch(`${url}/api/`);
    expect([answer.status, answer.headers.get('retry-after'), await answer.text(), asked]).toEqual([
      503,
      '3',
      'busy',
      1,
    ]);
  });

  it('answers a request with Expect: 100-continue', async () => {
    const { address } = await backend((incoming, response) => incoming.pipe(response));
    const { url } = await gateway({ pool: await poolOf({ backends: [address] }) });
    const sent = request(`${url}/api/`, { method: 'POST', headers: { expect: '100-continue' } });
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end('body');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect([answer.statusCode, (await answer.toArray()).join('')]).toEqual([200, 'body']);
  });
});

describe('fairleadProxy, when something breaks', () => {
  it('asks another backend when one is gone, and leaves it out from then on', async () => {
    const [a, b] = [await backend(echo), await backend(echo)];
    const config = { backends: [a.address, b.address], health: { interval: '50ms', fall: 1 } };
    const pool = await poolOf(config);
    const { url } = await gateway({ pool });
    a.stop();
    for (let n = 0; n < 6; n++) expect((await fetch(`${url}/api/`)).status).toBe(200);
    expect(pool.status().backends[0]).toMatchObject({ health: 'down' });
    expect(pool.status().healthy).toBe(1);
  });

  it('asks the others little by little for what a backend had that dies, and loses nothing', async () => {
    const a = await backend(() => undefined);
    let under = 0;
    let most = 0;
    const b = await backend((_, response) => {
      most = Math.max(most, ++under);
      setTimeout(() => {
        under--;
        response.end('ok');
      }, 10);
    });
    const pool = await poolOf({ backends: [a.address, b.address] });
    const { url } = await gateway({ pool });
    const answers = Array.from({ length: 80 }, async () => (await fetch(`${url}/api/`)).status);
    await vi.waitFor(() => expect(pool.status().backends.map(({ total }) => total)).toEqual([40, 40]), 5000);
    await vi.waitFor(() => expect(active(pool)).toBe(40), 5000);
    most = 0;
    a.stop();
    expect((await Promise.all(answers)).filter((status) => status !== 200)).toEqual([]);
    // A fifth of the forty that were under way.
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(8);
    expect(await pool.render()).toContain('fairlead_retries_total{pool="apps",reason="backend-reset"} 40');
  });

  it('frees the place of a client that leaves while it waits to be tried again', async () => {
    const held: ServerResponse[] = [];
    const a = await backend(() => undefined);
    const b = await backend((_, response) => void held.push(response));
    const pool = await poolOf({ backends: [a.address, b.address] });
    const { url } = await gateway({ pool });
    const left = new AbortController();
    const ask = () =>
      fetch(`${url}/api/`, { signal: left.signal }).then(
        ({ status }) => status,
        () => 0,
      );
    const answers = Array.from({ length: 12 }, ask);
    await vi.waitFor(() => expect(pool.status().backends.map(({ total }) => total)).toEqual([6, 6]), 5000);
    a.stop();
    await vi.waitFor(() => expect(held).toHaveLength(6 + 3), 5000);
    left.abort();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([0]));
    await vi.waitFor(() => expect(active(pool)).toBe(0), 5000);
    for (const response of held) response.end('ok');
    expect(held).toHaveLength(9);
  });

  it('ejects a backend that goes on failing', async () => {
    const a = await backend((_incoming, response) => response.writeHead(502).end());
    const b = await backend(echo);
    const pool = await poolOf({ backends: [a.address, b.address], eject: { failures: 2, max: '50%' } });
    const { url } = await gateway({ pool });
    for (let n = 0; n < 4; n++) await (await fetch(`${url}/api/`)).text();
    await vi.waitFor(() => expect(pool.status().backends[0]).toMatchObject({ health: 'ejected', failures: 2 }));
    for (let n = 0; n < 4; n++) expect((await fetch(`${url}/api/`)).status).toBe(200);
  });

  it('says 502 or 503 in the form of Fairlead’s own errors', async () => {
    const a = await backend((incoming) => incoming.socket.destroy());
    const { url } = await gateway({ pool: await poolOf({ backends: [a.address] }) });
    const answer = await fetch(`${url}/api/`, { method: 'POST' });
    expect([answer.status, answer.headers.get('fairlead-error')]).toEqual([502, 'backend-failed']);
    const none = await gateway({ pool: await poolOf({ backends: [{ address: a.address, weight: 0 }] }) });
    const refusal = await fetch(`${none.url}/api/`);
    expect([refusal.status, refusal.headers.get('fairlead-error')]).toEqual([503, 'no-backend']);
  });

  it('never sends a POST twice that a backend may have seen', async () => {
    let seen = 0;
    const handler: Handler = (incoming) => {
      seen++;
      incoming.socket.destroy();
    };
    const [a, b] = [await backend(handler), await backend(handler)];
    const { url } = await gateway({ pool: await poolOf({ backends: [a.address, b.address] }) });
    expect([(await fetch(`${url}/api/`, { method: 'POST' })).status, seen]).toEqual([502, 1]);
  });

  it('aborts what a client has left, and holds it against no backend', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { address } = await backend((_incoming, response) => {
      begin();
      response.once('close', resolve);
    });
    const pool = await poolOf({ backends: [address] });
    const { url } = await gateway({ pool });
    const sent = request(`${url}/api/`).end();
    sent.on('error', () => undefined);
    await begun;
    expect(active(pool)).toBe(1);
    sent.destroy();
    await closed;
    await vi.waitFor(() => expect(pool.status()).toMatchObject({ active: 0, backends: [{ failures: 0 }] }));
  });

  it('aborts what a client over HTTP/2 has left', async () => {
    const { address } = await backend(() => undefined);
    const pool = await poolOf({ backends: [address] });
    const app = fastify({ http2: true });
    await app.register(fairleadProxy, { prefix: '/api', pool });
    const session = connect(await app.listen({ host: '127.0.0.1', port: 0 }));
    remember(app);
    remember({ close: () => session.destroy() });
    const stream = session.request({ ':path': '/api/' });
    stream.on('error', () => undefined);
    await vi.waitFor(() => expect(active(pool)).toBe(1));
    stream.close(constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(pool.status()).toMatchObject({ active: 0, backends: [{ failures: 0 }] }));
    expect(await pool.render()).toMatch(/fairlead_requests_total\{.*code="499"\} 1\n/);
  });

  it('keeps no place in the queue for a client that has left during the preHandler', async () => {
    const { address } = await backend(() => undefined);
    const pool = await poolOf({ backends: [{ address, maxConnections: 1 }], queue: { max: 1, timeout: 0 } });
    const leaving = new AbortController();
    const preHandler: FairleadProxyOptions['preHandler'] = async (request, reply) => {
      if (request.url !== '/api/leaving') return;
      leaving.abort();
      await once(reply.raw, 'close');
    };
    const { url } = await gateway({ pool, preHandler });
    const holding = request(`${url}/api/`).end();
    holding.on('error', () => undefined);
    remember({ close: () => holding.destroy() });
    await vi.waitFor(() => expect(active(pool)).toBe(1));
    await expect(fetch(`${url}/api/leaving`, { signal: leaving.signal })).rejects.toThrow();
    await vi.waitFor(async () => expect(await pool.render()).toContain('backend="",code="499"} 1\n'));
    expect(await pool.render()).toContain('fairlead_queue_length{pool="apps"} 0\n');
    expect(pool.status()).toMatchObject({ active: 1, backends: [{ total: 1 }] });
  });

  it('rejects a pool with problems', async () => {
    const app = fastify();
    app.register(fairleadProxy, { prefix: '/api', pool: { backends: ['nowhere'] } });
    await expect(app.ready()).rejects.toBeInstanceOf(ConfigError);
  });

  it('rejects a pool with settings that @fastify/http-proxy gives no hand in', async () => {
    const given: PoolInput = {
      backends: ['127.0.0.1:1'],
      connect: { http2: true, local: '127.0.0.1' },
      keepAlive: { max: 1 },
    };
    const error = await createFairleadPool(given).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems.map(({ key }) => key)).toEqual([
      'pools.apps.connect.http2',
      'pools.apps.connect.local',
      'pools.apps.keepAlive.max',
    ]);
    await poolOf({ backends: ['127.0.0.1:1'], connect: { http2: false, timeout: '1s' }, keepAlive: { idle: '1s' } });
  });

  it('ejects a backend whose failures differ from those of the others', { timeout: 30_000 }, async () => {
    let turn = 0;
    const odd = await backend((_, response) => response.writeHead(turn++ % 2 === 0 ? 503 : 200).end('odd'));
    const well = await backend(echo);
    const eject = { failures: 0, failureRate: '40%', for: '10m' } as const;
    const pool = await poolOf({ backends: [odd.address, well.address], eject });
    const { url } = await gateway({ pool });
    const ask = async () => (await fetch(`${url}/api/`)).status;
    const oddIsUp = () => pool.status().backends.find(({ address }) => address === odd.address)?.health !== 'ejected';
    const until = performance.now() + 20_000;
    while (oddIsUp() && performance.now() < until) await ask();
    expect(oddIsUp()).toBe(false);
    for (let i = 0; i < 5; i++) expect(await ask()).toBe(200);
  });
});

describe('fairleadProxy, with WebSockets', () => {
  async function sockets() {
    const fields: IncomingMessage['headers'][] = [];
    const { address, server } = await backend(echo);
    const upstream = new WebSocketServer({ server });
    upstream.on('connection', (socket, incoming) => {
      fields.push(incoming.headers);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    const pool = await poolOf({ backends: [{ address, maxConnections: 1 }] });
    const { url } = await gateway({ pool, websocket: true });
    return { url: `${url.replace('http', 'ws')}/api/chat`, pool, fields };
  }

  it('passes messages and the client’s fields, and holds a lease as long', async () => {
    const { url, pool, fields } = await sockets();
    const socket = new WebSocket(url, { headers: { authorization: 'Bearer x', origin: 'http://app.example' } });
    await once(socket, 'open');
    socket.send('hello');
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe('hello');
    expect(fields[0]).toMatchObject({
      authorization: 'Bearer x',
      origin: 'http://app.example',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(active(pool)).toBe(1);
    socket.close();
    await vi.waitFor(() => expect(active(pool)).toBe(0));
  });

  it('refuses the handshake when no backend can take it', async () => {
    const { url } = await sockets();
    await once(new WebSocket(url), 'open');
    const second = new WebSocket(url);
    second.on('error', () => undefined);
    const [, response] = (await once(second, 'unexpected-response')) as [unknown, IncomingMessage];
    expect([response.statusCode, response.headers['fairlead-error']]).toEqual([503, 'saturated']);
    second.terminate();
  });

  it('pauses a sender whose reader stops, and loses nothing', { timeout: 30_000 }, async () => {
    const { address, server } = await backend(echo);
    const message = Buffer.alloc(256 * 1024, 'x');
    const messages = 400;
    let flushed = 0;
    new WebSocketServer({ server }).on('connection', (socket) => {
      for (let i = 0; i < messages; i++) socket.send(message, () => flushed++);
    });
    const { url } = await gateway({ pool: await poolOf({ backends: [address] }), websocket: true });
    const reader = new WebSocket(`${url.replace('http', 'ws')}/api/chat`);
    let got = 0;
    reader.on('message', (data: Buffer) => {
      got += data.length;
    });
    await once(reader, 'open');
    reader.pause();
    let before = -1;
    await vi.waitFor(
      () => {
        const still = flushed === before;
        before = flushed;
        expect(still && flushed > 0).toBe(true);
      },
      { timeout: 10_000, interval: 300 },
    );
    // What the buffers of two connections hold, and what the plugin lets wait; all of it would be 100 MiB.
    expect(flushed).toBeLessThan(messages / 2);
    reader.resume();
    await vi.waitFor(() => expect(got).toBe(messages * message.length), { timeout: 15_000 });
    reader.close();
  });
});
