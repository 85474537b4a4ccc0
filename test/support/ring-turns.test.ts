import type { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { IoUring } from '../../src/support/io-uring.ts';
import { native } from '../../src/support/native.ts';
import { freeRing } from '../../src/support/ring-memory.ts';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { type RingOwner, type RingSocket, RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit, type UnconnectedHandle } from '../../src/support/socket-handle.ts';
import { connectedPair } from './descriptors.ts';
import { until } from './wire-stage.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Descriptors of the two ends of connections, which nobody reads. */
async function pairs(count: number): Promise<[number, number][]> {
  const made = await Promise.all(Array.from({ length: count }, () => connectedPair()));
  for (const { close } of made) cleanups.push(close);
  return made.map(({ fd, peerFd }) => [fd, peerFd]);
}

/** The bit of a ring's flags by which the kernel says that there is something to take. */
const SQ_TASKRUN = 4;

// It sets the bit after it has listed what there is, which may have been taken in between.
it('asks for no more when the kernel says late that there was some', async () => {
  const record = createRingRecord();
  const ring = new IoUring(record);
  cleanups.push(() => freeRing(record));
  const [[fd, peer]] = (await pairs(1)) as [[number, number]];
  const sink = { onReceived: () => {}, onSent: () => {}, onTurnOver: () => {} } as never;
  const words = new Int32Array(native().memoryAt(record.parts[3]!, Number(record.parts[4])));
  ring.receive({ fd, tag: 1 });
  ring.take(sink);
  const before = words.slice();
  expect(ring.hasMore).toBe(false);

  const writer = handleKit!.newTcp();
  cleanups.push(() => writer.close());
  writer.open(ring.sockets.duplicate(peer));
  writer.writeLatin1String(null, 'words');
  await until(() => ring.hasMore);
  const flags = words.findIndex((word, i) => word === (before[i]! | SQ_TASKRUN) && word !== before[i]);
  expect(ring.take(sink)).toBe(1);
  expect(ring.hasMore).toBe(false);
  words[flags]! |= SQ_TASKRUN;
  expect(ring.hasMore).toBe(true);
  expect(ring.take(sink)).toBe(0);
  expect(ring.hasMore).toBe(false);
});

/** Sends on what it gets, as long as it is to. */
class Echo implements RingOwner {
  static on = true;
  static heard = 0;
  static onLeft = (): void => {};
  socket: RingSocket | undefined;
  readonly #ring: RingSockets;
  constructor(ring: RingSockets) {
    this.#ring = ring;
  }
  onRingBytes(bytes: Buffer, length: number): void {
    Echo.heard++;
    if (Echo.on) this.#ring.write(this.socket!, bytes, 0, length);
  }
  onRingSent(): void {}
  onRingLeft(): void {
    Echo.onLeft();
  }
}

it('gives everything else its turn, however often it hears that there is more', async () => {
  let events: UnconnectedHandle | undefined;
  const ring = new RingSockets({ ...handleKit!, newPipe: () => (events = handleKit!.newPipe()) }, createRingRecord());
  const echoes = (await pairs(100)).flat().map((fd) => {
    const echo = new Echo(ring);
    echo.socket = ring.join(echo, fd);
    return echo;
  });
  for (const { socket } of echoes) ring.writeText(socket!, 'x');
  await nextTurn();
  for (let i = 0; i < 10; i++) {
    for (let j = 0; j < 10; j++) events!.onread!();
    await nextTurn();
  }
  const before = Echo.heard;
  for (let i = 0; i < 20; i++) await nextTurn();
  const heard = Echo.heard - before;
  Echo.on = false;
  for (const { socket } of echoes) ring.leave(socket!);
  await until(() => ring.size === 0);
  ring.close();
  // All of them once in each turn, or nearly; and it did go on.
  expect(heard).toBeLessThan(2 * 20 * echoes.length);
  expect(heard).toBeGreaterThan(echoes.length);
});

// It would be a look into memory that is no longer there, which ends the process.
it('does not look again once it is closed, also when it has put that off', async () => {
  const ring = new RingSockets(handleKit!, createRingRecord());
  // So many as it tells of in one turn.
  const sockets = (await pairs(64)).flat().map((fd) => ring.join(new Echo(ring), fd));
  await nextTurn();
  const isClosed = new Promise<void>((resolve) => {
    Echo.onLeft = () => {
      if (ring.size === 0) process.nextTick(() => resolve(ring.close()));
    };
  });
  for (const socket of sockets) ring.leave(socket);
  await isClosed;
  Echo.onLeft = () => {};
  for (let i = 0; i < 3; i++) await nextTurn();
  expect(ring.size).toBe(0);
});
