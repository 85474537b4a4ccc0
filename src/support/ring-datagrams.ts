import type { Buffer } from 'node:buffer';
import { constants } from 'node:os';
import type { BareSockets } from './bare-sockets.ts';
import type { DatagramSink } from './completion-sink.ts';
import type { IoUring } from './io-uring.ts';
import { passing, RingMember, Tags } from './ring-members.ts';
import { DATAGRAM_HEADER_BYTES, DATAGRAM_NAME_BYTES, RECVMSG } from './ring-memory.ts';
import type { RingPasses } from './ring-passes.ts';
import type { UdpSource } from './udp-wire.ts';

/** What receiving may go on after, beside that: that something which was sent is too long for its way. */
const TOO_LONG = -constants.errno.EMSGSIZE;

/** Where a datagram begins in a buffer. */
const PAYLOAD_AT = DATAGRAM_HEADER_BYTES + DATAGRAM_NAME_BYTES;
/** Where the address is that it came from, and how long an address of each family is, in Int32. */
const NAME_AT = DATAGRAM_HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT;
const V4_INTS = 4;
const V6_INTS = DATAGRAM_NAME_BYTES / Int32Array.BYTES_PER_ELEMENT;
const AF_INET6 = 10;

/** Senders that are remembered, a power of two. */
const SOURCES = 4096;
/** Datagrams that can be queued to be sent between two turn-overs. */
const MOST_SENDS = 2048;

/** Whose socket it is. None may throw. */
export interface DatagramOwner {
  /** A datagram came, valid only during the call. */
  onRingDatagram(bytes: Buffer, from: UdpSource): void;
  /** A datagram was not taken for now. It is a copy. */
  onRingUnsent(bytes: Buffer, to: UdpSource | undefined): void;
  /** Sending or receiving has failed, by a negative system error. */
  onRingFailed(status: number, call: string): void;
  /** The ring does nothing more for the socket, which may be closed: as it was asked to, or since receiving has failed. */
  onRingLeft(): void;
}

/** A UDP socket that is read and written through a ring. */
export type RingDatagramSocket = RingMember<DatagramOwner>;

/** Where datagrams come from, with the address as the kernel has it. */
class RingSource implements UdpSource {
  readonly address: string;
  readonly port: number;
  readonly #ints: Int32Array;
  /** As struct sockaddr. */
  readonly name: Uint8Array;

  constructor(ints: Int32Array, sockets: BareSockets) {
    this.#ints = ints;
    this.name = new Uint8Array(ints.buffer);
    const { address, port } = sockets.readName(this.name);
    this.address = address!;
    this.port = port!;
  }

  isAt(ints: Int32Array, at: number): boolean {
    const own = this.#ints;
    for (let i = 0; i < own.length; i++) if (own[i] !== ints[at + i]) return false;
    return true;
  }
}

/** A datagram that is being sent. */
interface Outgoing {
  readonly socket: RingDatagramSocket;
  readonly to: UdpSource | undefined;
  readonly at: number;
  readonly length: number;
}

/**
 * The UDP sockets that a thread reads and writes through io_uring. Their handles made them and will close them, and take what
 * the ring does not: they queue what the kernel does not take at once.
 */
export class RingDatagrams implements DatagramSink {
  readonly #ring: IoUring;
  readonly #passes: RingPasses;
  readonly #toSubmit: () => void;
  readonly #sockets = new Tags<RingDatagramSocket>();
  /** By where their addresses would be. */
  readonly #sources: (RingSource | undefined)[] = Array.from({ length: SOURCES }, () => undefined);
  /** By their numbers: what was queued since the last turn-over in one half, what was before it in the other. */
  readonly #outgoing: (Outgoing | undefined)[] = Array.from({ length: 2 * MOST_SENDS }, () => undefined);
  #half = 0;
  #sends = 0;

  /** `toSubmit` has what is queued submitted at the end of the turn. */
  constructor(ring: IoUring, passes: RingPasses, toSubmit: () => void) {
    this.#ring = ring;
    this.#passes = passes;
    this.#toSubmit = toSubmit;
  }

