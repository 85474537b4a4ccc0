import { Buffer } from 'node:buffer';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { BodyFramer } from '../http1/body.ts';
import { parseRequestHead, RequestHead } from '../http1/request-head.ts';
import { silentSink, type Wire, type WireSink } from '../support/wire.ts';
import type { BackendSession } from './backend-session.ts';
import { giveBytes, giveChunk, giveText } from './chunk-out.ts';
import { gatherRuns, noteRun } from './data-runs.ts';
import { asObject, trailersOut } from './fields-out.ts';
import { type Fronting, Http1Instead } from './http1-instead.ts';
import { opensWebSocket, requestFields } from './request-fields.ts';
import { type AnswerShape, answerHead, interimText, switchText } from './response-text.ts';
import { brokenOff, closeSoon, hooks, type StreamWire } from './stream-hooks.ts';
import { trailersIn } from './trailers-in.ts';
import { webSocketAccept } from './web-socket-accept.ts';

/** The code of the error of a stream that the backend has not looked at: its request may go elsewhere. */
export const UNPROCESSED = 'ERR_STREAM_UNPROCESSED';

type WiredStream = ClientHttp2Stream & { wire: H2BackendWire };

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_FLAG_END_STREAM } = constants;

/** Used up before the call returns, so that one serves all streams of the thread. */
const head = new RequestHead();

const NO_WEB_SOCKETS = 'the backend takes no WebSockets over HTTP/2 (RFC 8441)';

function onHeaders(this: WiredStream, _: unknown, __: number, raw: string[]): void {
  this.wire.onInterim(raw);
}
function onResponse(this: WiredStream, _: unknown, flags: number, raw: string[]): void {
  this.wire.onResponse(raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0);
}
/** Notes whether the end of what comes in is one that the backend has sent: a reset without an error looks like one. */
function notingEnd(this: WiredStream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null && !this.closed) this.wire.sawEnd = true;
  return Object.getPrototypeOf(this).push.call(this, chunk, encoding);
}

/** Where the answer stands: `told` when all of it was given on. */
type Phase = 'waiting' | 'head' | 'body' | 'tunnel' | 'told';

/**
 * A stream to a backend that speaks HTTP/2, which shows itself as an HTTP/1.1 connection for one request: the request that
 * is written becomes HEADERS, DATA and trailers, and the answer is given on as HTTP/1.1 text. It is dialled like any wire:
 * `sink.onConnect` says that there is a session with room for it. Both directions are flow-controlled by whoever is on
 * the other side, since the stream is only read when the sink wants bytes.
 */
export class H2BackendWire implements Wire, StreamWire, Fronting {
  readonly carriesOne = true;
  sink: WireSink;
  destroyed = false;
  readableEnded = false;
  /** The backend has ended its side of the stream. */
  sawEnd = false;
  /** Called when it is given up before it had a session. */
  onGivenUp: (() => void) | undefined;
  #session: BackendSession | undefined;
  #stream: WiredStream | undefined;
  /** What carries a WebSocket that the session cannot. */
  #instead: Http1Instead | undefined;
  readonly #framer = new BodyFramer();
  #phase: Phase = 'waiting';
  #method = '';
  /** For the answer to a WebSocket's handshake; '' for any other request. */
  #accept = '';
  #shape: AnswerShape = 'none';
  #remaining = 0;
  #trailerText = '';
  #trailers: string[] | undefined;
  #requestEnded = false;

  constructor(sink: WireSink) {
    this.sink = sink;
  }

  /** There is a session with room, of which it takes a place. */
  connected(session: BackendSession): void {
    this.#session = session;
    this.#phase = 'head';
    this.onGivenUp = undefined;
    session.enter();
    this.sink.onConnect();
  }

  /** There is none, and will be none. */
  failed(error: NodeJS.ErrnoException): void {
    this.onGivenUp = undefined;
    this.#over(error);
  }

  get unsent(): boolean {
    return this.#stream === undefined ? this.#instead?.unsent === true : this.#stream.writableLength > 0;
  }
  get queued(): number {
    return this.#stream?.writableLength ?? this.#instead?.queued ?? 0;
  }
  get backedUp(): boolean {
    return this.#stream === undefined ? this.#instead?.backedUp === true : this.#stream.writableNeedDrain;
  }

  // The request

