import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

const BLOCK_BYTES = 64 * 1024;

/** No two bytes at the same distance from a block's start are alike by chance in two blocks that follow each other. */
const blocks = [0, 1, 2].map((seed) =>
  Buffer.from(Uint8Array.from({ length: BLOCK_BYTES }, (_, i) => (i * 31 + (i >> 8) * 7 + seed * 101) & 255)),
);

const hashes = new Map<string, string>();

/** The SHA-256 of the first `bytes` that a source sends. */
export function hashOf(bytes: number, first = 0): string {
  const key = `${bytes} ${first}`;
  const hash = hashes.get(key) ?? computeHash(bytes, first);
  hashes.set(key, hash);
  return hash;
}

function computeHash(bytes: number, first: number): string {
  const hash = createHash('sha256');
  for (let sent = 0; sent < bytes; sent += BLOCK_BYTES) hash.update(blockAt(sent, first).subarray(0, bytes - sent));
  return hash.digest('hex');
}

function blockAt(position: number, first: number): Buffer {
  return blocks[(position / BLOCK_BYTES + first) % blocks.length]!;
}

/** Bytes on their way into a socket, as fast as it takes them. */
export class Source {
  /** Bytes that the socket was given. */
  sent = 0;
  readonly #first: number;

  /** `first` tells which of its blocks comes first: 0, 1 or 2. */
  constructor(first = 0) {
    this.#first = first;
  }

  /** Sends so many bytes and waits whenever the socket is full; resolves when all were given to it. */
  async send(socket: Duplex, bytes: number): Promise<void> {
    while (this.sent < bytes && !socket.destroyed) {
      const block = blockAt(this.sent, this.#first).subarray(0, bytes - this.sent);
      this.sent += block.length;
      if (!socket.write(block)) await once(socket, 'drain').catch(() => {});
    }
  }
}

/** Bytes out of a socket: counted and hashed, and not kept. */
export class Sink {
  /** Bytes that came, a head that was skipped not counted. */
  received = 0;
  readonly #hash = createHash('sha256');
  readonly #socket: Duplex;
  #head: string | undefined;

  /** Reads a socket from now on; with `skipHead` the bytes up to the first empty line do not count. */
  constructor(socket: Duplex, skipHead: boolean) {
    this.#socket = socket;
    this.#head = skipHead ? '' : undefined;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    let body = chunk;
    if (this.#head !== undefined) {
      const before = this.#head.length;
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      body = chunk.subarray(end + 4 - before);
      this.#head = undefined;
    }
    this.received += body.length;
    this.#hash.update(body);
  }

  /** Reads nothing for so long. */
  async rest(ms: number): Promise<void> {
    this.#socket.pause();
    await pause(ms);
  }

  /** Reads until so many bytes have come in all. */
  async until(bytes: number, patienceMs = 30_000): Promise<void> {
    this.#socket.resume();
    const deadline = Date.now() + patienceMs;
    while (this.received < bytes) {
      if (Date.now() > deadline) throw new Error(`${this.received} of ${bytes} bytes came within ${patienceMs} ms`);
      await pause(2);
    }
  }

  /** The SHA-256 of all that came. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
