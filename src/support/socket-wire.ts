import { Buffer } from 'node:buffer';
import net from 'node:net';
import { isGone, type SocketHandle } from './socket-handle.ts';
import { putSpare, SPARE_BYTES, takeSpare } from './spare-buffers.ts';
import { takesNoMore } from './system-error.ts';
import { COPY_AS_TEXT_BYTES, READ_BUFFER_BYTES, silentSink, type Wire, type WireSink } from './wire.ts';

/** What is used of the handle beneath, which is not public. */
type Handle = Pick<SocketHandle, 'writeQueueSize' | 'reset' | 'getpeername'>;

/** One buffer for all wires of the thread: a read is used up before the callback returns. */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

function readShared(this: SocketWire, length: number, bytes: Uint8Array): boolean {
  return this.received(bytes as Buffer, length);
}

/**
 * A TCP or Unix socket on the public interface of node:net, for versions of Node whose handles are not known. Events go
 * to the sink instead of to listeners; reads land in a buffer that the thread shares (`onread` of node:net).
 */
export class SocketWire extends net.Socket implements Wire {
  sink: WireSink = silentSink;
  #failure: NodeJS.ErrnoException | undefined;
  #handedOver = false;
  readonly #dialled: boolean;
  #reading = false;
  /** The other side takes no more, as `#failure` says; what it has sent is still being read. */
  #deaf = false;

  /** Wraps an accepted handle, as node:net itself does; without one, a socket to be connected. */
  constructor(handle?: object) {
    super({
      handle,
      allowHalfOpen: true,
      manualStart: true,
      noDelay: true,
      onread: { buffer: sharedBuffer, callback: readShared },
    } as net.SocketConstructorOpts);
    this.#dialled = handle === undefined;
  }

  /** Events go straight to the sink; only what node:net itself waits for is emitted as usual. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (this.#handedOver) return super.emit(event, ...args);
    switch (event) {
      case 'end':
        this.sink.onEnd();
        return true;
      case 'drain':
        this.sink.onDrain();
        return true;
      case 'error':
        this.#failure = args[0] as NodeJS.ErrnoException;
        return true;
      case 'close':
        this.#closed();
        return true;
      case 'connect':
        super.emit('connect');
        this.#reading = true;
        this.sink.onConnect();
        return true;
      default:
        return super.emit(event, ...args);
    }
  }

  received(bytes: Buffer, length: number): boolean {
    this.#reading = this.sink.onBytes(bytes, length);
    return this.#reading;
  }

  /** A write that fails ends a socket; but what a backend has sent before it closed is read, unless nobody reads. */
  override destroy(error?: NodeJS.ErrnoException): this {
    if (error?.syscall !== 'write' || !takesNoMore(error) || !this.#dialled || !this.#reading)
      return super.destroy(error);
    this.#failure ??= error;
    this.#deaf = true;
    return this;
  }

  /** Where net.Socket puts the end of what comes in, of which it says nothing once a write has failed. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null || !this.#deaf) return super.push(chunk, encoding);
    // The failed write was told of a reset, so that reading is told of an end that nobody has sent.
    if (this.#failure!.code === 'EPIPE') this.sink.onEnd();
    super.destroy();
    return false;
  }

  #closed(): void {
    const { sink } = this;
    this.sink = silentSink;
    sink.onClose(this.#failure);
  }

  writeText(text: string): boolean {
    return !this.#deaf && this.write(text, 'latin1');
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (this.#deaf) return false;
    if (length <= COPY_AS_TEXT_BYTES || length > SPARE_BYTES) {
      return this.write(Buffer.from(bytes.subarray(start, end)));
    }
    const copy = takeSpare();
    bytes.copy(copy, 0, start, end);
    return this.write(copy.subarray(0, length), () => putSpare(copy));
  }

  get unsent(): boolean {
    return this.writableLength > 0 && !this.#deaf;
  }

  get lost(): boolean {
    return !this.destroyed && !this.connecting && this.#handle !== null && isGone(this.#handle);
  }

  /** The stream counts a write until all of it is taken, the handle what is left of it. */
  get queued(): number {
    return this.writableLength === 0 ? 0 : this.writableLength + (this.#handle?.writeQueueSize ?? 0);
  }

  get backedUp(): boolean {
    return this.writableNeedDrain || this.#deaf;
  }

  start(): void {
    this.#reading = true;
    this.read(0);
  }

  reset(): void {
    if (this.connecting || !this.#isTcp) this.destroy();
    else this.resetAndDestroy();
  }

  /** The socket itself is handed over. */
  handOver(): this {
    this.sink = silentSink;
    this.#handedOver = true;
    return this;
  }

  /** Unix sockets know no reset. */
  get #isTcp(): boolean {
    return typeof this.#handle?.reset === 'function';
  }

  get #handle(): Handle | null {
    return (this as unknown as { _handle: Handle | null })._handle;
  }
}
