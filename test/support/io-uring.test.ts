import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type CompletionSink, IoUring } from '../../src/support/io-uring.ts';
import { createRingRecord, freeRing, RING_BUFFER_BYTES } from '../../src/support/ring-memory.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import { openRings } from './open-rings.ts';
import { until } from './wire-stage.ts';

/** The handle does not keep it from the collector. */
const count = Buffer.alloc(64);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function openRing(): IoUring {
  const record = createRingRecord();
  const ring = new IoUring(record);
  cleanups.push(() => freeRing(record));
  return ring;
}

/** A socket that nobody else reads, with its descriptor, and its other end. */
async function pair() {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const peer = net.connect({
    port: (server.address() as net.AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  const [socket] = await accepted;
  for (const each of [socket, peer]) each.on('error', () => {});
  cleanups.push(() => {
    for (const each of [socket, peer]) each.destroy();
    server.close();
  });
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  return { fd, socket, peer };
}

/** What a ring has told. */
class Told implements CompletionSink {
  readonly sent: [tag: number, status: number][] = [];
  readonly received: string[] = [];
  readonly ends: [tag: number, status: number][] = [];
  onSent(tag: number, status: number): void {
    this.sent.push([tag, status]);
  }
  onReceived(_tag: number, bytes: Buffer, length: number): void {
    this.received.push(bytes.toString('latin1', 0, length));
  }
  onReceiveEnd(tag: number, status: number): void {
    this.ends.push([tag, status]);
  }
}

describe('a ring of io_uring', () => {
  it('tells what was received, and the end', async () => {
    const ring = openRing();
    const { fd, peer } = await pair();
    const told = new Told();
    ring.receive({ fd, tag: 7 });
    ring.submit();
    peer.end('hello');
    await until(() => {
      ring.take(told);
      return told.ends.length > 0;
    });
    expect([told.received, told.ends]).toEqual([['hello'], [[7, 0]]]);
  });

  it('gives its buffers back to the kernel as often as they are wanted', async () => {
    const ring = openRing();
    const { fd, peer } = await pair();
    const told = new Told();
    ring.receive({ fd, tag: 1 });
    const bytes = 'x'.repeat(RING_BUFFER_BYTES * 2000);
    peer.write(bytes);
    const length = (): number => told.received.reduce((sum, one) => sum + one.length, 0);
    await until(() => {
      ring.take(told);
      for (const [tag] of told.ends.splice(0)) ring.receive({ fd, tag });
      return length() === bytes.length;
    });
  });

  it('tells once of each of more sends than it has room to tell of, in order', async () => {
    const ring = openRing();
    const { fd, peer } = await pair();
    let got = '';
    peer.on('data', (chunk) => {
      got += chunk;
    });
    const told = new Told();
    const count = 20_000;
    const picked = count - 10;
    for (let i = 0; i < count; i++) ring.sendText({ fd, tag: i }, String(i % 10));
    expect(ring.sendNow(picked)).toBe(1);
    expect(ring.hasMore).toBe(true);
    while (ring.hasMore) ring.take(told);
    const others = Array.from({ length: count }, (_, i) => i).filter((i) => i !== picked);
    expect(told.sent).toEqual(others.map((tag) => [tag, 1]));
    await until(() => got.length === count);
    expect(got).toBe('0123456789'.repeat(count / 10));
  });

  it('has what was not sent until it has told so, whatever is sent meanwhile', async () => {
    const ring = openRing();
    const { fd } = await pair();
    const other = await pair();
    const told = new Told();
    const text = (i: number): string => String(i % 10).repeat(16_384);
    // The other end does not read.
    for (let i = 0; ; i++) {
      const at = ring.sendText({ fd, tag: i }, text(i));
      ring.submit();
      if (ring.hasRoom(2 * 16_384)) ring.sendText({ fd: other.fd, tag: -1 }, text(i + 1));
      const sent = ring.sendNow(i);
      if (sent === 16_384) {
        ring.take(told);
        continue;
      }
      const from = Math.max(sent, 0);
      expect(ring.unsent(at + from, 16_384 - from).toString('latin1')).toBe(text(i).slice(from));
      break;
    }
  });

  it('has it also when there was no room to tell of all, and there is some before all is told', async () => {
    const ring = openRing();
    const { fd } = await pair();
    const quiet = new Told();
    // The other end does not read.
    for (let sent = 0; sent >= 0; ring.take(quiet)) {
      ring.sendText({ fd, tag: -1 }, 'f'.repeat(16_000));
      sent = ring.sendNow(-1);
    }
    const text = (i: number): string => String(i).padStart(16, '.');
    const count = 8300;
    const places: number[] = [];
    const wrong: number[] = [];
    let told = 0;
    const sink = new Told();
    sink.onSent = (tag) => {
      if (tag === count) for (let i = 0; i < count; i++) places.push(ring.sendText({ fd, tag: i }, text(i)));
      if (tag >= count || tag < 0) return;
      told++;
      if (ring.unsent(places[tag]!, 16).toString('latin1') !== text(tag)) wrong.push(tag);
      if (tag !== 4000) return;
      ring.sendText({ fd, tag: count + 1 }, 'x');
      ring.sendNow(count + 1);
    };
    ring.sendText({ fd, tag: count }, 'go');
    for (let takes = 1; told < count; takes++) {
      expect(takes).toBeLessThan(10);
      ring.take(sink);
      if (takes === 2) while (ring.hasRoom(16_000)) ring.sendText({ fd, tag: -1 }, 'Y'.repeat(16_000));
    }
    expect(wrong).toEqual([]);
  });

  it('stops receiving when told to', async () => {
    const ring = openRing();
    const { fd, socket, peer } = await pair();
    const told = new Told();
    ring.receive({ fd, tag: 3 });
    ring.submit();
    ring.cancelReceive({ fd, tag: 3 });
    await until(() => {
      ring.take(told);
      return told.ends.length > 0;
    });
    expect(told.ends).toEqual([[3, -125]]);
    peer.write('for the handle');
    const heard = once(socket.resume(), 'data') as Promise<[Buffer]>;
    const [chunk] = await heard;
    expect(String(chunk)).toBe('for the handle');
  });

  it('makes its descriptor readable when there is something, unless it is to be quiet', async () => {
    const ring = openRing();
    const { fd, peer } = await pair();
    const events = handleKit!.newPipe();
    events.open(ring.eventFd);
    cleanups.push(() => events.close());
    events.useUserBuffer(count);
    let wakes = 0;
    events.onread = () => {
      wakes++;
    };
    events.readStart();
    ring.quiet = true;
    ring.receive({ fd, tag: 1 });
    ring.submit();
    peer.write('one');
    await until(() => ring.hasMore);
    const told = new Told();
    ring.take(told);
    expect([wakes, told.received]).toEqual([0, ['one']]);
    ring.quiet = false;
    peer.write('two');
    await until(() => wakes > 0);
    ring.take(told);
    expect(told.received).toEqual(['one', 'two']);
  });

  it('is gone once it is freed, with all it held', () => {
    const before = openRings();
    const record = createRingRecord();
    new IoUring(record);
    expect(openRings()).toBe(before + 1);
    freeRing(record);
    freeRing(record);
    expect(openRings()).toBe(before);
    expect([...record].every((part) => part === 0n)).toBe(true);
  });
});
