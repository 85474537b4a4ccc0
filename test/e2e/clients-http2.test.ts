import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { runFairlead } from '../support/running.ts';
import { curl, curls, HOST, run, type Way } from './client-runs.ts';
import { startEveryAnswer } from './every-answer.ts';

/** The same kind of port, at the backend itself and at Fairlead. */
interface Ways {
  readonly direct: Way;
  readonly through: Way;
}

type Kind = 'http/1.1' | 'h2c' | 'tls';

let folder: string;
let file: string;
let ways: Readonly<Record<Kind, Ways>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-clients-'));
  file = join(folder, 'body');
  await writeFile(file, Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255)));
  const backend = await startEveryAnswer(HOST);
  const http = { protocol: 'http', bind: '127.0.0.1:0', pool: 'apps' } as const;
  const lb = await runFairlead({
    listeners: { plain: http, secure: { ...http, tls: new TestAuthority().for(HOST) } },
    pools: { apps: { backends: [backend.address], health: { type: 'off' } } },
  });
  const port = (listener: string) => Number(lb.address(listener).split(':')[1]);
  const plain = { scheme: 'http', port: port('plain') } as const;
  ways = {
    'http/1.1': { direct: { scheme: 'http', port: backend.port }, through: plain },
    h2c: { direct: { scheme: 'http', port: backend.h2Port }, through: plain },
    tls: { direct: { scheme: 'https', port: backend.tlsPort }, through: { scheme: 'https', port: port('secure') } },
  };
});
afterAll(async () => {
  await closeOpened();
  await rm(folder, { recursive: true });
});

/** Uses a client both ways, and gives back what it saw once that is known to be the same. */
async function compare(kind: Kind, use: (way: Way) => Promise<unknown>): Promise<unknown> {
  const expected = await use(ways[kind].direct);
  expect(await use(ways[kind].through)).toEqual(expected);
  return expected;
}

/**
 * HTTP/2 has no such thing: chunks, upgrades of a connection. And Node resets an upload that it has refused, at which curl
 * drops the answer that it had.
 */
const onlyHttp1 = new Set([
  'chunks as they are',
  'trailers as they are',
  'an upgrade',
  'an upgrade that is refused',
  'PUT whose expectation fails',
]);
const stories = curls
  .filter(([story]) => !onlyHttp1.has(story) && !story.startsWith('HTTP/1.0'))
  .map(
    ([story, path, args]) =>
      [story, path.replace('/echo', '/meant').replace(/other$/, 'other?to=/meant'), args] as const,
  );
/** Node answers no ALPN of HTTP/1.0; the comparison of HTTP/1.1 in the clear has those. */
const secureStories = curls.filter(([story]) => !story.startsWith('HTTP/1.0'));

