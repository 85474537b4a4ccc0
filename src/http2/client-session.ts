import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { FrameBudget } from './frame-budget.ts';

/** Who hears of what a client does on its HTTP/2 connection. */
export interface SessionObserver {
  /** Milliseconds, monotonic; late by a tick at most. */
  readonly now: number;
  /** A request came: names and values in turn; `endStream` when no body follows. */
  onRequest(stream: ServerHttp2Stream, raw: readonly string[], endStream: boolean): void;
  /** The client does what only an attacker does, or breaks the protocol; the connection is being closed. */
  onRefused(reason: 'http2-flood' | 'http2-protocol'): void;
  /** The connection is gone. Called exactly once. */
  onGone(): void;
}

/** Streams that a client may have open at a time. */
export const MAX_STREAMS = 128;
/** Bytes of fields that a request may have at all; what a listener allows of them, it answers with 431. */
const MAX_HEADER_LIST_BYTES = 64 * 1024;
/** Fields that a request may have; the HTTP/1.1 parser allows as many. */
const MAX_HEADER_PAIRS = 300;
/** Body bytes that a client may have on the way on one stream before they are asked for. */
const STREAM_WINDOW_BYTES = 64 * 1024;
/** What a session may hold in queues and tables, in the MB of node:http2. */
const MAX_SESSION_MEMORY_MB = 10;
/** Frames with something wrong, empty ones among them, that end a connection. */
const MAX_INVALID_FRAMES = 100;
/** Streams beyond `MAX_STREAMS` that end a connection. */
const MAX_REJECTED_STREAMS = 100;

/** What a client may do at once and per second; nobody who wants answers comes near it. */
const budgets = {
  /** Streams that end without an answer because the client has reset them, or that are malformed (CVE-2023-44487). */
  reset: { burst: 500, perSecond: 100 },
  ping: { burst: 1000, perSecond: 500 },
  settings: { burst: 50, perSecond: 5 },
} as const;

const options = {
  settings: {
    enablePush: false,
    enableConnectProtocol: true,
    maxConcurrentStreams: MAX_STREAMS,
    maxHeaderListSize: MAX_HEADER_LIST_BYTES,
    initialWindowSize: STREAM_WINDOW_BYTES - 1,
  },
  maxHeaderListPairs: MAX_HEADER_PAIRS,
  maxSessionMemory: MAX_SESSION_MEMORY_MB,
  maxSessionInvalidFrames: MAX_INVALID_FRAMES,
  maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
  // Our own count comes first, since it says so; this one is for what comes in one read.
  streamResetBurst: 4000,
  streamResetRate: 400,
  // What answers have is not ours to judge: a backend may repeat a field.
  strictSingleValueFields: false,
};

/** Errors of node:http2 and nghttp2 that only a flood brings about. */
const FLOOD_CODES: ReadonlySet<string> = new Set([
  'ERR_HTTP2_TOO_MANY_INVALID_FRAMES',
  'ERR_HTTP2_TOO_MANY_REJECTED_STREAMS',
  'ERR_HTTP2_MAX_PENDING_SETTINGS_ACK',
]);
const FLOOD_MESSAGE = /flood|too many CONTINUATION|ENHANCE_YOUR_CALM/i;

/** A client's HTTP/2 connection: its streams become requests, and what it may do besides is counted. */
export class ClientSession {
  readonly #observer: SessionObserver;
  readonly #session: ServerHttp2Session;
  readonly #resets = new FrameBudget(budgets.reset.burst, budgets.reset.perSecond);
  readonly #pings = new FrameBudget(budgets.ping.burst, budgets.ping.perSecond);
  readonly #settings = new FrameBudget(budgets.settings.burst, budgets.settings.perSecond);
  #refused = false;

  /** Takes the socket over; bytes that it has already read must have been put back into it. */
  constructor(socket: Duplex, observer: SessionObserver) {
    this.#observer = observer;
    const session = performServerHandshake(socket, options as never);
    this.#session = session;
    session.on('stream', (stream: ServerHttp2Stream, _: IncomingHttpHeaders, flags: number, raw?: unknown) => {
      if (this.#refused) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
      observer.onRequest(stream, raw as string[], (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    });
    session.on('ping', () => this.#spend(this.#pings));
    session.on('remoteSettings', () => this.#spend(this.#settings));
    session.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    session.on('close', () => observer.onGone());
  }

  /** A stream has come to nothing by the client's doing. */
  countReset(): void {
    this.#spend(this.#resets);
  }

  #spend(budget: FrameBudget): void {
    if (budget.take(this.#observer.now) || this.#refused) return;
    this.#refused = true;
    this.#observer.onRefused('http2-flood');
    // Given as the error, since node:http2 takes a code beside none for no code.
    this.#session.destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM as never);
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#refused || !(error.code ?? '').startsWith('ERR_HTTP2')) return;
    this.#refused = true;
    const flood = FLOOD_CODES.has(error.code!) || FLOOD_MESSAGE.test(error.message);
    this.#observer.onRefused(flood ? 'http2-flood' : 'http2-protocol');
  }

  /** No further streams: says so with GOAWAY, and closes when the last one has ended. */
  finish(): void {
    if (!this.#session.closed) this.#session.close();
  }

  /** Ends the connection with all that is under way. */
  destroy(): void {
    this.#session.destroy();
  }
}
