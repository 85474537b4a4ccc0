import { Buffer } from 'node:buffer';
import { BareSockets } from './bare-sockets.ts';
import { putLatin1 } from './latin1.ts';
import { CLOEXEC_NONBLOCK } from './native.ts';
import {
  ACCEPT,
  ADDRESS_BYTES,
  ADDRESSES_AT,
  BUFFER_ENTRY_INTS,
  BUFFERS,
  BUFFERS_AT,
  COMPLETION_INTS,
  COMPLETIONS,
  CONNECT,
  ENTRY_INTS,
  OUTBOX_AT,
  OUTBOX_BYTES,
  RECV,
  RING_BUFFER_BYTES,
  type RingMemory,
  SUBMISSIONS,
  setUpRing,
} from './ring-memory.ts';
import type { RingRecord } from './ring-record.ts';

/** What else an entry asks for. */
const ASYNC_CANCEL = 14;
const SEND = 26;
/** In a completion: it was told already. */
const TOLD = -1;

/** IOSQE_BUFFER_SELECT and IORING_RECV_MULTISHOT, beside the operation. */
const RECV_ON = RECV | ((1 << 5) << 8) | ((1 << 1) << 16);
/** IOSQE_CQE_SKIP_SUCCESS: what is cancelled tells of it. */
const CANCEL_SILENTLY = ASYNC_CANCEL | ((1 << 6) << 8);
/** MSG_DONTWAIT and MSG_NOSIGNAL: done, in part or not at all, by the time the entry has been submitted. */
const SEND_FLAGS = 0x40 | 0x4000;

/** Flag of a completion: more follow for the same entry. */
const CQE_F_MORE = 1 << 1;
/** Flags of the ring: completions did not all have room, or wait to be asked for. */
const SQ_CQ_OVERFLOW = 1 << 1;
const SQ_TASKRUN = 1 << 2;
/** Flag of the completions: `eventFd` is to be left alone. */
const CQ_EVENTFD_DISABLED = 1;

/** How often in a row the kernel may take nothing. */
const MOST_TRIES = 1000;

/** A socket, and the number by which its completions are told. */
export interface Tagged {
  readonly fd: number;
  readonly tag: number;
}

/** Hears of what the kernel has done. None may throw. */
export interface CompletionSink {
  /** `bytes[0..length)` came for `tag`, valid during the call; `more` is false when no more will. */
  onReceived(tag: number, bytes: Buffer, length: number, more: boolean): void;
  /** Receiving for `tag` is over: 0 for a FIN, or a negative system error. */
  onReceiveEnd(tag: number, status: number): void;
  /** So many bytes were sent for `tag`, or a negative system error. */
  onSent(tag: number, status: number): void;
  /** `tag` is connected: 0, or a negative system error. */
  onConnected(tag: number, status: number): void;
  /** The descriptor of a socket that was accepted for `tag`, or a negative system error. */
  onAccepted(tag: number, status: number): void;
}

/**
 * A ring of io_uring(7) that this thread shares with the kernel, for bytes of sockets: entries are queued, given to the
 * kernel together by one call, and what came of them is taken together. Sends are over when they have been submitted, in
 * whole or in part; a receive goes on, each time into one of the ring's buffers, until it fails, ends or is cancelled.
 *
 * All memory that the kernel knows of belongs to the ring; entries point to nowhere else. That nothing is queued for a
 * descriptor that is closed is for the caller to see to. Throws, with the reason, where it cannot be had.
 */
export class IoUring {
  /** Readable when there are completions to take. */
  readonly eventFd: number;
  /** Calls that are not the ring's to make. */
  readonly sockets: BareSockets;
  /** Entries that are queued. */
  queued = 0;
  readonly #ring: RingMemory;
  readonly #rings: Int32Array;
  readonly #memory: ArrayBuffer;
  readonly #addressLow: number;
  readonly #addressHigh: number;
  readonly #bufferRing: Int32Array;
  readonly #bufferRingShorts: Uint16Array;
  readonly #buffers: readonly Buffer[];
  #bufferTail = 0;
  /** Buffers that were received into since the last take, and in the one before. */
  #used: number[] = [];
  #usedBefore: number[] = [];
  /** What entries are to connect to, as long as they are queued. */
  readonly #addresses: Uint8Array;
  readonly #outbox: Buffer;
  /** Where the half of the outbox begins that is written to, and how much of it is in use. */
  #outboxHalf = 0;
  #outboxUsed = 0;
  /** Completions that had to make room for others, and are told before those. */
  readonly #spilled: Int32Array[] = [];