  writeText(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1');
    return this.send(bytes, 0, bytes.length);
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    if (this.destroyed) return false;
    if (this.#stream === undefined) return this.#instead?.send(bytes, start, end) ?? this.#begin(bytes, start, end);
    if (this.#phase === 'tunnel' || this.#accept !== '') return this.#write(Buffer.from(bytes.subarray(start, end)));
    return this.#body(this.#stream, bytes, start, end);
  }

  /** The head, with what of the body came along. */
  #begin(bytes: Buffer, start: number, end: number): boolean {
    const pos = parseRequestHead(head, bytes, { start, end }, bytes.length);
    // What is written here was checked before, so this is a fault of our own; the backend must not get it.
    if (pos < 0) return this.#fail('the request has no head');
    const session = this.#session!;
    this.#method = head.method;
    const webSocket = opensWebSocket(head);
    if (webSocket && !session.takesWebSockets) return this.#overHttp1(bytes, start, end);
    const framer = this.#framer;
    framer.keepsTrailers = true;
    if (head.chunked) framer.startChunked();
    else if (head.contentLength > 0) framer.startLength(head.contentLength);
    const bodiless = !webSocket && !head.chunked && head.contentLength <= 0;
    if (webSocket) this.#accept = webSocketAccept(head.get('sec-websocket-key') ?? '');
    // While trailers are awaited a stream that is broken off does not end as a whole one would, with END_STREAM.
    const how = { endStream: bodiless, waitForTrailers: !bodiless };
    const stream = session.open(requestFields(head, session.scheme), how) as WiredStream | undefined;
    if (stream === undefined) {
      process.nextTick(() => this.#over(unprocessed()));
      return true;
    }
    this.#requestEnded = bodiless;
    this.#listen(stream);
    return bodiless || webSocket ? true : this.#body(stream, bytes, pos, end);
  }

  #listen(stream: WiredStream): void {
    this.#stream = stream;
    stream.wire = this;
    stream.push = notingEnd;
    stream.on('headers', onHeaders);
    stream.on('response', onResponse);
    stream.on('trailers', hooks.trailers);
    stream.on('close', hooks.close);
    stream.on('error', hooks.error);
    stream.on('wantTrailers', hooks.wantTrailers);
    stream.on('drain', hooks.drain);
  }

  #body(stream: WiredStream, bytes: Buffer, pos: number, end: number): boolean {
    const framer = this.#framer;
    framer.feed(bytes, pos, end, noteRun);
    const data = gatherRuns(bytes);
    if (framer.bad) return this.#fail('the body of the request is malformed');
    if (!framer.done) return data === undefined ? !this.backedUp : this.#write(data);
    this.#trailers = trailersOut(framer.trailerText);
    this.#requestEnded = true;
    if (!stream.writableEnded && !stream.destroyed) stream.end(data);
    return !this.backedUp;
  }

