import { Buffer } from 'node:buffer';
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { canWriteDirectly, type DirectHandle, type WriteOwner, writeDirectly } from './direct-write.ts';
import { latin1 } from './latin1.ts';
import { READ_BUFFER_BYTES, silentSink, type Wire, type WireSink } from './wire.ts';

/** Up to this many bytes a chunk is written as a latin1 string, which the socket copies, instead of as a buffer, which it keeps. */
const COPY_AS_TEXT_BYTES = 16 * 1024;

/**
 * One buffer for all wires of the thread. A read lands in it and is used up before the callback returns, so an idle
 * connection owns no buffer and a busy one causes no garbage. Whoever wants to keep bytes copies them.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/**
 * Buffers of large chunks that have been written, to be written from again: as garbage they would pile up to some 60 MiB
 * in a stream that passes at full speed, because the collector sees only the small objects that hold them.
 */
const spareBuffers: Buffer[] = [];

/** At most so many are kept. */
const MOST_SPARE_BUFFERS = 32;

/** The part of Node's socket handle that `SocketWire` reads; `handle` is how node:net itself builds an accepted socket. */
export type SocketHandle = object;

function readShared(this: SocketWire, length: number, bytes: Uint8Array): boolean {
  return this.sink.onBytes(bytes as Buffer, length);
}

/**
 * A TCP or Unix socket whose events go to one replaceable sink instead of to listeners, and whose reads land in a
 * buffer shared by the thread (`onread` of node:net). Half-open is allowed: each direction is ended by itself.
 */
export class SocketWire extends net.Socket implements Wire, WriteOwner {
  sink: WireSink = silentSink;
  /** Why the wire was closed, when it was not in order. */
  failure: NodeJS.ErrnoException | undefined;
  #pendingWrites = 0;

  /** Wraps an accepted handle; without one, a socket to be connected. */
  constructor(handle?: SocketHandle) {
    super({
      handle,
      allowHalfOpen: true,
      manualStart: true,
      noDelay: true,
      onread: { buffer: sharedBuffer, callback: readShared },
    } as net.SocketConstructorOpts);
  }

  /**
   * Events go straight to the sink: a connection that lives for a few milliseconds would spend much of its processor
   * time on adding and finding listeners. Only what node:net itself waits for is emitted as usual.
   */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    switch (event) {
      case 'end':
        this.sink.onEnd();
        return true;
      case 'drain':
        this.sink.onDrain();
        return true;
      case 'error':
        this.failure = args[0] as NodeJS.ErrnoException;
        return true;
      case 'close':
        this.#closed();
        return true;
      case 'connect':
        super.emit('connect');
        this.sink.onConnect();
        return true;
      default:
        return super.emit(event, ...args);
    }
  }

  #closed(): void {
    const { sink } = this;
    this.sink = silentSink;
    sink.onClose(this.failure);
  }

  /** Writes latin1 text. False when the wire is backed up: `sink.onDrain` follows when it no longer is. */
  writeText(text: string): boolean {
    const handle = (this as unknown as { _handle: DirectHandle | null })._handle;
    if (!canWriteDirectly || handle === null || this.writableLength > 0) return this.write(text, 'latin1');
    const status = writeDirectly(handle, text, this);
    if (status === 0) return true;
    if (status < 0) this.onWritten(status);
    else this.#pendingWrites++;
    return false;
  }

  /** A direct write is over: the last one lets the sink go on, a failed one ends the wire. */
  onWritten(status: number): void {
    if (status < 0) {
      this.destroy(Object.assign(new Error('write failed'), { code: getSystemErrorName(status) }));
      return;
    }
    this.#pendingWrites--;
    if (this.#pendingWrites === 0 && !this.destroyed) this.sink.onDrain();
  }

  /**
   * Writes `bytes[start..end)` so that the caller's buffer is free again at once: a small chunk as text, which the
   * socket copies only if the kernel does not take it, a large one as a copy. False when the wire is backed up.
   */
  send(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (length <= COPY_AS_TEXT_BYTES) return this.writeText(latin1(bytes, start, end));
    if (length > READ_BUFFER_BYTES) return this.write(Buffer.from(bytes.subarray(start, end)));
    const copy = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    bytes.copy(copy, 0, start, end);
    return this.write(length === copy.length ? copy : copy.subarray(0, length), () => {
      if (spareBuffers.length < MOST_SPARE_BUFFERS) spareBuffers.push(copy);
    });
  }

  /** True while bytes that were written wait for the kernel to take them. */
  get unsent(): boolean {
    return this.#pendingWrites > 0 || this.writableLength > 0;
  }

  /** True after a write that returned false, until `sink.onDrain`. */
  get backedUp(): boolean {
    return this.#pendingWrites > 0 || this.writableNeedDrain;
  }

  /** Starts or goes on reading; an accepted wire reads nothing before. */
  start(): void {
    this.read(0);
  }

  /** Ends both directions at once with a reset, where the transport has one: nobody may take this for an orderly end. */
  reset(): void {
    if (this.connecting || !this.#isTcp) this.destroy();
    else this.resetAndDestroy();
  }

  /** Unix sockets know no reset. */
  get #isTcp(): boolean {
    const handle = (this as unknown as { _handle: { reset?: unknown } | null })._handle;
    return typeof handle?.reset === 'function';
  }

  /**
   * Ends the way out. When the way in has ended as well and nothing waits to be sent, closing at once sends the same FIN
   * with one system call instead of two.
   */
  finish(): void {
    if (this.readableEnded && !this.unsent) this.destroy();
    else this.end();
  }
}
