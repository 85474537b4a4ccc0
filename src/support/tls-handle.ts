import type { Buffer } from 'node:buffer';
import type { SecureContext } from 'node:tls';
import type { SocketHandle } from './socket-handle.ts';

/**
 * The parts of Node's TLS socket handle that `TlsWire` uses. They are not a public interface: direct writes are used only
 * in the versions of Node they were tried in, and elsewhere `write` of the socket does the same, slower.
 */

/** A write on its way; a TLS write is never complete when the call returns, even if the kernel has taken all of it. */
export interface TlsWrite {
  oncomplete: ((this: TlsWrite, status: number) => void) | undefined;
  /** Set when it was complete before `oncomplete` could be. */
  readonly writeStatus: number | null;
  /** What OpenSSL has against it; such a write is never completed. */
  readonly error?: string | undefined;
  /** Whom to tell. */
  owner: TlsWriteOwner | undefined;
}

/** Hears when a write is over; `status` is negative when it failed. */
export interface TlsWriteOwner {
  onWritten(status: number): void;
}

/** The socket beneath the TLS. */
export type RawHandle = Pick<
  SocketHandle,
  'writeQueueSize' | 'readStart' | 'close' | 'reset' | 'getpeername' | 'writeLatin1String'
>;

/** A TLS connection of OpenSSL over a raw handle. */
export interface TlsHandle {
  /** False after reading was stopped. */
  readonly reading: boolean;
  readonly _parent: RawHandle;
  writeLatin1String(request: null, text: string): number | TlsWrite;
  writeBuffer(request: null, bytes: Uint8Array): number | TlsWrite;
  /** Takes bytes that were read from the raw handle before. */
  receive(bytes: Uint8Array): void;
  /** What is wrong with the peer's certificate, as far as its chain goes. */
  verifyError(): NodeJS.ErrnoException | null | undefined;
  hasPeerCertificate(): boolean;
  isSessionReused(): boolean;
  setServername(name: string): void;
  setSession(session: Buffer): void;
  enableSessionCallbacks(): void;
  onnewsession: ((id: Buffer, session: Buffer) => void) | undefined;
}

/** What Node's TLSSocket has beyond its public face. */
export interface TlsInternals {
  readonly _handle: TlsHandle | null;
  readonly _tlsOptions: { readonly accepted?: object | undefined };
  connecting: boolean;
  /** node:tls says so in listeners of its own servers and clients; node:http2 waits for it. */
  secureConnecting: boolean;
  _start(): void;
  _releaseControl(): boolean;
}

/** The options that make a TLSSocket of ours. */
export interface TlsWireOptions {
  readonly isServer: boolean;
  readonly secureContext: SecureContext;
  /** An accepted handle; without one, a socket to be connected. */
  readonly accepted?: object | undefined;
  /** The socket to be connected is a Unix socket. */
  readonly pipe?: boolean | undefined;
  /** The other side must show a certificate. A server's clients need not unless this says so. */
  readonly requestCert?: boolean | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  /** Protocols to negotiate, each behind its length. */
  readonly ALPNProtocols?: Uint8Array | undefined;
  readonly SNICallback?:
    | ((name: string, done: (error: Error | null, context?: SecureContext) => void) => void)
    | undefined;
}

/** True where a handle's writes are known to work as described; a later line of Node is not trusted before it was tried. */
export const canWriteDirectly: boolean = /^26\.(1\d|[2-9]\d)\./.test(process.versions.node);
