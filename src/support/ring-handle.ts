import type { RingConnector, RingSockets, RingTask } from './ring-sockets.ts';
import type {
  HandleKit,
  HandleRequest,
  PendingWrite,
  SocketHandle,
  SocketName,
  UnconnectedHandle,
} from './socket-handle.ts';

/**
 * A TCP socket that a ring has accepted or connects, where others have a handle of libuv. It does without one, which most
 * that live for one request never need; whatever is not simple opens it, for good.
 */
export class RingHandle implements UnconnectedHandle, RingConnector {
  onread: (() => void) | undefined;
  wire: unknown;
  readonly #kit: HandleKit;
  readonly #ring: RingSockets;
  #fd = -1;
  /** It is closed when the thread dies. */
  #noted = false;
  #real: UnconnectedHandle | undefined;
  #buffer: Uint8Array | undefined;
  #request: HandleRequest | undefined;
  #connecting: RingTask<RingConnector> | undefined;
  #closed = false;

  constructor(kit: HandleKit, ring: RingSockets) {
    this.#kit = kit;
    this.#ring = ring;
  }

  /** The handle, which has the socket from now on. */
  get real(): UnconnectedHandle {
    if (this.#real !== undefined) return this.#real;
    const real = this.#kit.newTcp();
    this.#real = real;
    if (this.#fd >= 0) {
      this.#ring.note(this.#fd, false);
      if (real.open(this.#fd) !== 0) this.#ring.bare.close(this.#fd);
    }
    if (this.onread === undefined) return real;
    real.wire = this.wire;
    real.onread = this.onread;
    real.useUserBuffer(this.#buffer!);
    return real;
  }

  /** True while there is a socket without one. One that could not be noted gets a handle as soon as it does anything. */
  get isBare(): boolean {
    return this.#noted && this.#real === undefined;
  }

  get fd(): number {
    return this.#real === undefined ? this.#fd : this.#real.fd;
  }

  open(fd: number): number {
    this.#fd = fd;
    this.#noted = this.#ring.note(fd, true);
    return 0;
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#buffer = buffer;
  }

  /** Those of a ring have it. */
  setNoDelay(): number {
    return 0;
  }

  bind(host: string, port: number): number {
    return this.real.bind(host, port);
  }

  bind6(host: string, port: number, flags: number): number {
    return this.real.bind6(host, port, flags);
  }

  connect(request: HandleRequest, host: string, port: number): number {
    const { bare } = this.#ring;
    const address = this.#real === undefined ? bare.socketAddress(host, port) : undefined;
    const fd = address === undefined ? -1 : bare.open(host.includes(':'));
    if (fd >= 0) this.open(fd);
    if (!this.isBare) return this.#connectReal(request, host, port);
    this.#request = request;
    this.#connecting = this.#ring.connect(this, fd, address!);
    return 0;
  }

  connect6(request: HandleRequest, host: string, port: number): number {
    return this.connect(request, host, port);
  }

  #connectReal(request: HandleRequest, host: string, port: number): number {
    const { real } = this;
    const made = Object.assign(this.#kit.newTcpConnect(), request);
    real.setNoDelay?.(true);
    return host.includes(':') ? real.connect6(made, host, port) : real.connect(made, host, port);
  }

  onRingConnected(status: number): void {
    this.#connecting = undefined;
    if (this.#closed) this.#close();
    else this.#request!.oncomplete!(status);
  }

  readStart(): number {
    return this.real.readStart();
  }

  readStop(): number {
    return this.#real?.readStop() ?? 0;
  }

  writeLatin1String(request: null, text: string): number | PendingWrite {
    return this.real.writeLatin1String(request, text);
  }

  writeBuffer(request: null, bytes: Uint8Array): number | PendingWrite {
    return this.real.writeBuffer(request, bytes);
  }

  get bytesWritten(): number {
    return this.#real?.bytesWritten ?? 0;
  }

  get writeQueueSize(): number {
    return this.#real?.writeQueueSize ?? 0;
  }

  shutdown(request: object): number {
    if (this.#real !== undefined) return this.#real.shutdown(request);
    this.#ring.bare.end(this.#fd);
    return 0;
  }

  reset(): number {
    return this.real.reset!();
  }

  close(): void {
    this.#closed = true;
    if (this.#connecting === undefined) this.#close();
    else this.#ring.cancel(this.#connecting);
  }

  #close(): void {
    if (this.#real !== undefined) return this.#real.close();
    if (this.#fd < 0) return;
    this.#ring.note(this.#fd, false);
    this.#ring.bare.close(this.#fd);
    this.#noted = false;
    this.#fd = -1;
  }

  /** A socket does not keep the event loop running; its handle is for whoever has it. */
  unref(): void {}

  getpeername(out: SocketName): number {
    return this.#name('getpeername', out);
  }

  getsockname(out: SocketName): number {
    return this.#name('getsockname', out);
  }

  #name(call: 'getpeername' | 'getsockname', out: SocketName): number {
    return this.#real === undefined ? this.#ring.bare.name(call, this.#fd, out) : this.#real[call]!(out);
  }
}

/** The handle of libuv that an accepted socket has, or gets now. */
export function handleOf<T extends object>(socket: T): T | SocketHandle {
  return socket instanceof RingHandle ? socket.real : socket;
}

/** Handles and requests as the kit makes them, but for TCP sockets, which are those of the ring. */
export function ringKit(kit: HandleKit, ring: RingSockets): HandleKit {
  return {
    ...kit,
    newTcp: () => new RingHandle(kit, ring),
    newTcpConnect: () => ({ oncomplete: undefined, wire: undefined }),
  };
}
