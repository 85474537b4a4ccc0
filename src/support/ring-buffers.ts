import { Buffer } from 'node:buffer';
import { BUFFER_ENTRY_INTS, type BufferGroup } from './ring-memory.ts';

/** Writes the addresses of places in a memory to where the kernel reads them. */
export class Addresses {
  readonly #low: number;
  readonly #high: number;

  constructor(address: bigint) {
    this.#high = Number(address >> 32n);
    this.#low = Number(address & 0xffffffffn);
  }

  /** Puts the address of what lies at `offset` of the memory, as 64 bits. */
  put(ints: Int32Array, at: number, offset: number): void {
    const low = this.#low + offset;
    ints[at] = low | 0;
    ints[at + 1] = low > 0xffffffff ? this.#high + 1 : this.#high;
  }
}

/** A group of buffers of a ring's memory, which the kernel receives into and is given back. */
export class RingBuffers {
  readonly #group: BufferGroup;
  readonly #addresses: Addresses;
  readonly #entries: Int32Array;
  readonly #shorts: Uint16Array;
  readonly #buffers: readonly Buffer[];
  #tail = 0;
  /** Those that were received into since the last turn-over, and before it. */
  #used: Indices;
  #usedBefore: Indices;

  constructor(memory: ArrayBuffer, addresses: Addresses, group: BufferGroup) {
    const { entriesAt, at, count, bytes } = group;
    this.#group = group;
    this.#addresses = addresses;
    this.#entries = new Int32Array(memory, entriesAt, count * BUFFER_ENTRY_INTS);
    this.#shorts = new Uint16Array(memory, entriesAt, count * BUFFER_ENTRY_INTS * 2);
    this.#buffers = Array.from({ length: count }, (_, i) => Buffer.from(memory, at + i * bytes, bytes));
    this.#used = new Indices(count);
    this.#usedBefore = new Indices(count);
    for (const i of this.#buffers.keys()) this.#usedBefore.add(i);
    this.#giveBack();
  }

  /** The buffer that the kernel has received into. It is given back at the turn-over after the next. */
  take(index: number): Buffer {
    this.#used.add(index);
    return this.#buffers[index]!;
  }

  turnOver(): void {
    this.#giveBack();
    const empty = this.#usedBefore;
    this.#usedBefore = this.#used;
    this.#used = empty;
  }

  /** Lets the kernel have those that were used before; struct io_uring_buf, with the tail of all in the first one. */
  #giveBack(): void {
    const { at: first, count, bytes } = this.#group;
    const { list, length } = this.#usedBefore;
    if (length === 0) return;
    for (let i = 0; i < length; i++) {
      const index = list[i]!;
      const at = (this.#tail & (count - 1)) * BUFFER_ENTRY_INTS;
      this.#addresses.put(this.#entries, at, first + index * bytes);
      this.#entries[at + 2] = bytes;
      this.#shorts[at * 2 + 6] = index;
      this.#tail = (this.#tail + 1) & 0xffff;
    }
    this.#shorts[7] = this.#tail;
    this.#usedBefore.length = 0;
  }
}

/** Numbers of buffers, in memory that is never given back: there are new ones in each turn. */
class Indices {
  readonly list: Uint16Array;
  length = 0;

  constructor(most: number) {
    this.list = new Uint16Array(most);
  }

  add(index: number): void {
    this.list[this.length++] = index;
  }
}
