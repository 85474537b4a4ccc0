import { Buffer } from 'node:buffer';
import { BareSockets } from './bare-sockets.ts';
import type { CompletionSink, DatagramSink } from './completion-sink.ts';
import { putLatin1 } from './latin1.ts';
import { CLOEXEC_NONBLOCK } from './native.ts';
import { Addresses, RingBuffers } from './ring-buffers.ts';
import {
  ACCEPT,
  ADDRESS_BYTES,
  ADDRESSES_AT,
  COMPLETION_INTS,
  COMPLETIONS,
  CONNECT,
  DATAGRAMS,
  ENTRY_INTS,
  MESSAGE_AT,
  OUTBOX_AT,
  OUTBOX_BYTES,
  RECV,
  RECVMSG,
  type RingMemory,
  STREAMS,
  SUBMISSIONS,
  setUpRing,
} from './ring-memory.ts';
import type { RingRecord } from './ring-record.ts';

/** What else an entry asks for. */
const ASYNC_CANCEL = 14;
const SEND = 26;
/** In a completion: it was told already. */
const TOLD = -1;
/** In a completion: a datagram was not sent. */
const UNSENT_DATAGRAM = -2;

/** IOSQE_BUFFER_SELECT and IORING_RECV_MULTISHOT, beside the operation. */
const ON = ((1 << 5) << 8) | ((1 << 1) << 16);
const RECV_ON = RECV | ON;
const RECVMSG_ON = RECVMSG | ON;
/** IOSQE_CQE_SKIP_SUCCESS: what is cancelled tells of it, and a datagram that was sent is done with. */
const SILENTLY = (1 << 6) << 8;
const CANCEL_SILENTLY = ASYNC_CANCEL | SILENTLY;
const SEND_SILENTLY = SEND | SILENTLY;
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

/** What can be cancelled. */
export type Cancellable = typeof ACCEPT | typeof CONNECT | typeof RECV | typeof RECVMSG;

