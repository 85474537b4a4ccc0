import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcProbe } from '../../src/health/grpc-probe.ts';
import type { HttpProbeDeps } from '../../src/health/http-probe.ts';
import type { Endpoint } from '../../src/health/probe.ts';
import { systemClock } from '../../src/support/clock.ts';
import { createResolver, lookupThrough } from '../../src/support/resolve.ts';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { closeBackends, reasonOf, refusing, socketBackend, tcpAt } from './socket-backend.ts';

afterEach(async () => {
  closeBackends();
  await closeOpened();
});

const deps: HttpProbeDeps = { lookup: lookupThrough(createResolver(systemClock)), version: '1.2.3' };

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function listening(server: Server): Promise<Endpoint> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  remember({ close: () => server.close() });
  return tcpAt('127.0.0.1', (server.address() as AddressInfo).port);
}

/** A backend over HTTP/2 that answers each request so, with what it was asked. */
async function backend(answer: (stream: ServerHttp2Stream) => void, pair?: { cert: string; key: string }) {
  const server = pair === undefined ? http2.createServer() : http2.createSecureServer(pair);
  const asked: Asked[] = [];
  let open = 0;
  server.on('session', (session) => {
    open++;
    session.on('error', () => {}).on('close', () => open--);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      asked.push({ headers, body: Buffer.concat(chunks) });
      answer(stream);
    });
  });
  return { to: await listening(server), asked, open: () => open };
}

/** Answers with this message in gRPC's frame, and this status in the trailers. */
function says(message: number[], grpcStatus = '0') {
  return (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  };
}

const soon = () => AbortSignal.timeout(5000);
const check = (to: Endpoint, more: Partial<HttpProbeDeps> = {}) =>
  new GrpcProbe({ ...deps, ...more }).check(to, soon());

describe('a gRPC probe', () => {
  it('asks the health service for the server as a whole, and ends its connection', async () => {
    const { to, asked, open } = await backend(says([8, 1]));
    await check(to);
    expect(asked).toHaveLength(1);
    expect(asked[0]!.headers).toMatchObject({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'fairlead-health/1.2.3',
    });
    expect(asked[0]!.body).toEqual(Buffer.alloc(5));
    await expect.poll(open).toBe(0);
  });

  it.each([
    ['one that is not serving', says([8, 2]), 'the server says NOT_SERVING'],
    ['one that does not know', says([]), 'the server says UNKNOWN'],
    ['a status of a later version', says([8, 77]), 'the server says 77'],
    ['a message of something else', says([10, 1]), 'the answer is not that of a health service'],
    ['a message that goes on', says([8, 0x81, 0]), 'the answer is not that of a health service'],
    ['a failed call', says([], '13'), 'grpc-status 13'],
    ['no health service', trailersOnly('12'), 'grpc-status 12: the backend has no grpc.health.v1.Health service'],
    ['no status', (stream: ServerHttp2Stream) => whole(stream, [0, 0, 0, 0, 2, 8, 1]), 'the answer has no grpc-status'],
    ['a compressed message', compressed, 'the answer is not that of a health service'],
    ['a page', (stream: ServerHttp2Stream) => whole(stream, [1], 404), 'status 404, expected 200 of gRPC'],
    ['a long answer', (stream: ServerHttp2Stream) => whole(stream, Array(5000).fill(1)), /too long/],
    ['a reset', (stream: ServerHttp2Stream) => stream.close(2), 'the stream was reset'],
    [
      'the end of the session',
      (stream: ServerHttp2Stream) => stream.session!.destroy(),
      /closed before the answer|reset/,
    ],
  ])('fails on %s', async (_, answer, reason) => {
    const { to } = await backend(answer);
    const told = await reasonOf(check(to));
    if (typeof reason === 'string') expect(told).toBe(reason);
    else expect(told).toMatch(reason);
  });

  it('fails where nobody listens, and where something else does', async () => {
    expect(await reasonOf(check(await refusing()))).toBe('connection refused');
    const page = await socketBackend((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await reasonOf(check(page.to))).toMatch(/not HTTP\/2|closed before the answer/);
  });

  it('settles with the reason of its signal when a backend is silent', async () => {
    const { to } = await socketBackend((socket) => void socket.resume());
    const given = new AbortController();
    const checked = new GrpcProbe(deps).check(to, given.signal);
    setTimeout(() => given.abort(new Error('timed out')), 50);
    expect(await reasonOf(checked)).toBe('timed out');
  });

  it('speaks TLS with backends that do, and wants them to agree to HTTP/2', async () => {
    const authority = new TestAuthority();
    const files = authority.for('localhost');
    const pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
    const ca = readFileSync(authority.root.files.cert, 'utf8');
    const plan = { ca, serverName: 'localhost', verify: true, id: 'test', cert: '', key: '' };
    await check((await backend(says([8, 1]), pair)).to, { tls: plan });
    const other = await listening(tls.createServer(pair, (socket) => void socket.on('error', () => {})));
    expect(await reasonOf(check(other, { tls: plan }))).toBe('does not agree to HTTP/2 (ALPN)');
    const stranger = { ...plan, serverName: 'other.test' };
    expect(await reasonOf(check((await backend(says([8, 1]), pair)).to, { tls: stranger }))).toMatch(
      /^no TLS connection: /,
    );
  });
});

function whole(stream: ServerHttp2Stream, body: number[], status = 200): void {
  stream.respond({ ':status': status });
  stream.end(Buffer.from(body));
}

function trailersOnly(grpcStatus: string) {
  return (stream: ServerHttp2Stream) =>
    stream.respond({ ':status': 200, 'grpc-status': grpcStatus }, { endStream: true });
}

function compressed(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([1, 0, 0, 0, 2, 8, 1]));
}
