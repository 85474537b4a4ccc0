import type { Buffer } from 'node:buffer';

/**
 * The handles beneath `net.Socket`, for wires that do without it: its streams, ticks and events cost a connection that
 * lives for one request more than all the rest of a proxy. They are not a public interface, so they are used only in the
 * versions of Node they were tried in; elsewhere `net.Socket` does the same, slower.
 */

/** A write that the kernel did not take at once; libuv sends the rest in order and then calls `oncomplete`. */
export interface PendingWrite {
  oncomplete: ((this: PendingWrite, status: number) => void) | undefined;
  /** Set when it was complete before `oncomplete` could be. */
  readonly writeStatus: number | null;
  /** Whom to tell. */
  owner: WriteOwner | undefined;
  /** Keeps the bytes alive until they are written. */
  bytes: Buffer | undefined;
}

/** Hears when a pending write is over; `status` is negative when it failed. */
export interface WriteOwner {
  onWritten(request: PendingWrite, status: number): void;
}

/** Where a socket is bound or connected to. */
export interface SocketName {
  address?: string;
  port?: number;
}

/** What a socket is read and written with. Calls return 0 or a negative system error. */
export interface SocketIo {
  /** Fails when it reads already. */
  readStart(): number;
  readStop(): number;
  /** 0 when all was taken, a negative system error, or the write that goes on by itself. */
  writeLatin1String(request: null, text: string): number | PendingWrite;
  writeBuffer(request: null, bytes: Uint8Array): number | PendingWrite;
  close(): void;
  /** Only TCP has this. */
  reset?(): number;
}

/** A TCP or Unix socket of libuv, as far as it is used here. */
export interface SocketHandle extends SocketIo {
  /** Called with the handle as `this`; `readResult()` tells how much came. */
  onread: (() => void) | undefined;
  /** The wire it belongs to. */
  wire: unknown;
  /** Reads land in `buffer` from now on. */
  useUserBuffer(buffer: Uint8Array): void;
  /** The descriptor; negative once it is closed. */
  readonly fd: number;
  /** True while nothing of libuv has the socket, so that a ring reads it for less than a handle. */
  readonly isBare?: boolean;
  /** Bytes that were given to be written since it was made. */
  readonly bytesWritten: number;
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  shutdown(request: object): number;
  close(done?: () => void): void;
  /** Does not keep the event loop running. */
  unref(): void;
  /** Only TCP has these. */
  reset?(done?: () => void): number;
  setNoDelay?(on: boolean): number;
  getpeername?(out: SocketName): number;
  getsockname?(out: SocketName): number;
}

/** A socket that was accepted: a handle, or what a ring has in place of one. */
export type AcceptedSocket = Pick<SocketHandle, 'fd' | 'getpeername' | 'close' | 'reset'>;

/** True when a TCP socket that was connected has no peer any more, as after its reset; a FIN leaves it one. */
export function isGone(handle: Pick<SocketHandle, 'getpeername'>): boolean {
  return handle.getpeername !== undefined && handle.getpeername({}) < 0;
}

/** A socket that is not connected yet. */
export interface UnconnectedHandle extends SocketHandle {
  /** Takes a descriptor that is open. */
  open(fd: number): number;
  bind(host: string, port: number, flags?: number): number;
  bind6(host: string, port: number, flags: number): number;
  connect(request: object, hostOrPath: string, port?: number): number;
  connect6(request: object, host: string, port: number): number;
}

/** Connections the kernel may hold for one socket before they are accepted; the kernel's own limit may be lower. */
export const BACKLOG = 4096;

/** A socket that connections come in at. */
export interface ListeningHandle {
  onconnection: (status: number, client: SocketHandle | undefined) => void;
  readonly fd: number;
  /** Takes a descriptor that is bound. */
  open(fd: number): number;
  /** Accepts from now on, until it is closed. */
  listen(backlog: number): number;
  close(): void;
  /** Only TCP has this. */
  setNoDelay?(on: boolean): number;
}

/** A request whose end libuv tells. */
export interface HandleRequest {
  oncomplete: ((this: HandleRequest, status: number) => void) | undefined;
  wire: unknown;
}

/** A datagram that is being sent. */
export interface SendRequest {
  /** Keeps the bytes alive while they wait. */
  list: readonly Uint8Array[] | undefined;
}

