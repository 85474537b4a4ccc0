import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { fieldOf, readMessage } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { type RecordedConnection, startBackend } from '../support/recording-backend.ts';
import { chunked, get, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

/** A backend that answers with these bytes, cut at these places, and a balancer before it. */
async function startOver(pieces: () => readonly string[], end = false): Promise<RunningFairlead> {
  const backend = await startBackend((_, { socket }) => {
    void sendPieces(socket, pieces(), end);
    return undefined;
  });
  return runFairlead(webConfig([backend.address]));
}

async function sendPieces(socket: RecordedConnection['socket'], pieces: readonly string[], end: boolean) {
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
    await new Promise(setImmediate);
  }
  if (end) socket.end();
}

function cutAt(text: string, at: readonly number[]): string[] {
  const ends = [...at].sort((a, b) => a - b).concat(text.length);
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end)).filter((piece) => piece !== '');
}

const cuts = (text: string) => fc.array(fc.nat(text.length), { maxLength: 8 });

const trailers = ['Expires: never', 'X-Sum: abc'];
const coded = chunked(['one ', 'a'.repeat(300), 'three'], trailers);
const decoded = `one ${'a'.repeat(300)}three`;

describe('an answer', () => {
  it('in chunks arrives as it was sent, trailers included, however it was cut', async () => {
    const answer = `HTTP/1.1 200 OK\r\nTrailer: Expires, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${coded}`;
    let pieces: string[] = [];
    const lb = await startOver(() => pieces);
    const client = await connectTo(lb.address());
    await fc.assert(
      fc.asyncProperty(cuts(answer), async (at) => {
        pieces = cutAt(answer, at);
        client.text = '';
        await client.send(get()).answers(1);
        expect(client.text).toBe(answer);
      }),
      { numRuns: 40 },
    );
    expect(readMessage(answer)).toMatchObject({ body: decoded, trailers });
  });

  it('in chunks with extensions keeps them', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;q="a b"\r\nok\r\n0;last\r\n\r\n';
    const lb = await startOver(() => [answer]);
    const client = await connectTo(lb.address());
    await client.send(get()).answers(1);
    expect(client.text).toBe(answer);
  });

  it('in chunks comes to an HTTP/1.0 client without them, in any cut, and ends with the connection', async () => {
    const answer = `HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n${coded}`;
    let pieces: string[] = [];
    const lb = await startOver(() => pieces);
    await fc.assert(
      fc.asyncProperty(cuts(answer), async (at) => {
        pieces = cutAt(answer, at);
        const client = await connectTo(lb.address());
        client.send(requestText('GET / HTTP/1.0', ['Connection: keep-alive']));
        const { text, ending } = await client.ended();
        client.close();
        expect([text, ending]).toEqual([`HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: close\r\n\r\n${decoded}`, 'fin']);
      }),
      { numRuns: 30 },
    );
  });

  it.each(['HTTP/1.1', 'HTTP/1.0'])(
    'without a length ends with the connection, for a client of %s',
    async (version) => {
      const body = 'b'.repeat(200_000);
      const lb = await startOver(() => ['HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n', body.slice(0, 5), body.slice(5)], true);
      const client = await connectTo(lb.address());
      const { ending } = await client.send(requestText(`GET / ${version}`)).ended();
      const answer = await client.answer();
      expect([answer.body === body, fieldOf(answer, 'connection'), ending]).toEqual([true, 'close', 'fin']);
    },
  );

  it('of no bytes until the connection ends is whole', async () => {
    const lb = await startOver(() => ['HTTP/1.0 200 OK\r\n\r\n'], true);
    const client = await connectTo(lb.address());
    const { text, ending } = await client.send(get()).ended();
    expect([text, ending]).toEqual(['HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', 'fin']);
  });

  it('of known length ends there', async () => {
    const lb = await startOver(() => ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', '01234', '56', '789']);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 3; i++) expect((await client.send(get()).answer()).body).toBe('0123456789');
  });

  it('carries every byte value', async () => {
    const body = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)).toString('latin1');
    for (const size of [256, 17_000, 70_000]) {
      const lb = await startOver(() => [
        `HTTP/1.1 200 \xe4\xff\r\nContent-Length: ${size}\r\n\r\n${body.slice(0, size)}`,
      ]);
      const client = await connectTo(lb.address());
      const answer = await client.send(get()).answer();
      expect([answer.startLine, answer.body === body.slice(0, size)]).toEqual(['HTTP/1.1 200 \xe4\xff', true]);
    }
  });
});

