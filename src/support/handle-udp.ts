import { Buffer } from 'node:buffer';
import { isIPv6 } from 'node:net';
import type { DatagramOwner, RingDatagramSocket, RingDatagrams } from './ring-datagrams.ts';
import type { RingSockets } from './ring-sockets.ts';
import type { HandleKit, SendRequest, SocketName, UdpHandle } from './socket-handle.ts';
import { systemError } from './system-error.ts';
import { atTurnEnd, type TurnEnd } from './turn-end.ts';
import {
  MOST_QUEUED_BYTES,
  type UdpBind,
  type UdpMaker,
  type UdpSink,
  type UdpSource,
  type UdpTarget,
  type UdpWire,
} from './udp-wire.ts';

/** The list of one that every send takes; it is read before the call returns, unless the datagram has to wait. */
const one: [Buffer | undefined] = [undefined];

/** A datagram that goes out at the end of this turn. */
interface Outgoing {
  readonly bytes: Buffer;
  /** Undefined on a connected socket. */
  readonly to: UdpSource | undefined;
}

/**
 * A UDP socket on a handle of libuv, which takes most datagrams at once, so that no request is made for them; or on a
 * ring, with the handle for what the ring does not take.
 */
class HandleUdpWire implements UdpWire, TurnEnd, DatagramOwner {
  readonly #maker: HandleUdp;
  readonly #handle: UdpHandle;
  readonly #is6: boolean;
  readonly #sink: UdpSink;
  /** What the socket is in the ring, while it is there. */
  #socket: RingDatagramSocket | undefined;
  /** The ring has failed to receive for it. */
  #unfit = false;
  #request: SendRequest;
  #outgoing: Outgoing[] = [];
  #outgoingBytes = 0;
  #waiting = false;
  #closed = false;

  constructor(maker: HandleUdp, host: string, sink: UdpSink) {
    const { kit } = maker;
    this.#maker = maker;
    this.#handle = kit.newUdp();
    this.#is6 = isIPv6(host);
    this.#sink = sink;
    this.#request = kit.newSend();
    this.#handle.onmessage = (length, _handle, bytes, from) => this.#onMessage(length, bytes, from);
  }

