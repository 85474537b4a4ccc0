import { Buffer } from 'node:buffer';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { callbackBegins, callbackEnds, toTellClosed } from './closed-wires.ts';
import { fileLimit, TOO_MANY_FILES } from './file-room.ts';
import { latin1 } from './latin1.ts';
import { handleOf, RingHandle } from './ring-handle.ts';
import { RingIo, type RingIoUser } from './ring-io.ts';
import { RING_BUFFER_BYTES } from './ring-memory.ts';
import type { RingSockets } from './ring-sockets.ts';
import {
  type HandleKit,
  type HandleRequest,
  isGone,
  type PendingWrite,
  type SocketHandle,
  type SocketIo,
  type SocketName,
  type UnconnectedHandle,
  type WriteOwner,
} from './socket-handle.ts';
import { putSpare, SPARE_BYTES, takeSpare } from './spare-buffers.ts';
import { systemError, takesNoMore } from './system-error.ts';
import { atNextTurnEnd, atTurnEnd, type NextTurnEnd, type TurnEnd } from './turn-end.ts';
import {
  COPY_AS_TEXT_BYTES,
  type DialTarget,
  READ_BUFFER_BYTES,
  silentSink,
  type Wire,
  type WireSink,
} from './wire.ts';

/**
 * One buffer for all wires of the thread. A read lands in it and is used up before the callback returns, so an idle
 * connection owns no buffer and a busy one causes no garbage. Whoever wants to keep bytes copies them.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

function onRead(this: SocketHandle): void {
  callbackBegins();
  (this.wire as HandleWire).onHandleRead();
  callbackEnds();
}

function onConnected(this: HandleRequest, status: number): void {
  callbackBegins();
  (this.wire as HandleWire).onConnected(status);
  callbackEnds();
}

function onWritten(this: PendingWrite, status: number): void {
  callbackBegins();
  this.owner?.onWritten(this, status);
  callbackEnds();
}

/**
 * A TCP or Unix socket without `net.Socket`: the same system calls, a third of the processor time for a connection that
 * lives for one request. Half-open is allowed: each direction is ended by itself, and the wire closes when both are.
 */
export class HandleWire implements Wire, WriteOwner, RingIoUser, TurnEnd, NextTurnEnd {
  sink: WireSink = silentSink;
  destroyed = false;
  readableEnded = false;
  readonly #kit: HandleKit;
  readonly #handle: SocketHandle;
  /** What it reads and writes with: the handle, or that and the ring. */
  #io: SocketIo;
  readonly #ring: RingSockets | undefined;
  #ringIo: RingIo | undefined;
  /** Reads in a row that a buffer of the ring had room for. */
  #smallReads = 0;
  #failure: NodeJS.ErrnoException | undefined;
  #dialled = false;
  #connecting = false;
  #reading = false;
  #pendingWrites = 0;
  #ending = false;
  /** The other side takes no more, as `#failure` says; what it has sent is still being read. */
  #deaf = false;
  /** The FIN is due and waits for writes that are pending: libuv would refuse to reset a connection that is shutting down. */
  #finWaits = false;
  #queued = false;
  /** Latin1 text that is written at the end of this turn. */
  #outgoing = '';
  #target: DialTarget | undefined;
  #from = '';
  #peer: SocketName | undefined;
  #local: SocketName | undefined;

  /** Wraps a handle: one that was accepted, or one to connect with. With a ring, that is used from the start or when it pays. */
  constructor(kit: HandleKit, handle: SocketHandle, ring?: RingSockets) {
    this.#kit = kit;
    this.#handle = handle;
    this.#ring = ring;
    if (handle instanceof RingHandle) this.#ringIo = new RingIo(this, kit, handle, ring!);
    this.#io = this.#ringIo ?? handle;
    handle.wire = this;
    handle.onread = onRead;
    handle.useUserBuffer(sharedBuffer);
  }