  /** Sockets that are in it. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Receives from a socket from now on. It must stay open, and nobody else may read it, until `onRingLeft`. */
  join(owner: DatagramOwner, fd: number): RingDatagramSocket {
    const tag = this.#sockets.take();
    const socket = new RingMember(owner, fd, tag);
    this.#sockets.set(tag, socket);
    this.#receive(socket);
    return socket;
  }

  /** Lets go of a socket; `onRingLeft` follows. */
  leave(socket: RingDatagramSocket): void {
    if (socket.leaving) return;
    socket.leaving = true;
    this.#ring.cancel(socket, RECVMSG);
    this.#toSubmit();
  }

  #receive(socket: RingDatagramSocket): void {
    socket.receiving = true;
    this.#ring.receiveDatagrams(socket);
    this.#toSubmit();
  }

  /**
   * Sends a datagram, to where the socket is connected to or to an address; the bytes are free again at once. False when
   * it has to go by the handle.
   */
  send(socket: RingDatagramSocket, bytes: Buffer, to: UdpSource | undefined): boolean {
    const ring = this.#ring;
    if (socket.leaving || this.#sends === MOST_SENDS || !(ring.owns(bytes) || ring.hasRoom(bytes.length))) return false;
    const name = to instanceof RingSource ? to.name : to && ring.sockets.socketAddress(to.address, to.port);
    if (name === undefined && to !== undefined) return false;
    const number = this.#half + this.#sends++;
    const at = ring.sendDatagram(socket.fd, number, bytes, name);
    this.#outgoing[number] = { socket, to, at, length: bytes.length };
    this.#toSubmit();
    return true;
  }

  /** True of bytes that are to be used or copied before the call that brings them returns. */
  owns(bytes: Buffer): boolean {
    return this.#ring.owns(bytes);
  }

  onDatagram(tag: number, bytes: Buffer, length: number, more: boolean): void {
    const socket = this.#sockets.get(tag)!;
    this.#passes.sees(socket);
    socket.receiving = more;
    socket.owner.onRingDatagram(bytes.subarray(PAYLOAD_AT, length), this.#sourceIn(bytes));
    if (more) return;
    if (socket.leaving) this.#settle(socket);
    else this.#receive(socket);
  }

  /** Most datagrams come from those that have sent some before. */
  #sourceIn(bytes: Buffer): UdpSource {
    const ints = this.#ring.ints;
    const at = bytes.byteOffset / Int32Array.BYTES_PER_ELEMENT + NAME_AT;
    const length = (ints[at]! & 0xffff) === AF_INET6 ? V6_INTS : V4_INTS;
    let hash = 0;
    for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ ints[i]!, 0x9e3779b1) ^ (hash >>> 15);
    const slot = (hash >>> 8) & (SOURCES - 1);
    const known = this.#sources[slot];
    if (known?.isAt(ints, at) === true) return known;
    const source = new RingSource(ints.slice(at, at + length), this.#ring.sockets);
    this.#sources[slot] = source;
    return source;
  }

  onDatagramEnd(tag: number, status: number): void {
    const socket = this.#sockets.get(tag)!;
    socket.receiving = false;
    if (!socket.leaving && (passing.has(status) || status === TOO_LONG)) return this.#receive(socket);
    if (!socket.leaving) {
      socket.leaving = true;
      socket.owner.onRingFailed(status, 'recvmsg');
    }
    this.#settle(socket);
  }

  onDatagramUnsent(number: number, status: number): void {
    const { socket, to, at, length } = this.#outgoing[number]!;
    if (passing.has(status)) socket.owner.onRingUnsent(this.#ring.unsent(at, length), to);
    else socket.owner.onRingFailed(status, 'send');
  }

  onTurnOver(): void {
    this.#half = MOST_SENDS - this.#half;
    this.#sends = 0;
  }

  /** Nothing that is queued names the descriptor when its owner hears of the end: its number may be another socket's at once. */
  #settle(socket: RingDatagramSocket): void {
    if (!socket.leaving || socket.receiving) return;
    if (this.#ring.queued > 0) this.#ring.submit();
    this.#sockets.free(socket.tag);
    socket.owner.onRingLeft();
  }
}
