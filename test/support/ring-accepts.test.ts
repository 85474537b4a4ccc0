import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRingRecord } from '../../src/support/ring-record.ts';
import { type RingAcceptor, type RingOwner, type RingSocket, RingSockets } from '../../src/support/ring-sockets.ts';
import { handleKit } from '../../src/support/socket-handle.ts';
import { connectedPair, listeningDescriptor } from './descriptors.ts';
import { until } from './wire-stage.ts';

const cleanups: (() => void)[] = [];
let ring: RingSockets;
beforeEach(() => {
  ring = new RingSockets(handleKit!, createRingRecord());
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Accepts, one after the other, whoever comes to a port of its own. */
class Acceptor implements RingAcceptor {
  accepted = 0;
  readonly port: number;
  readonly #fd: number;

  private constructor(port: number, fd: number) {
    this.port = port;
    this.#fd = fd;
  }

  static async listen(): Promise<Acceptor> {
    const { port, fd } = await listeningDescriptor(ring.bare);
    return new Acceptor(port, fd);
  }

  begin(): void {
    const task = ring.accept(this, this.#fd);
    cleanups.push(() => ring.cancel(task));
  }

  onRingAccepted(status: number): void {
    if (status < 0) return ring.bare.close(this.#fd);
    this.accepted++;
    ring.bare.close(status);
    this.begin();
  }
}

/** One end of a connection that says a word again as often as it hears it, until it is to stop. */
class Echo implements RingOwner {
  static on = true;
  socket!: RingSocket;
  heard = 0;
  onRingBytes(bytes: Buffer, length: number): void {
    this.heard++;
    if (Echo.on) ring.write(this.socket, bytes, 0, length);
  }
  onRingSent(): void {}
  onRingLeft(): void {}
}

/** A connection whose two ends are in the ring, and go on talking. */
async function talk(): Promise<Echo> {
  const { fd, peerFd, close } = await connectedPair();
  cleanups.push(close);
  const [one] = [fd, peerFd].map((end) => {
    const echo = new Echo();
    echo.socket = ring.join(echo, end);
    cleanups.unshift(() => ring.leave(echo.socket));
    return echo;
  });
  Echo.on = true;
  ring.writeText(one!.socket, 'word');
  return one!;
}

async function crowd(acceptors: readonly Acceptor[], each: number): Promise<void> {
  for (const { port } of acceptors) {
    for (let i = 0; i < each; i++) {
      const client = net.connect({ host: '127.0.0.1', port }).on('error', () => {});
      cleanups.push(() => void client.destroy());
      await once(client, 'connect');
    }
  }
}

/** The most that were accepted in one turn of the event loop, until all were. */
async function mostInATurn(acceptors: readonly Acceptor[], all: number): Promise<number> {
  const sum = (): number => acceptors.reduce((total, { accepted }) => total + accepted, 0);
  let most = 0;
  for (let before = 0; before < all; before = sum()) {
    await nextTurn();
    most = Math.max(most, sum() - before);
  }
  return most;
}

it('accepts few in a turn while a kept connection is used, and many when none is', async () => {
  const acceptors = await Promise.all(Array.from({ length: 8 }, () => Acceptor.listen()));
  await crowd(acceptors, 8);
  for (const acceptor of acceptors) acceptor.begin();
  expect(await mostInATurn(acceptors, 64)).toBeGreaterThan(16);

  const kept = await talk();
  await until(() => kept.heard > 20);
  const others = await Promise.all(Array.from({ length: 8 }, () => Acceptor.listen()));
  await crowd(others, 8);
  for (const acceptor of others) acceptor.begin();
  // A turn of the event loop has up to two of the ring.
  expect(await mostInATurn(others, 64)).toBeLessThanOrEqual(8);
});

it('accepts for those that come when as many have begun as may in a turn, and nothing else happens', async () => {
  const kept = await talk();
  await until(() => kept.heard > 20);
  Echo.on = false;
  for (let i = 0; i < 10; i++) await nextTurn();
  for (let i = 0; i < 4; i++) (await Acceptor.listen()).begin();
  for (let i = 0; i < 10; i++) await nextTurn();
  const last = await Acceptor.listen();
  last.begin();
  await crowd([last], 1);
  await until(() => last.accepted === 1);
});