  #write(data: Buffer): boolean {
    const stream = this.#stream!;
    if (stream.writableEnded || stream.destroyed) return true;
    stream.write(data);
    return !this.backedUp;
  }

  onWantTrailers(): void {
    const stream = this.#stream!;
    if (!this.destroyed && !stream.destroyed && !stream.closed) stream.sendTrailers(asObject(this.#trailers ?? []));
  }

  /** A WebSocket that cannot be a stream of the session has a connection of its own, if the backend can speak HTTP/1.1. */
  #overHttp1(bytes: Buffer, start: number, end: number): boolean {
    const instead = new Http1Instead(this);
    const wire = this.#session!.dialHttp1(instead);
    if (wire === undefined) {
      process.nextTick(() => this.#refuseWebSocket(`${NO_WEB_SOCKETS}\n`));
      return true;
    }
    instead.wire = wire;
    this.#instead = instead;
    this.#leave();
    return instead.send(bytes, start, end);
  }

  onInsteadClose(error: NodeJS.ErrnoException | undefined): void {
    this.#over(error);
  }

  onInsteadRefused(): void {
    this.#refuseWebSocket(`${NO_WEB_SOCKETS}, and speaks no HTTP/1.1\n`);
  }

  /** A clear answer is better than an upgrade that nobody understands. */
  #refuseWebSocket(why: string): void {
    if (this.destroyed) return;
    this.#phase = 'told';
    const fields = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${why.length}\r\n`;
    giveText(this.sink, `HTTP/1.1 501 Not Implemented\r\n${fields}connection: close\r\n\r\n${why}`);
  }

  // The answer

  onInterim(raw: readonly string[]): void {
    if (this.destroyed || this.#phase !== 'head') return;
    const text = interimText(raw);
    if (text === '') this.#fail('a malformed interim answer');
    else giveText(this.sink, text);
  }

  onResponse(raw: readonly string[], endStream: boolean): void {
    if (this.destroyed || this.#phase !== 'head') return;
    if (this.#accept !== '' && !endStream) {
      const text = switchText(raw, this.#accept);
      if (text !== '') return this.#openTunnel(text);
    }
    const { text, shape, length } = answerHead(raw, this.#method, endStream);
    if (text === '') {
      this.#fail('a malformed answer');
      return;
    }
    this.#shape = shape;
    this.#remaining = length;
    this.#phase = endStream || shape === 'none' ? 'told' : 'body';
    const wanted = giveText(this.sink, text);
    this.#read(wanted);
  }

  #openTunnel(text: string): void {
    this.#phase = 'tunnel';
    this.#read(giveText(this.sink, text));
  }

  #read(wanted: boolean): void {
    const stream = this.#stream!;
    if (this.destroyed || stream.destroyed) return;
    stream.on('data', hooks.data);
    stream.on('end', hooks.end);
    if (!wanted) stream.pause();
  }

  onData(data: Buffer): void {
    if (this.destroyed || this.#phase === 'told' || data.length === 0) return;
    if (this.#phase === 'body' && this.#shape === 'length') {
      if (data.length > this.#remaining) return void this.#fail('a body that is longer than its length');
      this.#remaining -= data.length;
      if (this.#remaining === 0) this.#phase = 'told';
    }
    const chunked = this.#phase === 'body' && this.#shape === 'chunked';
    const wanted = chunked ? giveChunk(this.sink, data) : giveBytes(this, data);
    if (!wanted && !this.destroyed) this.#stream!.pause();
  }

  onTrailers(raw: readonly string[]): void {
    if (this.destroyed) return;
    const text = trailersIn(raw);
    if (text === undefined) this.#fail('malformed trailers');
    else this.#trailerText = text;
  }

  /** All has come. An end that comes of a reset is none: an answer cut off is not whole. */
  onEnd(): void {
    if (this.destroyed || !this.sawEnd) return;
    if (this.#phase === 'tunnel') {
      this.readableEnded = true;
      this.sink.onEnd();
    } else if (this.#phase === 'body' && this.#shape === 'chunked') {
      this.#phase = 'told';
      giveText(this.sink, `0\r\n${this.#trailerText}\r\n`);
    }
  }

  start(): void {
    this.#stream?.resume();
    this.#instead?.wire.start();
  }

  // Ends

  doubt(): void {
    this.#session?.doubt();
  }

  /** Nothing more is to be written. */
  end(): void {
    const stream = this.#stream;
    if (stream !== undefined && !stream.destroyed && !stream.writableEnded) stream.end();
    this.#instead?.wire.end();
  }

  reset(): void {
    this.#breakOff(NGHTTP2_CANCEL);
    this.#instead?.wire.reset();
  }

  /** An answer that came before the whole request has ended it; a request nobody waits for is taken back. */
  destroy(): void {
    const whole = this.#phase === 'told' && this.#requestEnded;
    this.#breakOff(whole ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    this.#instead?.wire.destroy();
  }

  /** What came is no HTTP/2 that could be passed on. */
  #fail(why: string): false {
    if (this.#stream !== undefined) closeSoon(this.#stream, NGHTTP2_PROTOCOL_ERROR);
    this.#over(Object.assign(new Error(why), { code: 'EPROTO' }));
    return false;
  }

  #breakOff(code: number): void {
    if (this.destroyed) return;
    const givenUp = this.onGivenUp;
    this.onGivenUp = undefined;
    givenUp?.();
    const stream = this.#stream;
    // One that is ending by itself, with all told, needs no reset.
    if (stream !== undefined && code !== NGHTTP2_NO_ERROR) closeSoon(stream, code);
    else stream?.resume();
    this.#over(undefined);
  }

  onClose(): void {
    const { rstCode } = this.#stream!;
    if (this.destroyed) return this.#leave();
    const inOrder = this.#phase === 'told' || (this.#phase === 'tunnel' && rstCode === NGHTTP2_NO_ERROR && this.sawEnd);
    if (inOrder) return this.#over(undefined);
    this.#over(this.#session!.isUnprocessed(this.#stream!) ? unprocessed() : brokenOff());
  }

  /** The one end. A stream that is still ending keeps its place in the session until it has. */
  #over(error: NodeJS.ErrnoException | undefined): void {
    if (this.destroyed) return;
    this.destroyed = true;
    const { sink } = this;
    this.sink = silentSink;
    if (this.#stream === undefined || this.#stream.destroyed) this.#leave();
    sink.onClose(error);
  }

  #leave(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.leave();
  }
}

function unprocessed(): NodeJS.ErrnoException {
  return Object.assign(new Error('the backend has not looked at the request'), { code: UNPROCESSED });
}