type Sent<Address extends unknown[]> = (
  ...of: [request: SendRequest, list: readonly unknown[], count: number, ...to: Address, hasCallback: boolean]
) => number;

/** A UDP socket of libuv. Calls return a negative system error, or 0; sends the bytes and one, or 0 for those that wait. */
export interface UdpHandle {
  /** `length` is a negative system error when there are no bytes. */
  onmessage:
    | ((length: number, handle: unknown, bytes: Buffer | undefined, from: { address: string; port: number }) => void)
    | undefined;
  bind(host: string, port: number, flags: number): number;
  bind6(host: string, port: number, flags: number): number;
  connect(host: string, port: number): number;
  connect6(host: string, port: number): number;
  recvStart(): number;
  recvStop(): number;
  /** The descriptor; negative when there is none. */
  readonly fd: number;
  send: Sent<[]> & Sent<[port: number, host: string]>;
  send6: Sent<[]> & Sent<[port: number, host: string]>;
  getSendQueueSize(): number;
  getsockname(out: SocketName): number;
  close(done?: () => void): void;
}

/** Of libuv's public header; Node does not tell it. */
const UV_UDP_REUSEPORT = 64;

/** What Node has for making handles and requests. */
export interface HandleKit {
  newTcp(): UnconnectedHandle;
  newPipe(): UnconnectedHandle;
  /** For TCP. */
  newListening(): ListeningHandle;
  newTcpConnect(): HandleRequest;
  newPipeConnect(): HandleRequest;
  newShutdown(): HandleRequest;
  newUdp(): UdpHandle;
  newSend(): SendRequest;
  /** Inside `onread`: bytes that came, or a negative system error, or `eof`. */
  readResult(): number;
  readonly eof: number;
  /** The flags of `bind` that share a port of TCP, and of UDP. */
  readonly reusePort: number;
  readonly reuseUdpPort: number;
}

type Constructor<T> = new (kind?: number) => T;

interface SocketBinding {
  readonly TCP: Constructor<UnconnectedHandle & ListeningHandle>;
  readonly Pipe: Constructor<UnconnectedHandle>;
  readonly TCPConnectWrap: Constructor<HandleRequest>;
  readonly PipeConnectWrap: Constructor<HandleRequest>;
  readonly constants: { readonly SOCKET: number; readonly SERVER: number; readonly UV_TCP_REUSEPORT: number };
}

interface UdpBinding {
  readonly UDP: Constructor<UdpHandle>;
  readonly SendWrap: Constructor<SendRequest>;
}

interface StreamBinding {
  readonly ShutdownWrap: Constructor<HandleRequest>;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
}

/** True where the handles are known to work as described: they took this form in the 26 line; a later line is not trusted before it was tried. */
export function isKnown(version: string): boolean {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  return major === 26 && minor >= 10;
}

/** The kit of this version of Node; undefined where it is not known to work. */
export const handleKit: HandleKit | undefined = isKnown(process.versions.node) ? loadKit() : undefined;

function loadKit(): HandleKit | undefined {
  const { binding } = process as unknown as { binding?: (name: string) => unknown };
  if (binding === undefined) return undefined;
  const { TCP, TCPConnectWrap, constants } = binding('tcp_wrap') as SocketBinding;
  const { Pipe, PipeConnectWrap, constants: pipeConstants } = binding('pipe_wrap') as SocketBinding;
  const { ShutdownWrap, streamBaseState, kReadBytesOrError } = binding('stream_wrap') as StreamBinding;
  const { UDP, SendWrap } = binding('udp_wrap') as UdpBinding;
  const { UV_EOF } = binding('uv') as { UV_EOF: number };
  return {
    newTcp: () => new TCP(constants.SOCKET),
    newListening: () => new TCP(constants.SERVER),
    newPipe: () => new Pipe(pipeConstants.SOCKET),
    newTcpConnect: () => new TCPConnectWrap(),
    newPipeConnect: () => new PipeConnectWrap(),
    newShutdown: () => new ShutdownWrap(),
    newUdp: () => new UDP(),
    newSend: () => new SendWrap(),
    readResult: () => streamBaseState[kReadBytesOrError]!,
    eof: UV_EOF,
    reusePort: constants.UV_TCP_REUSEPORT,
    reuseUdpPort: UV_UDP_REUSEPORT,
  };
}
