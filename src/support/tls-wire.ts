import { Buffer } from 'node:buffer';
import tls from 'node:tls';
import { getSystemErrorName } from 'node:util';
import { type HandshakeWatch, heardFrom, toldOf } from './handshake-watch.ts';
import { latin1 } from './latin1.ts';
import { isGone } from './socket-handle.ts';
import { takesNoMore } from './system-error.ts';
import {
  canWriteDirectly,
  type RawHandle,
  type TlsInternals,
  type TlsWireOptions,
  type TlsWrite,
  type TlsWriteOwner,
} from './tls-handle.ts';
import { atTurnEnd, type TurnEnd } from './turn-end.ts';
import { WaitingWrites } from './waiting-writes.ts';
import { COPY_AS_TEXT_BYTES, READ_BUFFER_BYTES, silentSink, type Wire, type WireSink } from './wire.ts';

/** One buffer for all TLS wires of the thread: what was decrypted is used up before the callback returns. */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/** Bytes that may wait behind a write that is under way before the wire counts as backed up. */
const MOST_WAITING_BYTES = READ_BUFFER_BYTES;

function readShared(this: TlsWire, length: number, bytes: Uint8Array): boolean {
  return this.received(bytes as Buffer, length);
}

function completed(this: TlsWrite, status: number): void {
  this.owner?.onWritten(status);
}

/** TLSSocket's own parts; a function, since its constructor already asks for them. */
function internals(socket: tls.TLSSocket): TlsInternals {
  return socket as unknown as TlsInternals;
}