/** A socket, and the number by which its completions are told. */
export interface Tagged {
  readonly fd: number;
  readonly tag: number;
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
  /** All memory that entries point into, as Int32. */
  readonly ints: Int32Array;
  readonly #addresses: Addresses;
  readonly #streams: RingBuffers;
  readonly #datagrams: RingBuffers;
  /** Where entries are to connect or send to, as long as they are queued. */
  readonly #names: Uint8Array;
  readonly #outbox: Buffer;
  /** Where the half of the outbox begins that is written to, and how much of it is in use. */
  #outboxHalf = 0;
  #outboxUsed = 0;
  /** The buffer of what a stream brought last. */
  #received: Buffer | undefined;
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
    this.ints = new Int32Array(memory);
    this.#addresses = new Addresses(address);
    this.#streams = new RingBuffers(memory, this.#addresses, STREAMS);
    this.#datagrams = new RingBuffers(memory, this.#addresses, DATAGRAMS);
    this.#names = new Uint8Array(memory, ADDRESSES_AT, SUBMISSIONS * ADDRESS_BYTES);
    this.#outbox = Buffer.from(memory, OUTBOX_AT, 2 * OUTBOX_BYTES);
  }

  /** Queues to receive from a socket, until `cancel` or an end. */
  receive({ fd, tag }: Tagged): void {
    this.#queue(RECV_ON, fd, tag, RECV);
  }

  /** Queues to receive datagrams of a socket, until `cancel` or an end. */
  receiveDatagrams({ fd, tag }: Tagged): void {
    const at = this.#queue(RECVMSG_ON, fd, tag, RECVMSG);
    this.#addresses.put(this.#ring.entries, at + 4, MESSAGE_AT);
    this.#ring.entries[at + 10] = DATAGRAMS.id;
  }

  /** Queues to accept one connection of a listening socket. */
  accept({ fd, tag }: Tagged): void {
    const at = this.#queue(ACCEPT, fd, tag, ACCEPT);
    this.#ring.entries[at + 7] = CLOEXEC_NONBLOCK;
  }

  /** Queues to connect to an address as struct sockaddr has it; the caller's bytes are free again at once. */
  connect({ fd, tag }: Tagged, address: Uint8Array): void {
    const at = this.#queue(CONNECT, fd, tag, CONNECT);
    this.#putName(at, at + 4, address);
    this.#ring.entries[at + 2] = address.length;
  }

  /** Copies an address to beside the entry at `at`, which has a pointer to it at `pointerAt`. */
  #putName(at: number, pointerAt: number, address: Uint8Array): void {
    const offset = (at / ENTRY_INTS) * ADDRESS_BYTES;
    this.#names.set(address, offset);
    this.#addresses.put(this.#ring.entries, pointerAt, ADDRESSES_AT + offset);
  }

  /** Queues to stop what was asked for `tag`: its end follows, with ECANCELED if nothing else. */
  cancel({ tag }: Tagged, operation: Cancellable): void {
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
    return this.#send(to, this.#place(bytes, start, end), end - start);
  }

  /**
   * Queues to send a datagram, for which there must be room if it is not the ring's own: to an address as struct sockaddr has
   * it, or where the socket is connected to. Only a failure is told, by `number`. Returns where it is, for `unsent`.
   */
  sendDatagram(fd: number, number: number, bytes: Buffer, address: Uint8Array | undefined): number {
    const offset = this.#place(bytes, 0, bytes.length);
    const at = this.#queue(SEND_SILENTLY, fd, number, UNSENT_DATAGRAM);
    this.#putBytes(at, offset, bytes.length);
    if (address === undefined) return offset;
    this.#putName(at, at + 2, address);
    this.#ring.entries[at + 11] = address.length;
    return offset;
  }

  /** True of bytes that lie in the ring's memory, and are to be used or copied before the call that brings them returns. */
  owns(bytes: Buffer): boolean {
    return bytes.buffer === this.#memory;
  }

  /** Where the bytes are from which they can be sent: where they lie, or a copy. */
  #place(bytes: Buffer, start: number, end: number): number {
    // What came goes on at once as a rule, and to ask for the memory of a buffer takes its time.
    if (bytes === this.#received || this.owns(bytes)) return bytes.byteOffset + start;
    const at = this.#room(end - start);
    bytes.copy(this.#outbox, at, start, end);
    return OUTBOX_AT + at;
  }

  /** Queues to send latin1 text, for which there must be room. Returns where it is, for `unsent`. */
  sendText(to: Tagged, text: string): number {
    const at = this.#room(text.length);
    putLatin1(text, this.#outbox, at);
    return this.#send(to, OUTBOX_AT + at, text.length);
  }

  /** A copy of bytes that were to be sent: to be called in `onSent` or `onDatagramUnsent`, or at once after `sendNow`. */
  unsent(at: number, length: number): Buffer {
    return Buffer.from(Buffer.from(this.#memory, at, length));
  }

  #send({ fd, tag }: Tagged, offset: number, length: number): number {
    this.#putBytes(this.#queue(SEND, fd, tag, SEND), offset, length);
    return offset;
  }

  #putBytes(at: number, offset: number, length: number): void {
    const { entries } = this.#ring;
    this.#addresses.put(entries, at + 4, offset);
    entries[at + 6] = length;
    entries[at + 7] = SEND_FLAGS;
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
    // The kernel sets this after it has listed what there is, and that may have been taken in between. Then it would stay set.
    Atomics.and(this.#rings, this.#ring.flags, ~SQ_TASKRUN);
    this.submit();
    // Those that had no room then may have some before the end, where this does not look for them.
    const overflowed = this.#overflows;
    let told = 0;
    while (this.#spilled.length > 0) {
      this.#tell(sink, this.#spilled.shift()!, 0);
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
    if (!overflowed && !this.#overflows && this.#spilled.length === 0) this.#turnOver(sink);
    return told;
  }

  /**
   * What was sent, and in part not, lies where it was until that is told. A take tells of all that was queued when it began,
   * so memory that was in use at the end of one is free at the end of the next.
   */
  #turnOver(sink: DatagramSink): void {
    this.#outboxHalf = OUTBOX_BYTES - this.#outboxHalf;
    this.#outboxUsed = 0;
    this.#streams.turnOver();
    this.#datagrams.turnOver();
    sink.onTurnOver();
  }

  #tell(sink: CompletionSink, ints: Int32Array, at: number): void {
    const kind = ints[at + 1]!;
    if (kind === SEND) sink.onSent(ints[at]!, ints[at + 2]!);
    else if (kind === CONNECT) sink.onConnected(ints[at]!, ints[at + 2]!);
    else if (kind === ACCEPT) sink.onAccepted(ints[at]!, ints[at + 2]!);
    else if (kind === RECV) this.#tellReceived(sink, ints[at]!, ints[at + 2]!, ints[at + 3]!);
    else if (kind === RECVMSG) this.#tellDatagram(sink, ints[at]!, ints[at + 2]!, ints[at + 3]!);
    else if (kind === UNSENT_DATAGRAM) sink.onDatagramUnsent(ints[at]!, ints[at + 2]!);
  }

  #tellReceived(sink: CompletionSink, tag: number, status: number, flags: number): void {
    if (status <= 0) return sink.onReceiveEnd(tag, status);
    this.#received = this.#streams.take(flags >>> 16);
    sink.onReceived(tag, this.#received, status, (flags & CQE_F_MORE) !== 0);
  }

  #tellDatagram(sink: DatagramSink, tag: number, status: number, flags: number): void {
    if (status < 0) return sink.onDatagramEnd(tag, status);
    sink.onDatagram(tag, this.#datagrams.take(flags >>> 16), status, (flags & CQE_F_MORE) !== 0);
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