  /** Throws the system's error. */
  bind({ host, port, reusePort }: UdpBind): void {
    const handle = this.#handle;
    const flags = reusePort ? this.#maker.kit.reuseUdpPort : 0;
    check('bind', this.#is6 ? handle.bind6(host, port, flags) : handle.bind(host, port, flags));
    this.#receive();
  }

  /** What goes wrong is told later, as everything else is. */
  connect(to: UdpTarget): void {
    try {
      this.#tryConnect(to);
    } catch (error) {
      this.#failLater(error as NodeJS.ErrnoException);
    }
  }

  #tryConnect({ host, port, local }: UdpTarget): void {
    const handle = this.#handle;
    if (local !== '') check('bind', isIPv6(local) ? handle.bind6(local, 0, 0) : handle.bind(local, 0, 0));
    check('connect', this.#is6 ? handle.connect6(host, port) : handle.connect(host, port));
    this.#receive();
  }

  /** Throws the system's error. */
  #receive(): void {
    const { usesRing, ring } = this.#maker;
    if (usesRing && !this.#unfit) this.#socket = ring!.join(this, this.#handle.fd);
    else check('recvmsg', this.#handle.recvStart());
  }

  /** The maker has got a ring, or none any more. */
  followRing(): void {
    const { usesRing, ring } = this.#maker;
    if (!usesRing) {
      if (this.#socket !== undefined) ring!.leave(this.#socket);
    } else if (this.#socket === undefined && !this.#unfit) {
      this.#handle.recvStop();
      this.#receive();
    }
  }

  onRingLeft(): void {
    this.#socket = undefined;
    if (this.#closed) return this.#handle.close();
    try {
      this.#receive();
    } catch (error) {
      this.#failLater(error as NodeJS.ErrnoException);
    }
  }

  onRingDatagram(bytes: Buffer, from: UdpSource): void {
    if (!this.#closed) this.#sink.onDatagram(bytes, from);
  }

  onRingUnsent(bytes: Buffer, to: UdpSource | undefined): void {
    this.#queue(bytes, to);
  }

  onRingFailed(status: number, call: string): void {
    this.#unfit ||= call !== 'send';
    if (!this.#closed) this.#sink.onError(systemError(status, call));
  }

  get localPort(): number {
    const name: SocketName = {};
    this.#handle.getsockname(name);
    return name.port ?? 0;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  send(bytes: Buffer): boolean {
    return this.#put(bytes, undefined);
  }

  sendTo(bytes: Buffer, to: UdpSource): boolean {
    return this.#put(bytes, to);
  }

  #put(bytes: Buffer, to: UdpSource | undefined): boolean {
    if (this.#closed) return false;
    // What waits for the handle comes first.
    const isFree = this.#socket !== undefined && !this.#waiting && this.#outgoing.length === 0;
    if (isFree && this.#maker.ring!.send(this.#socket!, bytes, to)) return true;
    return this.#queue(this.#maker.kept(bytes), to);
  }

  #queue(bytes: Buffer, to: UdpSource | undefined): boolean {
    if (this.#closed || this.#isFull()) return false;
    this.#outgoingBytes += bytes.length;
    if (this.#outgoing.push({ bytes, to }) === 1) atTurnEnd(this);
    return true;
  }

  /** All events of this turn have been seen: what was to be sent goes out. */
  afterPoll(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    for (const { bytes, to } of outgoing) {
      one[0] = bytes;
      this.#sent(bytes, to === undefined ? this.#sendOne() : this.#sendOneTo(to));
    }
  }

  #sendOne(): number {
    const [handle, request] = [this.#handle, this.#request];
    return this.#is6 ? handle.send6(request, one, 1, false) : handle.send(request, one, 1, false);
  }

  #sendOneTo({ port, address }: UdpSource): number {
    const [handle, request] = [this.#handle, this.#request];
    return this.#is6
      ? handle.send6(request, one, 1, port, address, false)
      : handle.send(request, one, 1, port, address, false);
  }

  /** Counts what waits for the end of the turn, and what a socket that had to put datagrams aside still has. */
  #isFull(): boolean {
    const queued = this.#waiting ? this.#handle.getSendQueueSize() : 0;
    this.#waiting = queued > 0;
    return queued + this.#outgoingBytes > MOST_QUEUED_BYTES;
  }

  /** Above 0 it has gone out; at 0 it waits, and the request keeps its bytes alive; below it has failed. */
  #sent(bytes: Buffer, result: number): void {
    one[0] = undefined;
    if (result < 0) this.#failLater(systemError(result, 'send'));
    if (result !== 0) return;
    this.#request.list = [bytes];
    this.#request = this.#maker.kit.newSend();
    this.#waiting = true;
  }

  #onMessage(length: number, bytes: Buffer | undefined, from: UdpSource): void {
    if (length < 0) this.#sink.onError(systemError(length, 'recvmsg'));
    else if (bytes !== undefined) this.#sink.onDatagram(bytes, from);
  }

  #failLater(error: NodeJS.ErrnoException): void {
    process.nextTick(() => {
      if (!this.#closed) this.#sink.onError(error);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.afterPoll();
    this.#closed = true;
    this.#maker.forget(this);
    this.#handle.onmessage = undefined;
    if (this.#socket === undefined) this.#handle.close();
    else this.#maker.ring!.leave(this.#socket);
  }
}

function check(call: string, result: number): void {
  if (result < 0) throw systemError(result, call);
}

/** UDP sockets on handles, or on a ring while it may be used. */
export class HandleUdp implements UdpMaker {
  readonly kit: HandleKit;
  /** The ring of this thread, from when there is one. */
  ring: RingDatagrams | undefined;
  /** It is to read and write for sockets, not their handles. */
  usesRing = false;
  readonly #bound = new Set<HandleUdpWire>();

  constructor(kit: HandleKit) {
    this.kit = kit;
  }

  /** Sockets that are connected stay where they are: their flows end soon. */
  useRing(ring: RingSockets | undefined): void {
    this.usesRing = ring !== undefined;
    this.ring = ring?.datagrams ?? this.ring;
    for (const wire of this.#bound) wire.followRing();
  }

  /** The bytes themselves, or a copy if they are the caller's only until the call returns. */
  kept(bytes: Buffer): Buffer {
    return this.ring?.owns(bytes) === true ? Buffer.from(bytes) : bytes;
  }

  /** It is closed. */
  forget(wire: HandleUdpWire): void {
    this.#bound.delete(wire);
  }

  async bind(to: UdpBind, sink: UdpSink): Promise<UdpWire> {
    const wire = new HandleUdpWire(this, to.host, sink);
    try {
      wire.bind(to);
    } catch (error) {
      wire.close();
      throw error;
    }
    this.#bound.add(wire);
    return wire;
  }

  connect(to: UdpTarget, sink: UdpSink): UdpWire {
    const wire = new HandleUdpWire(this, to.host, sink);
    wire.connect(to);
    return wire;
  }
}
