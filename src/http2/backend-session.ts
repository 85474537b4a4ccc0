import http2, { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Wire, WireSink } from '../support/wire.ts';

/** Who hears of what becomes of a session. */
export interface SessionKeeper {
  /** The backend has sent its settings: streams may be opened. */
  onReady(): void;
  /** A stream is over, or the backend allows another number of them: there may be room. */
  onRoom(): void;
  /** The session takes no more streams: the backend has said goodbye, or it is gone. May be called more than once. */
  onLeaving(): void;
  /** The session is gone, with the reason when it did not end in order. Called exactly once. */
  onGone(error: Error | undefined): void;
  /** The backend was asked whether it is still there: `onSign` follows if it is. */
  onDoubt(): void;
  onSign(): void;
  /** Dials an HTTP/1.1 connection to the same backend; undefined where it cannot be known whether it speaks that. */
  dialHttp1(sink: WireSink): Wire | undefined;
}

/** The most streams that one session has at a time, whatever the backend allows. */
export const MAX_STREAMS_PER_SESSION = 1000;
/** Body bytes that a backend may have on the way on one stream before they are asked for. */
const STREAM_WINDOW_BYTES = 64 * 1024;
/** Body bytes that a backend may have on the way on all streams of a session. */
const SESSION_WINDOW_BYTES = 1024 * 1024;
/** Bytes of fields that an answer may have; the parser of HTTP/1.1 allows as many. */
const MAX_HEADER_LIST_BYTES = 64 * 1024;
const MAX_HEADER_PAIRS = 300;
/** What a session may hold in queues and tables, in the MB of node:http2. */
const MAX_SESSION_MEMORY_MB = 64;

const options = {
  settings: {
    enablePush: false,
    initialWindowSize: STREAM_WINDOW_BYTES - 1,
    maxHeaderListSize: MAX_HEADER_LIST_BYTES,
  },
  maxHeaderListPairs: MAX_HEADER_PAIRS,
  maxSessionMemory: MAX_SESSION_MEMORY_MB,
  strictSingleValueFields: false,
};

/** A connection to a backend that speaks HTTP/2, and how many streams it has room for. */
export class BackendSession {
  readonly scheme: 'http' | 'https';
  /** No settings have come yet, or no more streams may be opened. */
  ready = false;
  /** Streams that are open. */
  streams = 0;
  /** The last stream that the backend has looked at, once it has said goodbye; later ones it has not. */
  lastStreamId = Number.POSITIVE_INFINITY;
  readonly #keeper: SessionKeeper;
  readonly #session: ClientHttp2Session;
  #error: Error | undefined;
  #asking = false;

  /** Takes over a connection that is made, and on which nothing was sent. */
  constructor(socket: Duplex, scheme: 'http' | 'https', keeper: SessionKeeper) {
    this.scheme = scheme;
    this.#keeper = keeper;
    // A socket around a handle reads only once it is told to.
    socket.read(0);
    const session = http2.connect(`${scheme}://backend`, { ...options, createConnection: () => socket } as object);
    this.#session = session;
    // A connection whose other side has ended is of no more use, which half-open sockets leave to be said.
    socket.on('end', () => session.destroy());
    session.on('connect', () => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
    session.on('remoteSettings', () => this.#settled());
    session.on('goaway', (_code: number, lastStreamId: number) => {
      this.lastStreamId = lastStreamId;
      this.#leave();
    });
    session.on('error', (error: Error) => {
      this.#error ??= error;
    });
    session.on('close', () => {
      this.#leave();
      keeper.onGone(this.#error);
    });
  }

  #settled(): void {
    if (this.#session.closed || this.#session.destroyed) return;
    const first = !this.ready;
    this.ready = true;
    if (first) this.#keeper.onReady();
    else this.#keeper.onRoom();
  }

  #leave(): void {
    this.ready = false;
    this.#keeper.onLeaving();
  }

  /** True when another stream may be opened now. */
  get hasRoom(): boolean {
    if (!this.ready || this.#session.closed || this.#session.destroyed) return false;
    const allowed = this.#session.remoteSettings.maxConcurrentStreams ?? MAX_STREAMS_PER_SESSION;
    return this.streams < Math.min(allowed, MAX_STREAMS_PER_SESSION);
  }

  /** The backend takes WebSockets (RFC 8441 §3). */
  get takesWebSockets(): boolean {
    return this.#session.remoteSettings?.enableConnectProtocol === true;
  }

  /** As `SessionKeeper.dialHttp1`. */
  dialHttp1(sink: WireSink): Wire | undefined {
    return this.#keeper.dialHttp1(sink);
  }

  /** Takes a place for a stream; `leave` gives it back. */
  enter(): void {
    this.streams++;
  }

  /** Gives the place of a stream back. */
  leave(): void {
    this.streams--;
    this.#keeper.onRoom();
  }

  /** Opens a stream; fields are names and values in turn. Undefined when the session has just ended. */
  open(
    fields: readonly string[],
    how: { endStream: boolean; waitForTrailers: boolean },
  ): ClientHttp2Stream | undefined {
    if (this.#session.closed || this.#session.destroyed) return undefined;
    return this.#session.request(fields as never, how);
  }

  /** True when the backend has not looked at this stream, so that its request may go elsewhere (RFC 9113 §8.7). */
  isUnprocessed({ id, rstCode }: ClientHttp2Stream): boolean {
    return rstCode === constants.NGHTTP2_REFUSED_STREAM || id === undefined || id > this.lastStreamId;
  }

  /** Asks the backend by a PING whether it is still there; one at a time, since servers count them. */
  doubt(): void {
    if (this.#asking || this.#session.closed || this.#session.destroyed) return;
    this.#asking = true;
    this.#keeper.onDoubt();
    this.#session.ping((error) => {
      this.#asking = false;
      if (error === null) this.#keeper.onSign();
    });
  }

  /** No further streams: closes when the last one has ended. */
  finish(): void {
    this.ready = false;
    if (!this.#session.closed) this.#session.close();
  }

  /** Ends the connection with all that is under way. */
  destroy(): void {
    this.#session.destroy();
  }
}
