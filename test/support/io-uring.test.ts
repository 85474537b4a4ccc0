import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { constants } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { CompletionSink } from '../../src/support/completion-sink.ts';
import { IoUring } from '../../src/support/io-uring.ts';
import { ACCEPT, freeRing, RECV, RING_BUFFER_BYTES } from '../../src/support/ring-memory.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { handleKit, type SocketName } from '../../src/support/socket-handle.ts';
import { connectedPair, listeningDescriptor } from './descriptors.ts';
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
  const made = await connectedPair({ peerReads: true });
  cleanups.push(made.close);
  return made;
}

async function listening({ sockets }: IoUring) {
  const made = await listeningDescriptor(sockets);
  cleanups.push(() => sockets.close(made.fd));
  return made;
}

/** What a ring has told. */
class Told implements CompletionSink {
  readonly sent: [tag: number, status: number][] = [];
  readonly connected: [tag: number, status: number][] = [];
  readonly accepted: [tag: number, status: number][] = [];
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
  onDatagram(): void {}
  onDatagramEnd(): void {}
  onDatagramUnsent(): void {}
  onTurnOver(): void {}
  onConnected(tag: number, status: number): void {
    this.connected.push([tag, status]);
  }
  onAccepted(tag: number, status: number): void {
    this.accepted.push([tag, status]);
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
    ring.cancel({ fd, tag: 3 }, RECV);
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

  it('connects and accepts, and tells why it could not', async () => {
    const ring = openRing();
    const told = new Told();
    const { sockets } = ring;
    const { fd: listener, port } = await listening(ring);
    for (const tag of [4, 5, 6]) ring.accept({ fd: listener, tag });
    const fds = [port, port, 1].map((to, i) => {
      const fd = sockets.open(false);
      ring.connect({ fd, tag: i + 1 }, sockets.socketAddress('127.0.0.1', to)!);
      return fd;
    });
    await until(() => {
      ring.take(told);
      return told.connected.length === 3 && told.accepted.length === 2;
    });
    const refused = -constants.errno.ECONNREFUSED;
    expect(new Map(told.connected)).toEqual(new Map([1, 2, 3].map((tag) => [tag, tag === 3 ? refused : 0])));
    ring.cancel({ fd: listener, tag: 6 }, ACCEPT);
    await until(() => ring.take(told) > 0);
    const [first, second, third] = told.accepted;
    expect([first![0], second![0], third]).toEqual([4, 5, [6, -constants.errno.ECANCELED]]);
    const peer: SocketName = {};
    expect(sockets.name('getpeername', fds[0]!, peer)).toBe(0);
    expect(peer).toEqual({ address: '127.0.0.1', port });
    for (const fd of [...fds, first![1], second![1]]) sockets.close(fd);
    expect(sockets.name('getpeername', fds[0]!, {})).toBe(-1);
  });

  it('knows addresses of both families, and what is none', () => {
    const { sockets } = openRing();
    expect([...sockets.socketAddress('::1', 258)!]).toEqual([10, 0, 1, 2, ...Array(19).fill(0), 1, 0, 0, 0, 0]);
    expect([...sockets.socketAddress('10.0.0.255', 80)!.subarray(0, 8)]).toEqual([2, 0, 0, 80, 10, 0, 0, 255]);
    for (const host of ['localhost', '10.0.0', 'fe80::1%eth0', '1'.repeat(300), ''])
      expect(sockets.socketAddress(host, 80)).toBeUndefined();
  });

  it('closes what was accepted and never told, when it is freed', async () => {
    const record = createRingRecord();
    const ring = new IoUring(record);
    const { fd, port } = await listening(ring);
    ring.accept({ fd, tag: 0 });
    ring.submit();
    const client = net.connect(port, '127.0.0.1');
    cleanups.push(() => client.destroy());
    const ended = once(client.resume(), 'end');
    await until(() => ring.hasMore);
    ring.submit();
    freeRing(record);
    await ended;
  });

  it('is gone once it is freed, with all it held', () => {
    const before = openRings();
    const record = createRingRecord();
    new IoUring(record);
    expect(openRings()).toBe(before + 1);
    freeRing(record);
    freeRing(record);
    expect(openRings()).toBe(before);
    expect(record.parts.every((part) => part === 0n)).toBe(true);
  });
});
