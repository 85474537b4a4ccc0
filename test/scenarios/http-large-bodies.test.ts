import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { hashOf, Sink, Source } from '../support/flow.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { get, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

const COUNT = 8;

async function connect(lb: RunningFairlead): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port: Number(lb.address().split(':')[1]) });
  remember({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

/** A size that is no multiple of any buffer's, and another for each connection. */
function sizeOf(index: number): number {
  return 1_500_000 + index * 411_111;
}

describe('large bodies on many connections at once', () => {
  it('come back from an echo as they were sent, while both ways move and readers pause', async () => {
    const peer = await startPeer((socket) => {
      let head = '';
      socket.on('data', (chunk: Buffer) => {
        if (head.endsWith('\r\n\r\n')) return void socket.write(chunk);
        const text = head + chunk.toString('latin1');
        const end = text.indexOf('\r\n\r\n') + 4;
        head = text.slice(0, end);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${/content-length: (\d+)/i.exec(head)![1]}\r\n\r\n`);
        socket.write(text.slice(end), 'latin1');
      });
    });
    const lb = await runFairlead({ ...webConfig([peer.address]), workers: 2, admin: { bind: '127.0.0.1:0' } });
    const echoed = await Promise.all(
      Array.from({ length: COUNT }, async (_, i) => {
        const socket = await connect(lb);
        const sink = new Sink(socket, true);
        socket.write(requestText('POST / HTTP/1.1', [`Content-Length: ${sizeOf(i)}`]));
        void new Source(i % 3).send(socket, sizeOf(i));
        for (let at = 300_000 * (i + 1); at < sizeOf(i); at += 900_000) {
          await sink.until(at);
          await sink.rest(15);
        }
        await sink.until(sizeOf(i));
        return sink.digest();
      }),
    );
    expect(echoed).toEqual(Array.from({ length: COUNT }, (_, i) => hashOf(sizeOf(i), i % 3)));
    await eventually(async () => (await metric(lb, 'backend_active')) === 0, 'the return of all leases');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it.each([
    ['HTTP/1.1', 'as chunks'],
    ['HTTP/1.0', 'without chunks'],
  ])('in chunks reach a client of %s %s', async (version) => {
    const pieces = Array.from({ length: 40 }, (_, i) => Buffer.alloc(10_000 + i * 5000, i + 1));
    const framed = pieces.flatMap((piece) => [`${piece.length.toString(16)}\r\n`, piece, '\r\n']);
    const peer = await startPeer((socket) =>
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        for (const part of framed) socket.write(part);
        socket.write('0\r\n\r\n');
      }),
    );
    const lb = await runFairlead(webConfig([peer.address]));
    const parts = version === 'HTTP/1.0' ? pieces : [...framed, '0\r\n\r\n'];
    const expected = createHash('sha256');
    for (const part of parts) expected.update(part);
    const digest = expected.digest('hex');
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    for (let i = 0; i < 3; i++) {
      const socket = await connect(lb);
      const sink = new Sink(socket, true);
      socket.write(requestText(`GET / ${version}`));
      await sink.until(bytes);
      expect([sink.received, sink.digest()]).toEqual([bytes, digest]);
    }
  });

  it('do not hold up small requests beside them', async () => {
    const small = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const peer = await startPeer((socket) =>
      socket.on('data', (chunk) => {
        if (!chunk.toString('latin1').startsWith('GET /big')) return void socket.write(small);
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n');
        void new Source().send(socket, 90_000_000);
      }),
    );
    const lb = await runFairlead(webConfig([peer.address]));
    const paused = await connect(lb);
    paused.pause();
    paused.write(get('/big'));
    const socket = await connect(lb);
    for (let i = 0; i < 50; i++) {
      socket.write(get('/small'));
      expect(String(((await once(socket, 'data')) as [Buffer])[0])).toBe(small);
    }
  });
});