  /** Starts to connect; `sink.onConnect` or `sink.onClose` follows. `local` is the address to come from, '' for any. */
  connect(to: DialTarget, local: string): void {
    this.#dialled = true;
    this.#connecting = true;
    this.#target = to;
    this.#from = local;
    this.#queue();
  }

  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    atTurnEnd(this);
  }

  /** All events of this turn have been seen: does what was asked for. */
  afterPoll(): void {
    this.#queued = false;
    if (this.destroyed) return this.#io.close();
    if (this.#target === undefined) return this.#flush();
    const target = this.#target;
    this.#target = undefined;
    const started = this.#connectTo(target);
    const status = started === 0 && fileLimit.isKeptFromDials(this.#handle.fd) ? TOO_MANY_FILES : started;
    if (status !== 0) this.#fail(status, 'connect');
    else if (!('path' in target) && this.#ringIo === undefined) this.#startReading();
  }

  /** Writes what waits for the end of the turn. */
  #flush(): void {
    const text = this.#outgoing;
    if (text === '') return;
    this.#outgoing = '';
    this.#wrote(this.#io.writeLatin1String(null, text));
  }

  #connectTo(target: DialTarget): number {
    const handle = this.#handle as UnconnectedHandle;
    if ('path' in target) return handle.connect(this.#request(this.#kit.newPipeConnect()), target.path);
    const { host, port } = target;
    const local = this.#from;
    const v6 = host.includes(':');
    handle.setNoDelay?.(true);
    const status = local === '' ? 0 : v6 ? handle.bind6(local, 0, 0) : handle.bind(local, 0);
    if (status !== 0) return status;
    const request = this.#request(this.#kit.newTcpConnect());
    return v6 ? handle.connect6(request, host, port) : handle.connect(request, host, port);
  }

  #request(request: HandleRequest): HandleRequest {
    request.wire = this;
    request.oncomplete = onConnected;
    return request;
  }

  onConnected(status: number): void {
    if (this.destroyed) return;
    this.#connecting = false;
    if (status !== 0) return this.#fail(status, 'connect');
    this.sink.onConnect();
    this.start();
  }

  onHandleRead(): void {
    const result = this.#kit.readResult();
    this.onRead(sharedBuffer, result);
    if (this.#ring?.open === true) this.#considerRing(result);
  }

  /**
   * Uses the ring if this lives long and speaks in small pieces. A wire that has said nothing may still be handed over, and
   * of Unix sockets some kernels do not tell the FIN there (liburing#1549).
   */
  #considerRing(length: number): void {
    this.#smallReads = length < RING_BUFFER_BYTES ? this.#smallReads + 1 : 0;
    if (this.#smallReads < this.#ring!.readsBefore) return;
    this.#smallReads = 0;
    const { reset, bytesWritten } = this.#handle;
    if (!this.#reading || this.destroyed || reset === undefined || bytesWritten === 0) return;
    this.#ringIo ??= new RingIo(this, this.#kit, this.#handle, this.#ring!);
    this.#io = this.#ringIo;
    this.#ringIo.join();
  }

  onRead(bytes: Buffer, result: number): void {
    if (this.destroyed) return;
    if (result > 0) {
      if (this.sink.onBytes(bytes, result) || this.destroyed) return;
      this.#reading = false;
      this.#io.readStop();
    } else if (result === this.#kit.eof && this.#wasReset()) this.destroy();
    else if (result === this.#kit.eof) {
      this.readableEnded = true;
      this.#reading = false;
      this.sink.onEnd();
      if (this.#deaf) this.destroy();
      else this.#closeWhenEnded();
    } else if (result < 0) this.#fail(result, 'read');
  }

  start(): void {
    if (!this.#reading && !this.destroyed && !this.readableEnded && !this.#connecting) this.#startReading();
  }

  /** A TCP handle reads while it connects too, so that libuv asks the kernel once. One that cannot begin to connect says why later. */
  #startReading(): void {
    const status = this.#io.readStart();
    this.#reading = status === 0;
    if (status < 0 && !this.#connecting) this.#fail(status, 'read');
  }

  writeText(text: string): boolean {
    if (this.destroyed || this.#deaf) return false;
    if (this.#pendingWrites > 0) return this.#wrote(this.#handle.writeLatin1String(null, text));
    this.#outgoing += text;
    if (this.#outgoing.length <= COPY_AS_TEXT_BYTES) this.#queue();
    else this.#flush();
    return !this.destroyed && this.#pendingWrites === 0;
  }

  /** A small chunk goes as text, which the handle copies only if the kernel does not take it; of a large one a copy is written. */
  send(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (this.destroyed || this.#deaf) return false;
    if (this.#outgoing === '' && this.#ringIo?.takes(length) === true) {
      this.#ringIo.write(bytes, start, end);
      return true;
    }
    if (length <= COPY_AS_TEXT_BYTES) return this.writeText(latin1(bytes, start, end));
    this.#flush();
    if (this.destroyed || this.#deaf) return false;
    const copy = length > SPARE_BYTES ? Buffer.allocUnsafeSlow(length) : takeSpare();
    bytes.copy(copy, 0, start, end);
    return this.#wrote(this.#io.writeBuffer(null, copy.length === length ? copy : copy.subarray(0, length)), copy);
  }

  #wrote(result: number | PendingWrite, spare?: Buffer): boolean {
    if (typeof result === 'number') {
      if (spare !== undefined) putSpare(spare);
      if (result < 0) this.#writeFailed(result);
      return result === 0;
    }
    result.owner = this;
    result.bytes = spare;
    result.oncomplete = onWritten;
    this.#pendingWrites++;
    if (result.writeStatus !== null) process.nextTick(() => this.onWritten(result, result.writeStatus!));
    return false;
  }

  /** The ring has not taken all that it was to write. */
  onWrote(result: number | PendingWrite, bytes?: Buffer): void {
    this.#wrote(result, bytes);
  }

  /** A pending write is over: the last one lets the sink go on, a failed one ends the wire. */
  onWritten(request: PendingWrite, status: number): void {
    if (request.bytes !== undefined) putSpare(request.bytes);
    this.#pendingWrites--;
    if (this.destroyed || this.#deaf) return;
    if (status < 0) this.#writeFailed(status);
    else if (this.#pendingWrites === 0) {
      this.sink.onDrain();
      this.#closeWhenEnded();
      if (this.#finWaits && !this.destroyed) this.afterNextPoll();
    }
  }

  /**
   * A backend that does not want a request may answer it and close while the request is still being written (RFC 9112
   * §9.5): what it has sent is read to its end, which is there already. When nobody reads, nobody would come to that end.
   */
  #writeFailed(status: number): void {
    const error = systemError(status, 'write');
    this.#failure ??= error;
    if (this.#dialled && this.#reading && takesNoMore(error)) this.#deaf = true;
    else this.destroy();
  }

  /** The failed write was told of a reset, so that reading is told of an end that nobody has sent. */
  #wasReset(): boolean {
    return this.#deaf && this.#failure!.code !== 'EPIPE';
  }

  get unsent(): boolean {
    this.#flush();
    this.#ringIo?.settle();
    return this.#pendingWrites > 0 && !this.#deaf;
  }

  get lost(): boolean {
    return !this.destroyed && !this.#connecting && isGone(this.#handle);
  }

  get queued(): number {
    return this.#pendingWrites > 0 && !this.destroyed ? this.#handle.writeQueueSize : 0;
  }

  get backedUp(): boolean {
    return this.#pendingWrites > 0 || this.#deaf;
  }

  /**
   * Sends a FIN behind what was written; the second FIN of a connection is sent by closing. Nobody waits for the request:
   * where it cannot be sent the connection is gone, as reading or writing will show.
   */
  end(): void {
    if (this.#ending || this.destroyed) return;
    this.#ending = true;
    this.#flush();
    this.#closeWhenEnded();
    if (!this.destroyed) atNextTurnEnd(this);
  }

  /** If the other side has ended its way too by now, the wire is closed, and that has sent the FIN. */
  afterNextPoll(): void {
    this.#ringIo?.settle();
    this.#finWaits = this.#pendingWrites > 0;
    if (!this.destroyed && !this.#finWaits) this.#handle.shutdown(this.#kit.newShutdown());
  }

  #closeWhenEnded(): void {
    if (!this.readableEnded || !this.#ending) return;
    this.#ringIo?.settle();
    if (this.#pendingWrites === 0) this.destroy();
  }

  reset(): void {
    if (this.destroyed) return;
    this.#flush();
    // Unix sockets know no reset, and one whose FIN is being sent in this turn is refused it.
    if (this.#connecting || this.#handle.reset === undefined) return this.destroy();
    if (this.#io.reset!() !== 0) this.#io.close();
    this.#close();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.#flush();
    if (this.destroyed) return;
    this.#queue();
    this.#close();
  }

  /** The handle itself is handed over, to a `net.Socket` that is put around it. */
  handOver(): Socket {
    const handle = handleOf(this.#handle);
    this.sink = silentSink;
    this.destroyed = true;
    this.#reading = false;
    handle.readStop();
    handle.wire = undefined;
    return new Socket({ handle, allowHalfOpen: true, manualStart: true } as unknown as SocketConstructorOpts);
  }

  #fail(status: number, syscall: string): void {
    this.#failure ??= systemError(status, syscall);
    this.destroy();
  }

  #close(): void {
    this.destroyed = true;
    toTellClosed(this);
  }

  tellClosed(): void {
    const { sink } = this;
    this.sink = silentSink;
    sink.onClose(this.#failure);
  }

  get remoteAddress(): string | undefined {
    this.#peer ??= this.#name('getpeername');
    return this.#peer?.address;
  }

  get remotePort(): number | undefined {
    this.#peer ??= this.#name('getpeername');
    return this.#peer?.port;
  }

  get localAddress(): string | undefined {
    this.#local ??= this.#name('getsockname');
    return this.#local?.address;
  }

  get localPort(): number | undefined {
    this.#local ??= this.#name('getsockname');
    return this.#local?.port;
  }

  /** Asked of the kernel when somebody wants to know, and only once. */
  #name(call: 'getpeername' | 'getsockname'): SocketName | undefined {
    const name: SocketName = {};
    if (this.destroyed || this.#connecting) return undefined;
    return this.#handle[call]?.(name) === 0 ? name : undefined;
  }
}
