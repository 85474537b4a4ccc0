import { Buffer } from 'node:buffer';
import { afterEach, describe, expect, it } from 'vitest';
import { Tunnel } from '../../src/relay/tunnel.ts';
import { Deadlines } from '../../src/support/deadlines.ts';
import { wires } from '../../src/support/open-wire.ts';
import { TestWire } from '../support/h2-session.ts';
import { aWhile, LARGE, pattern, until, WireStage } from '../support/wire-stage.ts';

const stage = new WireStage(wires);
afterEach(() => stage.clear());

const IDLE_MS = 10_000;
const HALF_CLOSE_MS = 1000;

/** A tunnel over real sockets, whose time is moved by hand: the far ends of its two wires, and what its observer hears. */
async function dig(prepare: (wires: Awaited<ReturnType<typeof stage.accepted>>) => Promise<void> = async () => {}) {
  const front = await stage.accepted();
  const back = await stage.dialled();
  await prepare(front);
  const clock = { ms: 0 };
  const deadlines = new Deadlines(() => clock.ms, setImmediate);
  const heard: string[] = [];
  const bytes = { fromClient: 0, fromBackend: 0 };
  const tunnel = new Tunnel(
    { client: front.wire, backend: back.wire },
    deadlines,
    { idleMs: IDLE_MS, halfCloseMs: HALF_CLOSE_MS },
    {
      onTunnelBytes(fromClient, count) {
        bytes[fromClient ? 'fromClient' : 'fromBackend'] += count;
      },
      onTunnelHalfClosed: (by) => void heard.push(`half-closed by ${by}`),
      onTunnelEnd: (end) => void heard.push(end),
    },
  );
  const texts = { client: '', backend: '' };
  front.peer.setEncoding('latin1').on('data', (text: string) => {
    texts.client += text;
  });
  back.peer.setEncoding('latin1').on('data', (text: string) => {
    texts.backend += text;
  });
  const pass = (ms: number): void => {
    clock.ms += ms;
    deadlines.step();
  };
  return { tunnel, client: front.peer, backend: back.peer, deadlines, heard, bytes, texts, pass };
}

/** Waits until a count stands still, since whoever is to read does not. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; count() !== before; await aWhile()) before = count();
}

describe('a tunnel', () => {
  it('carries bytes both ways, those first that the client had sent before, and counts them', async () => {
    const on = await dig();
    on.tunnel.start(Buffer.from('early '));
    on.client.write('late');
    on.backend.write('answer');
    await until(() => on.texts.backend === 'early late' && on.texts.client === 'answer');
    expect(on.bytes).toEqual({ fromClient: 10, fromBackend: 6 });
  });

  it('passes a FIN on and tells who was first, once, and leaves no deadline behind', async () => {
    const on = await dig();
    on.tunnel.start();
    on.client.end('question');
    await until(() => on.backend.readableEnded);
    expect([on.texts.backend, on.tunnel.firstFin, on.heard]).toEqual(['question', 'client', ['half-closed by client']]);
    on.backend.end('answer');
    await until(() => on.heard.length === 2);
    expect([on.texts.client, on.heard[1], on.tunnel.firstFin, on.deadlines.size]).toEqual([
      'answer',
      'closed',
      'client',
      0,
    ]);
  });

  it('passes on a FIN that came before it was there', async () => {
    const on = await dig(async ({ wire, sink, peer }) => {
      wire.start();
      peer.end();
      await sink.has('end');
    });
    on.tunnel.start();
    await until(() => on.backend.readableEnded);
    expect(on.heard).toEqual(['half-closed by client']);
  });

  it.each(['client', 'backend'] as const)('passes a reset by the %s on as one', async (side) => {
    const on = await dig();
    const other = side === 'client' ? on.backend : on.client;
    const codes: unknown[] = [];
    other.on('error', (error: NodeJS.ErrnoException) => void codes.push(error.code));
    on.tunnel.start();
    await aWhile();
    on[side].resetAndDestroy();
    await until(() => on.heard.length === 1 && other.destroyed);
    expect([on.heard, codes, on.deadlines.size]).toEqual([[`${side}-reset`], ['ECONNRESET'], 0]);
  });

  it('ends what is idle, which bytes of either side put off', async () => {
    const on = await dig();
    on.tunnel.start();
    for (const side of ['client', 'backend'] as const) {
      on.pass(IDLE_MS - 1);
      const before = on.bytes.fromClient + on.bytes.fromBackend;
      on[side].write('.');
      await until(() => on.bytes.fromClient + on.bytes.fromBackend > before);
    }
    on.pass(IDLE_MS - 1);
    expect(on.heard).toEqual([]);
    on.pass(1);
    await until(() => on.client.readableEnded && on.backend.readableEnded);
    expect([on.heard, on.deadlines.size]).toEqual([['idle-timeout'], 0]);
  });

  it.each(['client', 'backend'] as const)('gives one that the %s has half-closed the shorter time', async (side) => {
    const on = await dig();
    on.tunnel.start();
    on[side].end();
    await until(() => on.heard.length === 1);
    on.pass(HALF_CLOSE_MS - 1);
    await aWhile();
    expect(on.heard).toEqual([`half-closed by ${side}`]);
    on.pass(1);
    await until(() => on.heard.length === 2);
    expect(on.heard[1]).toBe('half-close-timeout');
  });

  it.each(['idle-timeout', 'half-close-timeout'])('resets both sides at the %s when bytes still wait', async (end) => {
    const on = await dig();
    const codes: { client?: string | undefined; backend?: string | undefined } = {};
    for (const side of ['client', 'backend'] as const)
      on[side].on('error', ({ code }: NodeJS.ErrnoException) => {
        codes[side] = code;
      });
    on.client.pause();
    on.tunnel.start();
    if (end === 'half-close-timeout') on.client.end();
    on.backend.write(pattern(LARGE));
    await settled(() => on.bytes.fromBackend);
    on.pass(IDLE_MS);
    on.client.resume();
    await until(() => on.client.destroyed);
    // Behind the client's FIN it reads no more, so that only writing shows that the connection is gone.
    on.backend.write('?');
    await until(() => on.backend.destroyed);
    expect(on.heard.at(-1)).toBe(end);
    expect(codes).toEqual({ client: 'ECONNRESET', backend: expect.stringMatching(/ECONNRESET|EPIPE/) });
  });

  it('reads no more than the other side takes, and all of it once that reads again', async () => {
    const on = await dig();
    on.backend.pause();
    on.tunnel.start();
    const sent = pattern(LARGE);
    on.client.end(sent);
    await settled(() => on.bytes.fromClient);
    expect(on.bytes.fromClient).toBeLessThan(LARGE);
    on.backend.resume();
    await until(() => on.backend.readableEnded);
    expect(Buffer.from(on.texts.backend, 'latin1').equals(sent)).toBe(true);
  });

  it('resets both sides when it is cut, and says why', async () => {
    const on = await dig();
    const codes: unknown[] = [];
    for (const side of [on.client, on.backend])
      side.on('error', (error) => void codes.push('code' in error && error.code));
    on.tunnel.start();
    on.tunnel.cut('drained');
    await until(() => on.client.destroyed && on.backend.destroyed);
    expect([on.heard, codes, on.deadlines.size]).toEqual([['drained'], ['ECONNRESET', 'ECONNRESET'], 0]);
  });
});

/** A tunnel between two wires of the test, whose client takes nothing of a first chunk from the backend. */
function clog({ idleMs = IDLE_MS, halfCloseMs = HALF_CLOSE_MS } = {}) {
  const [client, backend] = [new TestWire(), new TestWire()];
  const clock = { ms: 0 };
  const deadlines = new Deadlines(() => clock.ms, setImmediate);
  const tunnel = new Tunnel({ client, backend }, deadlines, { idleMs, halfCloseMs }, silentObserver);
  tunnel.start();
  client.backedUp = true;
  client.queued = 1000;
  const chunk = Buffer.alloc(1000);
  expect(backend.sink.onBytes(chunk, chunk.length)).toBe(false);
  const pass = (ms: number): boolean => {
    for (const end = clock.ms + ms; clock.ms < end; ) {
      clock.ms = Math.min(end, clock.ms + 500);
      deadlines.step();
    }
    return client.destroyed && backend.destroyed;
  };
  return { client, backend, pass };
}