describe('a request', () => {
  it('in chunks reaches the backend as it was sent, trailers included, however it was cut', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const request = requestText('POST / HTTP/1.1', ['Trailer: X-Sum', 'Transfer-Encoding: chunked'], coded);
    const client = await connectTo(lb.address());
    await fc.assert(
      fc.asyncProperty(cuts(request), async (at) => {
        await sendPieces(client.socket, cutAt(request, at), false);
        await client.answer();
        const got = backend.requests.at(-1)!;
        expect([got.body, got.trailers, fieldOf(got, 'transfer-encoding')]).toEqual([decoded, trailers, 'chunked']);
      }),
      { numRuns: 40 },
    );
    expect(backend.connections.every(({ text }) => text.endsWith(`\r\n\r\n${coded}`))).toBe(true);
  });

  it.each([
    ['POST', 'Content-Length: 0', ''],
    ['GET', 'Content-Length: 4', 'body'],
    ['DELETE', 'Transfer-Encoding: chunked', chunked(['body'])],
    ['HEAD', 'Content-Length: 4', 'body'],
  ])('%s with %s carries its body', async (method, field, body) => {
    const backend = await startBackend('HTTP/1.1 204 No Content\r\n\r\n');
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      expect((await client.send(requestText(`${method} / HTTP/1.1`, [field], body)).answer()).status).toBe(204);
    }
    expect(backend.requests.map((request) => request.body)).toEqual(Array(2).fill(body === '' ? '' : 'body'));
  });

  it('carries every byte value', async () => {
    const body = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)).toString('latin1');
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    for (const size of [256, 17_000, 70_000]) {
      const head = requestText('PUT / HTTP/1.1', [`Content-Length: ${size}`]);
      client.send(head + body.slice(0, 100));
      await new Promise(setImmediate);
      await client.send(body.slice(100, size)).answer();
      expect(backend.requests.at(-1)!.body === body.slice(0, size)).toBe(true);
    }
  });
});

describe('addresses of any family', () => {
  it.each([
    ['IPv6', { host: '::1', port: 0 }, '[::1]:0'],
    ['Unix', { path: join(tmpdir(), `fairlead-http-${process.pid}.sock`) }, '127.0.0.1:0'],
    ['IPv4 from a dual-stack listener', { host: '127.0.0.1', port: 0 }, ':0'],
  ])('carry requests and answers: %s', async (_name, where, bind) => {
    const peer = await startPeer(
      (socket) => {
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
          const request = readMessage(text);
          if (request === undefined) return;
          const body = `${fieldOf(request, 'x-forwarded-for')} ${request.body}`;
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
          text = '';
        });
      },
      { where },
    );
    const lb = await runFairlead(webConfig([peer.address], { bind }));
    const to = bind === ':0' ? lb.address().replace(/^.*:/, '127.0.0.1:') : lb.address();
    const client = await connectTo(to);
    const source = bind.startsWith('[') ? '::1' : '127.0.0.1';
    for (let i = 0; i < 2; i++) {
      client.send(requestText('POST / HTTP/1.1', ['Content-Length: 4'], 'body'));
      expect((await client.answer()).body).toBe(`${source} body`);
    }
    expect(peer.taken).toBe(1);
  });

  it('carry requests of a client on a Unix socket', async () => {
    const backend = await startBackend();
    const path = join(tmpdir(), `fairlead-http-listener-${process.pid}.sock`);
    const lb = await runFairlead(webConfig([backend.address], { bind: `unix:${path}` }));
    const client = await connectTo(`unix:${path}`);
    expect((await client.send(get()).answer()).body).toBe('ok');
    const closed = once(client.socket, 'close');
    client.end();
    await closed;
    expect(lb.address()).toBe(`unix:${path}`);
  });
});
