import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Proxied } from './proxied.ts';

/** What one read of a wire can bring at most, in bytes: a sink that keeps what it cannot use keeps no more than twice this. */
export const READ_BUFFER_BYTES = 64 * 1024;

/** Up to this many bytes a chunk is written as a latin1 string, which the socket copies, instead of as a buffer, which it keeps. */
export const COPY_AS_TEXT_BYTES = 16 * 1024;

/** An address that can be dialled without asking a resolver: an IP address and port, or a Unix path. */
export type DialTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** What happens on a wire. Every method is called synchronously from the event loop; none may throw. */
export interface WireSink {
  /** Bytes arrived in `bytes[0..length)`, valid only during the call. Returns false to stop reading until `wire.start()`. */
  onBytes(bytes: Buffer, length: number): boolean;
  /** The other side sent its FIN: no more bytes will come, the way out is still open. */
  onEnd(): void;
  /** All that was written has reached the kernel. */
  onDrain(): void;
  /** The wire is gone; `error` is set when it did not end in order. Called exactly once. */
  onClose(error: NodeJS.ErrnoException | undefined): void;
  /** A dialled wire is connected. */
  onConnect(): void;
}

/** The sink of a wire nobody owns yet or any more: swallows all. */
export const silentSink: WireSink = {
  onBytes: () => false,
  onEnd: () => {},
  onDrain: () => {},
  onClose: () => {},
  onConnect: () => {},
};

/**
 * A connection as the proxies see it: bytes both ways, each direction ended by itself, and events that go to one
 * replaceable sink. What carries it (a socket, TLS, a stream of HTTP/2) is the implementation's business.
 */
export interface Wire {
  sink: WireSink;
  /** The peer's address; undefined for a Unix socket, and once the connection is gone. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** What a PROXY header before the connection's own bytes has said; then the addresses here are those of the client. */
  readonly proxied?: Proxied | undefined;
  /** The host name that a client of TLS has asked for (SNI). */
  readonly servername?: string | false | null | undefined;
  /** Field lines, each with its CRLF, that requests on this wire carry to their backends: what TLS has shown of the client. */
  readonly clientLines?: string;
  /** The common name in the certificate that the client has shown to TLS; '' when it has none. */
  readonly clientName?: string;
  /** The connection that this one is a stream of: what TLS and a PROXY header have said of the client is known there. */
  readonly beneath?: Wire | undefined;
  /** The version of HTTP that the peer speaks, where its text is shown in another one. */
  readonly httpVersion?: string;
  /** The protocol that ALPN has settled on; false or null for none. */
  readonly alpnProtocol?: string | false | null;
  /** Carries one request, and is not kept for another. */
  readonly carriesOne?: boolean;
  /** Where the peer connected to. */
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** The wire is closed, or about to say so. */
  readonly destroyed: boolean;
  /** The other side has sent its FIN, and all that came before it was read. */
  readonly readableEnded: boolean;
  /** True when the kernel knows that the connection is gone, which a wire is not told of while it neither reads nor writes. */
  readonly lost?: boolean;
  /** True while bytes that were written wait for the kernel to take them. */
  readonly unsent: boolean;
  /** A measure of what was written and waits: it becomes less whenever the kernel takes some, and is 0 when nothing waits. */
  readonly queued: number;
  /** True after a write that returned false, until `sink.onDrain`. */
  readonly backedUp: boolean;
  /** Writes latin1 text. False when the wire is backed up: `sink.onDrain` follows when it no longer is. */
  writeText(text: string): boolean;
  /** Writes `bytes[start..end)` so that the caller's buffer is free again at once. False when the wire is backed up. */
  send(bytes: Buffer, start: number, end: number): boolean;
  /** Starts or goes on reading; an accepted wire reads nothing before, a dialled one reads once it is connected. */
  start(): void;
  /** Ends the way out behind what was written. The way in stays open; a wire whose ways have both ended closes. */
  end(): void;
  /** Ends both directions at once with a reset, where the transport has one: nobody may take this for an orderly end. */
  reset(): void;
  /** Closes both directions. */
  destroy(): void;
  /** Nothing came in time. A connection beneath that others share is asked whether it is still there, and ended if not. */
  doubt?(): void;
  /**
   * Gives the connection up to somebody who uses it as a stream of Node, as node:http2 does: from now on the sink hears
   * nothing. Nothing may have been written, and what was read is the caller's to put back with `unshift`. A wire of
   * TLS can only be handed over before anything was read. Missing where there is no connection of its own to hand over.
   */
  handOver?(): Duplex;
}