  /** `record` is filled with what `freeRing` needs, also when it throws. */
  constructor(record: RingRecord) {
    const ring = setUpRing(record);
    this.sockets = new BareSockets(ring);
    const { memory, address } = ring;
    this.#ring = ring;
    this.eventFd = ring.eventFd;
    this.#rings = ring.rings;
    this.#memory = memory;
    this.#addressHigh = Number(address >> 32n);
    this.#addressLow = Number(address & 0xffffffffn);
    this.#bufferRing = new Int32Array(memory, 0, BUFFERS * BUFFER_ENTRY_INTS);
    this.#bufferRingShorts = new Uint16Array(memory, 0, BUFFERS * BUFFER_ENTRY_INTS * 2);
    this.#buffers = Array.from({ length: BUFFERS }, (_, i) =>
      Buffer.from(memory, BUFFERS_AT + i * RING_BUFFER_BYTES, RING_BUFFER_BYTES),
    );
    this.#addresses = new Uint8Array(memory, ADDRESSES_AT, SUBMISSIONS * ADDRESS_BYTES);
    this.#outbox = Buffer.from(memory, OUTBOX_AT, 2 * OUTBOX_BYTES);
    this.#giveBuffers(this.#buffers.keys());
  }

  /** Queues to receive from a socket, until `cancel` or an end. */
  receive({ fd, tag }: Tagged): void {
    this.#queue(RECV_ON, fd, tag, RECV);
  }

  /** Queues to accept one connection of a listening socket. */
  accept({ fd, tag }: Tagged): void {
    const at = this.#queue(ACCEPT, fd, tag, ACCEPT);
    this.#ring.entries[at + 7] = CLOEXEC_NONBLOCK;
  }

  /** Queues to connect to an address as struct sockaddr has it; the caller's bytes are free again at once. */
  connect({ fd, tag }: Tagged, address: Uint8Array): void {
    const at = this.#queue(CONNECT, fd, tag, CONNECT);
    const offset = (at / ENTRY_INTS) * ADDRESS_BYTES;
    this.#addresses.set(address, offset);
    this.#putAddress(this.#ring.entries, at + 4, ADDRESSES_AT + offset);
    this.#ring.entries[at + 2] = address.length;
  }

  /** Queues to stop what was asked for `tag`: its end follows, with ECANCELED if nothing else. */
  cancel({ tag }: Tagged, operation: typeof ACCEPT | typeof CONNECT | typeof RECV): void {
    const at = this.#queue(CANCEL_SILENTLY, -1, tag, ASYNC_CANCEL);
    this.#ring.entries[at + 4] = tag;
    this.#ring.entries[at + 5] = operation;
  }

  /** True when there is room for so many bytes that are to be sent. */
  hasRoom(bytes: number): boolean {
    return this.#outboxUsed + bytes <= OUTBOX_BYTES;
  }

  /**
   * Queues to send `bytes[start..end)`, for which there must be room; what lies in a buffer of the ring is sent from there.
   * Returns where they are, for `unsent`.
   */
  send(to: Tagged, bytes: Buffer, start: number, end: number): number {
    if (bytes.buffer === this.#memory) return this.#send(to, bytes.byteOffset + start, end - start);
    const at = this.#room(end - start);
    bytes.copy(this.#outbox, at, start, end);
    return this.#send(to, OUTBOX_AT + at, end - start);
  }

  /** Queues to send latin1 text, for which there must be room. Returns where it is, for `unsent`. */
  sendText(to: Tagged, text: string): number {
    const at = this.#room(text.length);
    putLatin1(text, this.#outbox, at);
    return this.#send(to, OUTBOX_AT + at, text.length);
  }

  /** A copy of bytes that were to be sent: to be called in `onSent`, or at once after `sendNow`. */
  unsent(at: number, length: number): Buffer {
    return Buffer.from(Buffer.from(this.#memory, at, length));
  }

  #send({ fd, tag }: Tagged, offset: number, length: number): number {
    const at = this.#queue(SEND, fd, tag, SEND);
    this.#putAddress(this.#ring.entries, at + 4, offset);
    this.#ring.entries[at + 6] = length;
    this.#ring.entries[at + 7] = SEND_FLAGS;
    return offset;
  }

  /** The address of what lies at `offset` of the memory, as 64 bits. */
  #putAddress(ints: Int32Array, at: number, offset: number): void {
    const low = this.#addressLow + offset;
    ints[at] = low | 0;
    ints[at + 1] = low > 0xffffffff ? this.#addressHigh + 1 : this.#addressHigh;
  }

  #room(bytes: number): number {
    const at = this.#outboxHalf + this.#outboxUsed;
    this.#outboxUsed += bytes;
    return at;
  }

  /** Queues an entry and returns where it is. */
  #queue(operation: number, fd: number, tag: number, kind: number): number {
    if (this.queued === SUBMISSIONS) this.submit();
    const entries = this.#ring.entries;
    const tail = this.#rings[this.#ring.tail]!;
    const at = (tail & (SUBMISSIONS - 1)) * ENTRY_INTS;
    // One by one is faster than fill() for so few.
    entries[at] = operation;
    entries[at + 1] = fd;
    entries[at + 2] = 0;
    entries[at + 3] = 0;
    entries[at + 4] = 0;
    entries[at + 5] = 0;
    entries[at + 6] = 0;
    entries[at + 7] = 0;
    entries[at + 8] = tag;
    entries[at + 9] = kind;
    entries[at + 10] = 0;
    entries[at + 11] = 0;
    this.#rings[this.#ring.tail] = (tail + 1) | 0;
    this.queued++;
    return at;
  }

  /** Gives what is queued to the kernel, which then has done all sends. */
  submit(): void {
    this.#call();
    // Only want of memory stops it.
    for (let tries = 0; this.queued > 0; tries++) {
      if (tries === MOST_TRIES) throw new Error('io_uring takes no entries');
      this.#call();
    }
  }

  #call(): void {
    const done = this.#ring.enter(this.queued);
    if (done > 0) this.queued -= done;
  }

  /** Submits what is queued, and returns what came of sending for `tag`: `onSent` is not called of that. */
  sendNow(tag: number): number {
    this.submit();
    for (;;) {
      const status = this.#pickSent(tag);
      if (status !== undefined) return status;
      // It has been done, and found no room.
      this.#spill();
      this.#call();
    }
  }

  #pickSent(tag: number): number | undefined {
    for (const spilled of this.#spilled) if (isSent(spilled, 0, tag)) return pick(spilled, 0);
    const rings = this.#rings;
    const tail = rings[this.#ring.tailOfCompletions]!;
    for (let head = rings[this.#ring.headOfCompletions]!; head !== tail; head = (head + 1) | 0) {
      const at = this.#completionAt(head);
      if (isSent(rings, at, tag)) return pick(rings, at);
    }
    return undefined;
  }

  /** Makes room for completions: those that are there are told later, in their order. */
  #spill(): void {
    const rings = this.#rings;
    const head = rings[this.#ring.headOfCompletions]!;
    const tail = rings[this.#ring.tailOfCompletions]!;
    if (head === tail) throw new Error('io_uring has lost what it did');
    for (let i = head; i !== tail; i = (i + 1) | 0) {
      const at = this.#completionAt(i);
      this.#spilled.push(rings.slice(at, at + COMPLETION_INTS));
    }
    rings[this.#ring.headOfCompletions] = tail;
  }

  #completionAt(index: number): number {
    return this.#ring.completions + (index & (COMPLETIONS - 1)) * COMPLETION_INTS;
  }

  /** Leaves `eventFd` alone while that is `true`: completions are asked for anyway. */
  set quiet(on: boolean) {
    // The kernel is to see this before it is asked whether there is more.
    Atomics.store(this.#rings, this.#ring.completionFlags, on ? CQ_EVENTFD_DISABLED : 0);
  }

  get #overflows(): boolean {
    return (this.#rings[this.#ring.flags]! & SQ_CQ_OVERFLOW) !== 0;
  }

  /** There is something to take. */
  get hasMore(): boolean {
    const rings = this.#rings;
    // Not before `quiet` is seen to be off: the kernel sets these and then looks at that.
    const flags = Atomics.load(rings, this.#ring.flags);
    if ((flags & (SQ_CQ_OVERFLOW | SQ_TASKRUN)) !== 0 || this.#spilled.length > 0) return true;
    return rings[this.#ring.headOfCompletions] !== Atomics.load(rings, this.#ring.tailOfCompletions);
  }

  /** Submits what is queued, and tells of all that was done by then. Returns how much there was to tell. */
  take(sink: CompletionSink): number {
    this.submit();
    // Those that had no room then may have some before the end, where this does not look for them.
    const overflowed = this.#overflows;
    let told = 0;
    for (let spilled = this.#spilled.shift(); spilled !== undefined; spilled = this.#spilled.shift()) {
      this.#tell(sink, spilled, 0);
      told++;
    }
    const rings = this.#rings;
    const tail = rings[this.#ring.tailOfCompletions]!;
    // What is told may pick out others, or move them away.
    for (
      let head = rings[this.#ring.headOfCompletions]!;
      ((tail - head) | 0) > 0;
      head = rings[this.#ring.headOfCompletions]!
    ) {
      rings[this.#ring.headOfCompletions] = (head + 1) | 0;
      this.#tell(sink, rings, this.#completionAt(head));
      told++;
    }
    if (!overflowed && !this.#overflows && this.#spilled.length === 0) this.#turnOver();
    return told;
  }

  /**
   * What was sent, and in part not, lies where it was until that is told. A take tells of all that was queued when it began,
   * so memory that was in use at the end of one is free at the end of the next.
   */
  #turnOver(): void {
    this.#outboxHalf = OUTBOX_BYTES - this.#outboxHalf;
    this.#outboxUsed = 0;
    this.#giveBuffers(this.#usedBefore);
    this.#usedBefore.length = 0;
    [this.#used, this.#usedBefore] = [this.#usedBefore, this.#used];
  }

  #tell(sink: CompletionSink, ints: Int32Array, at: number): void {
    const kind = ints[at + 1]!;
    if (kind === SEND) sink.onSent(ints[at]!, ints[at + 2]!);
    else if (kind === CONNECT) sink.onConnected(ints[at]!, ints[at + 2]!);
    else if (kind === ACCEPT) sink.onAccepted(ints[at]!, ints[at + 2]!);
    else if (kind === RECV) this.#received(sink, ints[at]!, ints[at + 2]!, ints[at + 3]!);
  }

  #received(sink: CompletionSink, tag: number, status: number, flags: number): void {
    if (status <= 0) return sink.onReceiveEnd(tag, status);
    const buffer = flags >>> 16;
    sink.onReceived(tag, this.#buffers[buffer]!, status, (flags & CQE_F_MORE) !== 0);
    this.#used.push(buffer);
  }

  /** Lets the kernel have the buffers that were used; struct io_uring_buf, with the ring's tail in the first one. */
  #giveBuffers(buffers: Iterable<number>): void {
    for (const buffer of buffers) {
      const at = (this.#bufferTail & (BUFFERS - 1)) * BUFFER_ENTRY_INTS;
      this.#putAddress(this.#bufferRing, at, BUFFERS_AT + buffer * RING_BUFFER_BYTES);
      this.#bufferRing[at + 2] = RING_BUFFER_BYTES;
      this.#bufferRingShorts[at * 2 + 6] = buffer;
      this.#bufferTail = (this.#bufferTail + 1) & 0xffff;
    }
    this.#bufferRingShorts[7] = this.#bufferTail;
  }
}

/** True of a completion of sending for `tag` that was not told. */
function isSent(ints: Int32Array, at: number, tag: number): boolean {
  return ints[at] === tag && ints[at + 1] === SEND;
}

/** Marks a completion as told, and returns its status. */
function pick(ints: Int32Array, at: number): number {
  ints[at + 1] = TOLD;
  return ints[at + 2]!;
}