describe('curl', () => {
  it.each(secureStories)('over TLS with HTTP/1.1: %s', async (_story, path, args) => {
    await compare('tls', (way) => curl(way, path, ['--http1.1', ...args(file)], folder));
  });

  it.each(stories)('over TLS with HTTP/2 by ALPN: %s', async (_story, path, args) => {
    const seen = await compare('tls', (way) => curl(way, path, ['--http2', ...args(file)], folder));
    expect(seen).toMatchObject({ heads: expect.arrayContaining([expect.stringMatching(/^HTTP\/2 /)]) });
  });

  it.each(stories)('with prior knowledge: %s', async (_story, path, args) => {
    const seen = await compare('h2c', (way) => curl(way, path, ['--http2-prior-knowledge', ...args(file)], folder));
    expect(seen).toMatchObject({ heads: expect.arrayContaining([expect.stringMatching(/^HTTP\/2 /)]) });
  });

  it.each(stories)('asking for HTTP/2 in the clear, which nobody upgrades to: %s', async (_story, path, args) => {
    await compare('http/1.1', (way) => curl(way, path, ['--http2', ...args(file)], folder));
  });

  it.each(['http/1.1', 'tls'] as const)('opens a WebSocket by hand: %s', async (kind) => {
    const key = ['-H', 'Sec-WebSocket-Version: 13', '-H', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
    const fields = ['-H', 'Connection: Upgrade', '-H', 'Upgrade: websocket', ...key];
    // The socket stays open, so curl is told to leave, which is an exit code of its own.
    const seen = await compare(kind, (way) => curl(way, '/chat', ['--http1.1', '-m', '1', ...fields], folder));
    expect(seen).toMatchObject({
      code: 28,
      heads: expect.arrayContaining(['Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']),
    });
  });
});

const urlOf = ({ scheme, port }: Way, path: string): string => `${scheme}://127.0.0.1:${port}${path}`;
const authority = ['-H', `:authority: ${HOST}`];

/** The lines of h2load's report that do not tell of time, and the bytes of the bodies. */
async function h2load(way: Way, path: string, args: readonly string[]): Promise<unknown> {
  const { code, out } = await run('h2load', [
    '-n',
    '300',
    '-c',
    '4',
    '-m',
    '8',
    ...authority,
    ...args,
    urlOf(way, path),
  ]);
  const lines = out.split('\n').filter((line) => /^(requests|status codes|Application protocol):/.test(line));
  return { code, lines, data: /\((\d+)\) data$/m.exec(out)?.[1] };
}

/** The fields and trailers that nghttp received, and the bytes of the bodies, stream by stream. */
async function nghttp(way: Way, path: string, args: readonly string[]): Promise<unknown> {
  const { code, out } = await run('nghttp', ['-v', '-n', '--no-dep', ...authority, ...args, urlOf(way, path)]);
  const streams: Record<string, { fields: string[]; bytes: number }> = {};
  const of = (id: string) => (streams[id] ??= { fields: [], bytes: 0 });
  for (const [, id, field] of out.matchAll(/recv \(stream_id=(\d+)\) (.*)$/gm)) of(id!).fields.push(field!);
  for (const [, length, id] of out.matchAll(/recv DATA frame <length=(\d+), flags=\w+, stream_id=(\d+)>/g))
    of(id!).bytes += Number(length);
  // NO_ERROR only says that a stream is over.
  const resets = [...out.matchAll(/recv RST_STREAM[\s\S]*?error_code=(\w+)/g)]
    .map(([, error]) => error)
    .filter((error) => error !== 'NO_ERROR');
  return { code, streams: Object.values(streams), resets };
}

describe.each(['h2c', 'tls'] as const)('by %s', (kind) => {
  it.each<[string, string, () => readonly string[]]>([
    ['small answers', '/hello', () => []],
    ['large answers', '/large', () => ['-n', '20']],
    ['answers in pieces', '/chunked', () => []],
    ['POST', '/meant', () => ['-d', file, '-n', '50']],
    ['errors', '/500', () => []],
    ['trailers', '/trailers', () => []],
  ])('h2load: %s', async (_story, path, args) => {
    const seen = await compare(kind, (way) => h2load(way, path, args()));
    expect(seen).toMatchObject({ code: 0, data: expect.stringMatching(/^[1-9]/) });
  });

  it.each<[string, string, () => readonly string[]]>([
    ['an answer with its fields', '/hello', () => []],
    ['many streams', '/chunked', () => ['-m', '20']],
    ['a body with a length', '/meant', () => ['-d', file]],
    ['a body without a length', '/meant', () => ['-d', file, '--no-content-length']],
    ['trailers of its own', '/meant', () => ['-d', file, '--no-content-length', '--trailer', 'x-sum: abc']],
    ['trailers of the answer', '/trailers', () => []],
    ['early hints', '/hints', () => []],
    ['204', '/204', () => []],
    ['a large body in small windows', '/large', () => ['-w', '12', '-W', '13']],
    ['padding', '/meant', () => ['-b', '200']],
    ['an answer that breaks off', '/broken', () => []],
    ['an answer of chunks that breaks off', '/broken-without-length', () => []],
    ['an answer of no known length that breaks off', '/broken-until-close', () => []],
    ['404', '/nowhere', () => []],
  ])('nghttp: %s', async (_story, path, args) => {
    const seen = await compare(kind, (way) => nghttp(way, path, args()));
    expect(seen).toMatchObject({ streams: expect.arrayContaining([expect.anything()]) });
  });
});

/** A WebSocket's life: how it was opened, every message that came back, and how it ended. */
async function chat({ scheme, port }: Way, path: string, options: object): Promise<unknown> {
  const url = `${scheme === 'https' ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`;
  const socket = new WebSocket(url, ['chat', 'other'], {
    rejectUnauthorized: false,
    headers: { host: HOST },
    ...options,
  });
  const seen: unknown[] = [];
  socket.on('upgrade', ({ statusCode, headers }) => {
    // It answers to a key that is new each time.
    const { 'sec-websocket-accept': accept, ...others } = headers;
    seen.push(statusCode, accept !== undefined, others);
  });
  const parts: (string | Buffer)[] = ['text, ü', Buffer.from([0, 255, 1]), '', Buffer.alloc(200_000, 7), 'end'];
  const next = (): void => socket.send(parts.shift()!);
  socket.on('open', () => {
    seen.push(socket.protocol, socket.extensions);
    socket.ping('are you there');
  });
  socket.on('pong', (data) => {
    seen.push(`pong ${data}`);
    next();
  });
  socket.on('message', (data: RawData, isBinary) => {
    const bytes = data as Buffer;
    seen.push([isBinary, bytes.length, bytes.subarray(0, 20).toString('latin1')]);
    next();
  });
  socket.on('error', ({ message }) => seen.push(message));
  const [code, reason] = await new Promise<[number, Buffer]>((resolve) => {
    socket.on('close', (...end) => resolve(end));
  });
  return [...seen, code, String(reason)];
}

describe.each(['http/1.1', 'tls'] as const)('ws by %s', (kind) => {
  it.each([
    ['messages both ways', '/chat', {}],
    ['without compression', '/chat', { perMessageDeflate: false }],
    ['an upgrade that is refused', '/no-upgrade', {}],
  ])('%s', async (_story, path, options) => {
    const seen = await compare(kind, (way) => chat(way, path, options));
    expect(seen).toEqual(expect.arrayContaining(path === '/chat' ? ['pong are you there', 4000] : [1006]));
  });
});

describe('the tools of this suite', () => {
  it.each(['curl', 'h2load', 'nghttp'])('%s is installed', (tool) => {
    expect(spawnSync(tool, ['--version']).error).toBeUndefined();
  });
});