function failure(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/**
 * A TLS connection as a wire. `sink.onConnect` is called when the handshake is done, `sink.onClose` with the reason when it
 * fails. OpenSSL works straight on the socket's handle, decrypts into a buffer that the thread shares, and encrypts what is
 * written without a stream in between; what is written while a write is under way goes out behind it as one.
 *
 * An end without close_notify closes the wire with an error: anybody on the way can send a FIN.
 */
export class TlsWire extends tls.TLSSocket implements Wire, TlsWriteOwner, TurnEnd {
  sink: WireSink = silentSink;
  /** Field lines, each with its CRLF, that say of the client what the handshake has shown. */
  clientLines = '';
  /** The common name in the client's certificate; '' for none. */
  clientName = '';
  /** What a client is sent, in the clear, that speaks HTTP instead of beginning a handshake; '' for nothing. */
  plainHttpAnswer = '';
  /** Latin1 text that a dialled wire sends in the clear before its handshake; '' for nothing. */
  opening = '';
  /** Undefined where a handshake that is done stands, and once something was heard. */
  watch: HandshakeWatch | undefined;
  #failure: NodeJS.ErrnoException | undefined;
  readonly #raw: RawHandle;
  readonly #dialled: boolean;
  #established = false;
  /** The owner wants bytes. */
  #wanted = false;
  /** Bytes that were decrypted together with others and came when nobody wanted them. */
  #held: Buffer | undefined;
  #heldEnd = false;
  #writing = false;
  readonly #waiting = new WaitingWrites();
  /** What waits goes out at the end of this turn. */
  #due = false;
  #backedUp = false;
  #ending = false;
  /** The other side takes no more, as `#failure` says; what it has sent is still being read. */
  #deaf = false;
  #handedOver = false;

  constructor(options: TlsWireOptions) {
    super(
      undefined as never,
      {
        ...options,
        allowHalfOpen: true,
        onread: { buffer: sharedBuffer, callback: readShared },
        noDelay: true,
      } as tls.TLSSocketOptions,
    );
    this.#raw = internals(this)._handle!._parent;
    this.#dialled = options.accepted === undefined;
    if (!this.#dialled) internals(this).connecting = false;
  }

  /** Called by TLSSocket's constructor: an accepted handle is wrapped as it is, without a socket around it. */
  protected _wrapHandle(wrap: unknown, handle: object | undefined, active: boolean): object {
    const base = tls.TLSSocket.prototype as unknown as {
      _wrapHandle(wrap: unknown, handle: object | undefined, active: boolean): object;
    };
    return base._wrapHandle.call(this, wrap, handle ?? internals(this)._tlsOptions.accepted, active);
  }

  /** Starts a handshake with bytes that were read from the raw handle before, if there are any. */
  feed(early: Uint8Array): void {
    internals(this)._handle?.receive(early);
  }

  /** Before a wire is connected: the name to ask for, a session to go on with, and who is to hear of sessions that can be gone on with. */
  prepare(about: {
    readonly serverName: string | undefined;
    readonly session: Buffer | undefined;
    onSession(session: Buffer): void;
  }): void {
    const handle = internals(this)._handle!;
    if (about.serverName !== undefined) handle.setServername(about.serverName);
    if (about.session !== undefined) handle.setSession(about.session);
    handle.onnewsession = (_id, session) => about.onSession(session);
    handle.enableSessionCallbacks();
  }

  /** Events go straight to the sink; only what Node itself waits for is emitted as usual. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    switch (event) {
      case 'secure':
        this.#secured();
        return true;
      case 'connect':
        super.emit('connect');
        if (this.opening !== '') this.#raw.writeLatin1String(null, this.opening);
        internals(this)._start();
        return true;
      case 'close':
        super.emit('close', ...args);
        if (!this.#handedOver) this.#closed();
        return true;
      case 'end':
      case 'drain':
      case 'error':
        if (event === 'error') args[0] = toldOf(this, args[0] as Error);
        if (this.#handedOver && (event !== 'error' || this.destroyed)) return super.emit(event, ...args);
        this.#happened(event, args[0] as Error);
        return true;
      default:
        return super.emit(event, ...args);
    }
  }

  #happened(event: 'end' | 'drain' | 'error', error: Error): void {
    if (event === 'end') {
      this.sink.onEnd();
      if (this.#deaf) this.destroy();
      return;
    }
    if (event === 'drain') return this.sink.onDrain();
    this.#failure ??= error;
    // What OpenSSL finds wrong after the handshake is only told, and ends nothing by itself.
    if (!this.destroyed) this.destroy(error);
  }

  #secured(): void {
    if (this.destroyed) return;
    this.#established = true;
    internals(this)._releaseControl();
    if (this.#handedOver) return;
    this.sink.onConnect();
    // Not before the sink has seen who is on the other side.
    if (this.#waiting.bytes > 0) this.onWritten(0);
    if (this.#dialled && !this.#handedOver) this.start();
  }

  #closed(): void {
    const { sink } = this;
    this.sink = silentSink;
    this.#held = undefined;
    this.#waiting.take();
    sink.onClose(this.#failure);
  }

  /**
   * Gives the connection up to somebody who uses it as a TLSSocket with events, as node:http2 does: from now on the sink
   * hears nothing. To be called from `sink.onConnect`, before anything was read or written.
   */
  handOver(): tls.TLSSocket {
    this.#handedOver = true;
    internals(this).secureConnecting = false;
    return this;
  }

  // In

  /** Bytes were decrypted. OpenSSL does not stop amid what it has, so what comes after a stop is held. */
  received(bytes: Buffer, length: number): boolean {
    if (this.watch !== undefined) heardFrom(this);
    if (this.#wanted && this.#held === undefined) {
      this.#wanted = this.sink.onBytes(bytes, length);
      return this.#wanted;
    }
    const more = bytes.subarray(0, length);
    this.#held = this.#held === undefined ? Buffer.from(more) : Buffer.concat([this.#held, more]);
    return false;
  }

  start(): void {
    if (this.#wanted || this.destroyed) return;
    this.#wanted = true;
    if (this.#held === undefined && !this.#heldEnd) this.read(0);
    else queueMicrotask(() => this.#deliverHeld());
  }

  #deliverHeld(): void {
    while (this.#held !== undefined && this.#wanted && !this.destroyed) {
      const held: Buffer = this.#held;
      this.#held = held.length > READ_BUFFER_BYTES ? held.subarray(READ_BUFFER_BYTES) : undefined;
      this.#wanted = this.sink.onBytes(held, Math.min(held.length, READ_BUFFER_BYTES));
    }
    if (this.#held !== undefined || this.destroyed) return;
    if (this.#heldEnd) {
      this.#heldEnd = false;
      super.push(null);
    }
    if (this.#wanted) this.read(0);
  }

  /** Where TLSSocket puts the end of what comes in; bytes do not come this way. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    return chunk === null && !this.#handedOver && !this.#mayEnd() ? false : super.push(chunk, encoding);
  }

  #mayEnd(): boolean {
    if (!this.#established) this.destroy(failure('ECONNRESET', 'the connection was closed during the TLS handshake'));
    else if (this.#isTruncated()) this.destroy(failure('ECONNRESET', 'the connection ended without close_notify'));
    else if (this.#held === undefined) return true;
    else this.#heldEnd = true;
    return false;
  }

  /**
   * True when the end is a FIN without the close_notify that an orderly end has before it. OpenSSL tells both in the same
   * way, but after close_notify the socket itself is still being read, which it says when it is asked to begin.
   */
  #isTruncated(): boolean {
    return internals(this)._handle?.reading === true && this.#raw.readStart() === 0;
  }

  // Out

  /** Short text goes out at the end of the turn, with what else is written until then. */
  writeText(text: string): boolean {
    if (text.length > COPY_AS_TEXT_BYTES) return this.#write(text);
    if (!this.#mustWait()) {
      this.#due = true;
      atTurnEnd(this);
    }
    return this.#put(text) || (this.#due && this.#writeDue());
  }

  /** OpenSSL has encrypted the bytes when the call returns, so they are copied only if they have to wait. */
  send(bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= COPY_AS_TEXT_BYTES) return this.writeText(latin1(bytes, start, end));
    const part = bytes.subarray(start, end);
    return this.#write(this.#mustWait() && !this.#due ? Buffer.from(part) : part);
  }

  #write(data: string | Buffer): boolean {
    if (!this.#mustWait()) return this.#dispatch(data);
    const took = this.#put(data);
    return this.#due ? this.#writeDue() : took;
  }

  /** Writes what was to wait for the end of the turn; nobody has been told that it is too much. */
  #writeDue(): boolean {
    this.#due = false;
    this.#backedUp = false;
    if (!this.destroyed) this.#goOn();
    return !this.destroyed && !this.#backedUp;
  }

  /** All events of this turn have been seen, or what was to wait for that must go out now. */
  afterPoll(): void {
    if (this.#due) this.#writeDue();
  }

  #mustWait(): boolean {
    return this.#writing || this.#waiting.bytes > 0 || !this.#established || !canWriteDirectly || this.#deaf;
  }

  #put(data: string | Buffer): boolean {
    if (this.destroyed || this.#deaf) return false;
    if (!canWriteDirectly) return this.write(data, 'latin1');
    this.#waiting.push(data);
    if (this.#waiting.bytes >= MOST_WAITING_BYTES) this.#backedUp = true;
    return !this.#backedUp;
  }

  /** Encrypts and sends. False, and backed up, when the kernel has not taken all of it. */
  #dispatch(data: string | Buffer): boolean {
    const handle = internals(this)._handle;
    if (handle === null || this.destroyed) return false;
    if (data.length === 0) return true;
    const result = typeof data === 'string' ? handle.writeLatin1String(null, data) : handle.writeBuffer(null, data);
    if (typeof result === 'number') return result === 0 || this.#writeFailed(result);
    if (result.error !== undefined) return this.#writeFailed(0, result.error);
    this.#writing = true;
    result.owner = this;
    result.oncomplete = completed;
    if (result.writeStatus !== null) queueMicrotask(() => this.onWritten(result.writeStatus!));
    if (this.#raw.writeQueueSize > 0) this.#backedUp = true;
    return !this.#backedUp;
  }

  /** As with sockets, what a backend has sent before it closed is read, unless nobody reads. */
  #writeFailed(status: number, why = 'write failed'): false {
    const error = failure(status < 0 ? getSystemErrorName(status) : 'EPROTO', why);
    if (this.#dialled && this.#wanted && takesNoMore(error)) {
      this.#failure ??= error;
      this.#deaf = true;
      this.#backedUp = true;
      this.#ending = false;
      this.#waiting.take();
    } else this.destroy(error);
    return false;
  }

  /** A write is over: what waited goes out as one, and the sink may go on once the kernel has taken it. */
  onWritten(status: number): void {
    this.#writing = false;
    if (this.destroyed || this.#deaf) return;
    if (status < 0) {
      this.#writeFailed(status);
      return;
    }
    const wasBackedUp = this.#backedUp;
    this.#backedUp = false;
    this.#goOn();
    if (!this.#ending && wasBackedUp && !this.#backedUp) this.sink.onDrain();
  }

  /** Nothing is being written: what waits goes out as one, and then the end, if there is one. */
  #goOn(): void {
    if (this.#waiting.bytes > 0) this.#dispatch(this.#waiting.take());
    if (this.#ending && !this.#writing) super.end();
  }

  get unsent(): boolean {
    this.afterPoll();
    if (this.destroyed) return false;
    return this.#waiting.bytes > 0 || this.writableLength > 0 || (this.#writing && this.#raw.writeQueueSize > 0);
  }

  get lost(): boolean {
    return !this.destroyed && !this.connecting && isGone(this.#raw);
  }

  get queued(): number {
    if (this.destroyed) return 0;
    return this.#waiting.bytes + this.writableLength + (this.#writing ? this.#raw.writeQueueSize : 0);
  }

  get backedUp(): boolean {
    return this.#backedUp || this.writableNeedDrain;
  }

  /** Sends close_notify and a FIN behind what was written. */
  override end(...args: never[]): this {
    if (this.#handedOver) return super.end(...args);
    if (this.#deaf) return this;
    if (this.#writing || this.#waiting.bytes > 0) this.#ending = true;
    else super.end();
    return this;
  }

  /** Ends both directions at once with a reset of the socket beneath. */
  reset(): void {
    const raw = this.#raw;
    if (!this.connecting && raw.reset !== undefined) {
      const close = raw.close.bind(raw);
      raw.close = (done) => {
        if (raw.reset!(done) !== 0) close(done);
      };
    }
    this.destroy();
  }

  /** Closes both directions; for a client that speaks HTTP in the clear this is the last moment to tell it so. */
  override destroy(error?: Error): this {
    this.afterPoll();
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    if (code === 'ERR_SSL_HTTP_REQUEST' && !this.destroyed && this.plainHttpAnswer !== '')
      this.#raw.writeLatin1String(null, this.plainHttpAnswer);
    return super.destroy(error);
  }
}