const silentObserver = { onTunnelBytes() {}, onTunnelHalfClosed() {}, onTunnelEnd() {} };

describe('a tunnel with a side that takes nothing', () => {
  it.each(['client', 'backend'] as const)('notices that the %s is gone, if it is not read for that', async (side) => {
    const on = await dig();
    const other = side === 'client' ? on.backend : on.client;
    other.pause();
    on.tunnel.start();
    on[side].write(pattern(LARGE));
    await settled(() => on.bytes.fromClient + on.bytes.fromBackend);
    on[side].resetAndDestroy();
    await aWhile();
    expect(on.heard).toEqual([]);
    on.pass(1000);
    await until(() => on.heard.length === 1);
    expect([on.heard, on.deadlines.size]).toEqual([[`${side}-reset`], 0]);
  });
});

describe('a tunnel whose reader is slow', () => {
  it('lives while some of what waits is sent, and ends when none is for the idle time', () => {
    const on = clog();
    for (let queued = 900; queued > 500; queued -= 100) {
      on.client.queued = queued;
      expect(on.pass(IDLE_MS - 1000)).toBe(false);
    }
    expect(on.pass(2000)).toBe(true);
  });

  it('has the longer of its times once a side has sent its FIN, as the other is not silent', () => {
    for (const [times, ms] of [
      [{}, IDLE_MS],
      [{ idleMs: HALF_CLOSE_MS, halfCloseMs: IDLE_MS }, IDLE_MS],
    ] as const) {
      const on = clog(times);
      on.client.sink.onEnd();
      expect(on.pass(ms - 1)).toBe(false);
      expect(on.pass(1)).toBe(true);
    }
  });

  it('has the shorter one again when all is sent', () => {
    const on = clog();
    on.client.sink.onEnd();
    on.client.backedUp = false;
    on.client.queued = 0;
    on.client.sink.onDrain();
    expect(on.pass(HALF_CLOSE_MS - 1)).toBe(false);
    expect(on.pass(1)).toBe(true);
  });

  it('has it also when what waits is the last, with a FIN behind it, of which no wire tells that it is sent', () => {
    const on = clog();
    on.backend.sink.onEnd();
    expect(on.pass(HALF_CLOSE_MS * 2)).toBe(false);
    on.client.queued = 0;
    expect(on.pass(1000)).toBe(false);
    expect(on.pass(HALF_CLOSE_MS - 1)).toBe(false);
    expect(on.pass(1)).toBe(true);
  });
});
