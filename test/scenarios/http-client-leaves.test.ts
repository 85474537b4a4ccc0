import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startDeafListener } from '../support/deaf-listener.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric, scrape, sumOf } from '../support/scrape.ts';
import { type Peer, startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

/** The promise is 50 ms; a machine that runs other tests beside gets more. */
const NOTICE_MS = 5000;

type Leaving = 'fin' | 'reset';

const leavings: readonly Leaving[] = ['fin', 'reset'];

function leave(client: RawClient, how: Leaving): void {
  if (how === 'reset') client.reset();
  else client.close();
}

/** Every failure of the backend would eject it, since one is enough. */
function run(address: string, pool = {}): Promise<RunningFairlead> {
  const eject = { failures: 1, for: '60s' };
  const backends = [address, { name: 'spare', address: '127.0.0.1:1', weight: 0 }];
  return runFairlead({ ...webConfig(backends, {}, { eject, ...pool }), admin: { bind: '127.0.0.1:0' } });
}

interface Tally {
  readonly left: number;
  readonly active: number;
  readonly connections: number;
  readonly failures: number;
  readonly up: number;
}

async function tally(lb: RunningFairlead): Promise<Tally> {
  const samples = await scrape(lb);
  return {
    left: sumOf(samples, 'fairlead_requests_total', { code: '499' }),
    active: sumOf(samples, 'fairlead_backend_active'),
    connections: sumOf(samples, 'fairlead_connections_active'),
    failures: sumOf(samples, 'fairlead_backend_failures_total'),
    up: sumOf(samples, 'fairlead_backend_up'),
  };
}

/** Waits until nothing is left of `count` clients that left, and nobody blames the backend. */
async function expectGone(lb: RunningFairlead, count: number): Promise<void> {
  const gone = { left: count, active: 0, connections: 0, failures: 0, up: 2 };
  await eventually(async () => JSON.stringify(await tally(lb)) === JSON.stringify(gone), JSON.stringify(gone)).catch(
    async () => expect(await tally(lb)).toEqual(gone),
  );
}

/** A peer that waits for `bytes` bytes, then does this. */
function startReader(bytes: number, onBytes: (socket: Parameters<Parameters<typeof startPeer>[0]>[0]) => unknown) {
  return startPeer((socket) => {
    let left = bytes;
    socket.on('data', (chunk) => {
      const before = left;
      left -= chunk.length;
      if (before > 0 && left <= 0) onBytes(socket);
    });
  });
}

/** Has the client leave once `reached`, and says how long it took until the peer saw its connection end. */
async function noticed(peer: Peer, client: RawClient, how: Leaving): Promise<number> {
  const since = performance.now();
  leave(client, how);
  await peer.until(() => peer.open === 0);
  return performance.now() - since;
}

describe.each(leavings)('a client that leaves by %s', (how) => {
  it('before its head is complete leaves nothing', async () => {
    const backend = await startBackend();
    const lb = await run(backend.address);
    for (const bytes of ['', 'G', get().slice(0, -1)]) {
      const client = await connectTo(lb.address());
      client.send(bytes);
      await pause(20);
      leave(client, how);
    }
    await eventually(async () => (await metric(lb, 'connections_total')) === 3, 'three connections');
    await expectGone(lb, 0);
    expect(backend.connections).toHaveLength(0);
  });

  it('while its backend is being connected ends the attempt', async () => {
    const deaf = await startDeafListener();
    const lb = await run(deaf.address, { connect: { timeout: '60s' } });
    const client = await connectTo(lb.address());
    client.send(get());
    await eventually(async () => (await tally(lb)).active === 1, 'the lease');
    leave(client, how);
    await expectGone(lb, 1);
  });

  it('while it waits ends the request at the backend', async () => {
    let reached = false;
    const peer = await startReader(10, () => (reached = true));
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    client.send(get());
    await eventually(() => reached, 'the request');
    expect(await noticed(peer, client, how)).toBeLessThan(NOTICE_MS);
    await expectGone(lb, 1);
  });

  it('with more requests behind ends them all, and the backend never sees those', async () => {
    let heard = '';
    const peer = await startPeer((socket) => void socket.on('data', (chunk) => (heard += chunk)));
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    client.send(get('/first') + get('/second') + get('/third').slice(0, -3));
    await eventually(() => heard.endsWith('\r\n\r\n'), 'the first request');
    expect(await noticed(peer, client, how)).toBeLessThan(NOTICE_MS);
    await expectGone(lb, 1);
    expect([peer.taken, heard.startsWith('GET /first'), heard.includes('/second')]).toEqual([1, true, false]);
  });

  it('in the middle of its answer ends it at the backend', async () => {
    const peer = await startReader(10, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const drip = setInterval(() => socket.write('2\r\nok\r\n'), 5);
      socket.on('close', () => clearInterval(drip));
    });
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    client.send(get());
    await client.until(() => client.text.includes('2\r\nok'), 'some of the answer');
    expect(await noticed(peer, client, how)).toBeLessThan(NOTICE_MS);
    await expectGone(lb, 1);
  });

  it('in the middle of an answer that pauses ends it at the backend', async () => {
    const peer = await startReader(10, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome'));
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    client.send(get());
    await client.until(() => client.text.endsWith('some'), 'some of the answer');
    expect(await noticed(peer, client, how)).toBeLessThan(NOTICE_MS);
    await expectGone(lb, 1);
  });

  it('in the middle of its body ends the request at the backend', async () => {
    let reached = false;
    const peer = await startReader(200_000, () => (reached = true));
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    client.send(requestText('POST / HTTP/1.1', ['Content-Length: 1000000'], 'u'.repeat(250_000)));
    await eventually(() => reached, 'some of the body');
    expect(await noticed(peer, client, how)).toBeLessThan(NOTICE_MS);
    await expectGone(lb, 1);
  });
});

describe('a client that sends a FIN and stays', () => {
  it('gets its answer as long as that moves', { retry: 8 }, async () => {
    const pieces = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(100, '.'));
    const peer = await startReader(10, async (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${pieces.length * 100}\r\n\r\n`);
      for (const piece of pieces) {
        socket.write(piece);
        await pause(4);
      }
    });
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    const { ending } = await client.send(get()).end().ended();
    expect([(await client.answer()).body, ending]).toEqual([pieces.join(''), 'fin']);
    await expectGone(lb, 0);
  });

  it('and does not read for a while gets its answer whole', { retry: 8 }, async () => {
    const body = Buffer.alloc(20_000_000, 'r');
    const peer = await startReader(10, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    client.socket.pause();
    client.send(get()).end();
    await pause(300);
    client.socket.resume();
    const { ending } = await client.ended();
    expect([(await client.answer()).body === body.toString(), ending]).toEqual([true, 'fin']);
  });

  it('cannot be told from one that left when nothing moves: it gets a FIN, and is counted as gone', async () => {
    const peer = await startReader(10, () => {});
    const lb = await run(peer.address);
    const client = await connectTo(lb.address());
    const { text, ending } = await client.send(get()).end().ended();
    expect([text, ending]).toEqual(['', 'fin']);
    await expectGone(lb, 1);
  });
});

describe('ten thousand aborted requests', () => {
  it('leave no lease, no connection to a backend and none of a client behind', { timeout: 120_000 }, async () => {
    const backend = await startBackend(({ startLine }, { socket }) => {
      const moment = Number(/\d+/.exec(startLine)![0]) % 4;
      if (moment === 0) return undefined;
      if (moment === 1) return 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome';
      const late = setTimeout(() => socket.writable && socket.write(answerText('late')), 3);
      late.unref();
      return undefined;
    });
    const lb = await runFairlead({
      ...webConfig([backend.address], {}, { keepAlive: { idle: '300ms' } }),
      admin: { bind: '127.0.0.1:0' },
      workers: 2,
    });
    const total = 10_000;
    const lanes = Array.from({ length: 40 }, async (_, lane) => {
      for (let i = lane; i < total; i += 40) {
        const client = await connectTo(lb.address());
        client.send(i % 3 === 0 ? post(`/${i}`, 'x'.repeat(100)) : get(`/${i}`));
        await pause(i % 7);
        leave(client, i % 2 === 0 ? 'fin' : 'reset');
      }
    });
    await Promise.all(lanes);
    await eventually(async () => {
      const { active, connections } = await tally(lb);
      return active === 0 && connections === 0;
    }, 'the end of all requests');
    await eventually(
      () => backend.connections.every(({ ending }) => ending !== undefined),
      'the end of all connections',
    );
    const { failures, left } = await tally(lb);
    expect(failures).toBe(0);
    expect(left).toBeGreaterThan(total / 2);
  });
});
