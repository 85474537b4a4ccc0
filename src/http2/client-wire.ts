import { Buffer } from 'node:buffer';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { BodyFramer } from '../http1/body.ts';
import { parseResponseHead, ResponseHead } from '../http1/response-head.ts';
import { COPY_AS_TEXT_BYTES, silentSink, type Wire, type WireSink } from '../support/wire.ts';
import { giveBytes, giveChunk, giveText } from './chunk-out.ts';
import { gatherRuns, noteRun } from './data-runs.ts';
import { asObject, fieldsOut, trailersOut } from './fields-out.ts';
import type { TranslatedRequest } from './request-in.ts';
import { brokenOff, hooks, type StreamWire } from './stream-hooks.ts';
import { trailersIn } from './trailers-in.ts';
import { webSocketAccept } from './web-socket-accept.ts';

/** The client's end of the session that a stream is of. */
export interface ClientPlace {
  readonly remoteAddress: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** See `Wire.clientLines`. */
  readonly clientLines: string;
  /** The stream is over; `early` when the client ended it before it had its answer. */
  left(wire: H2ClientWire, early: boolean): void;
}

type WiredStream = ServerHttp2Stream & { wire: H2ClientWire };

const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants;

const WITH_END: object = { endStream: true, sendDate: false };
/** For a body that is whole. */
const WITH_BODY: object = { sendDate: false };
/**
 * For a body that has yet to come, trailers or none: without this, node:http2 says END_STREAM before the RST_STREAM of an
 * answer that breaks off, and a client would take what it has for all of it.
 */
const WITH_TRAILERS: object = { waitForTrailers: true, sendDate: false };

/** Used up before the call returns, so that one of each serves all streams of the thread. */
const head = new ResponseHead();
const scratch = Buffer.allocUnsafeSlow(COPY_AS_TEXT_BYTES * 2);

/** Where the answer stands. */
type Phase = 'heads' | 'body' | 'tunnel' | 'done';

/**
 * A stream of a client's HTTP/2 connection that shows itself as an HTTP/1.1 connection with one request: what comes in is
 * given on as HTTP/1.1 text, and the HTTP/1.1 answer that is written becomes HEADERS, DATA and trailers. Both directions
 * are flow-controlled by whoever is on the other side, since the stream is only read when the sink wants bytes.
 */
export class H2ClientWire implements Wire, StreamWire {
  readonly httpVersion = '2.0';
  sink: WireSink = silentSink;
  destroyed = false;
  readableEnded = false;
  /** Its place among the streams of the session. */
  memberIndex = -1;
  /** What serves it, to be cut when a drain's time is up. */
  owner: { cut(ended?: 'drained' | 'banned' | 'denied'): void } | undefined;
  readonly #place: ClientPlace;
  readonly #stream: WiredStream;
  readonly #request: TranslatedRequest;
  readonly #framer = new BodyFramer();
  readonly #method: string;
  #phase: Phase = 'heads';
  #begun = false;
  /** All of the request is given on. */
  #requestEnded: boolean;
  /** With a Content-Length: what of it has not come. */
  #remaining: number;
  #trailerText = '';
  #listening = false;
  /** The answer is complete when the trailers are sent. */
  #trailers: Record<string, string | number | string[]> | undefined;
  /** The stream ends by sending trailers, be it none, and has not yet. */
  #trailersDue = false;
  #closeAfterTrailers = false;
  /** This side has broken the stream off. */
  #brokenOff = false;

  constructor(place: ClientPlace, stream: ServerHttp2Stream, request: TranslatedRequest, method: string) {
    this.#place = place;
    this.#stream = stream as WiredStream;
    this.#request = request;
    this.#method = method;
    this.#remaining = request.length;
    this.#requestEnded = request.body === 'none';
    this.#stream.wire = this;
    stream.on('close', hooks.close);
    stream.on('error', hooks.error);
  }

  get remotePort(): number | undefined {
    return this.#place.remotePort;
  }

  get remoteAddress(): string | undefined {
    return this.#place.remoteAddress;
  }
  get localAddress(): string | undefined {
    return this.#place.localAddress;
  }
  get localPort(): number | undefined {
    return this.#place.localPort;
  }
  get clientLines(): string {
    return this.#place.clientLines;
  }
  get unsent(): boolean {
    return this.#stream.writableLength > 0;
  }
  get backedUp(): boolean {
    return this.#stream.writableNeedDrain;
  }

  // The request

  start(): void {
    if (this.destroyed) return;
    if (!this.#begun) {
      this.#begun = true;
      const wanted = giveText(this.sink, this.#request.text);
      if (!wanted || this.#requestEnded || this.#request.body === 'tunnel') return;
    }
    this.#read();
  }

  /** What a client sends for the tunnel before it is open could be taken for another request, so it is not read until then. */
  #read(): void {
    if (this.#requestEnded || (this.#request.body === 'tunnel' && this.#phase !== 'tunnel')) return;
    const stream = this.#stream;
    if (this.#listening) {
      stream.resume();
      return;
    }
    this.#listening = true;
    stream.on('end', hooks.end);
    stream.on('trailers', hooks.trailers);
    stream.on('data', hooks.data);
  }

  onData(data: Buffer): void {
    if (this.destroyed || this.#requestEnded) return;
    const { body } = this.#request;
    if (body === 'length' && data.length > this.#remaining) return this.#breakOff(NGHTTP2_PROTOCOL_ERROR);
    this.#remaining -= data.length;
    if (data.length === 0) return;
    const wanted = body === 'chunked' ? giveChunk(this.sink, data) : giveBytes(this, data);
    if (!wanted && !this.destroyed) this.#stream.pause();
  }

  onTrailers(raw: readonly string[]): void {
    const text = trailersIn(raw);
    if (text === undefined) this.#breakOff(NGHTTP2_PROTOCOL_ERROR);
    else this.#trailerText = text;
  }

  /** The client has sent all. An end that comes of a reset is none, whatever its code: a request cut off is not whole. */
  onEnd(): void {
    if (this.destroyed || this.#requestEnded || this.#stream.aborted) return;
    const { body } = this.#request;
    if (body === 'length' && this.#remaining > 0) return this.#breakOff(NGHTTP2_PROTOCOL_ERROR);
    this.#requestEnded = true;
    if (body === 'chunked') giveText(this.sink, `0\r\n${this.#trailerText}\r\n`);
    else if (body === 'tunnel') {
      this.readableEnded = true;
      this.sink.onEnd();
    }
  }

  // The answer

  writeText(text: string): boolean {
    if (text.length > scratch.length) {
      const bytes = Buffer.from(text, 'latin1');
      return this.#take(bytes, 0, bytes.length);
    }
    return this.#take(scratch, 0, scratch.write(text, 0, 'latin1'));
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    return this.#take(bytes, start, end);
  }

  #take(bytes: Buffer, pos: number, end: number): boolean {
    if (this.destroyed || this.#stream.destroyed || this.#stream.closed) return false;
    while (this.#phase === 'heads' && pos < end) {
      const next = parseResponseHead(head, bytes, { start: pos, end }, bytes.length);
      // What is written here was checked before, so this is a fault of our own; the client must not take it for an answer.
      if (next < 0) return this.#fail();
      pos = next;
      if (head.status === 101) return this.#openTunnel(bytes, pos, end);
      if (!head.interim) return this.#begin(bytes, pos, end);
      this.#stream.additionalHeaders(asObject(this.#fields(head.status)));
    }
    if (this.#phase === 'tunnel') return this.#write(Buffer.from(bytes.subarray(pos, end)));
    if (this.#phase === 'body') return this.#body(bytes, pos, end);
    return true;
  }

  #fields(status: number): (string | number)[] {
    const fields: (string | number)[] = [':status', status];
    fieldsOut(head, fields);
    return fields;
  }

  /** The final head, with what of the body came along: as few frames as can be. */
  #begin(bytes: Buffer, pos: number, end: number): boolean {
    const kind = head.bodyFor(this.#method);
    const framer = this.#framer;
    framer.keepsTrailers = true;
    if (kind === 'chunked') framer.startChunked();
    else if (kind === 'length') framer.startLength(head.contentLength);
    else if (kind === 'until-close') framer.startUntilClose();
    const fields = this.#fields(head.status);
    const data = this.#feed(bytes, pos, end);
    this.#phase = 'body';
    if (framer.bad) return this.#fail();
    if (framer.done) return this.#answerWhole(fields, data);
    this.#respondInParts(fields);
    return data === undefined ? !this.backedUp : this.#write(data);
  }

  #respondInParts(fields: (string | number)[]): void {
    this.#trailersDue = true;
    this.#stream.on('wantTrailers', hooks.wantTrailers);
    this.#stream.respond(fields as never, WITH_TRAILERS);
  }

  #answerWhole(fields: (string | number)[], data: Buffer | undefined): boolean {
    const stream = this.#stream;
    const trailers = trailersOut(this.#framer.trailerText);
    this.#phase = 'done';
    if (data === undefined && trailers === undefined) stream.respond(fields as never, WITH_END);
    else {
      this.#trailers = trailers;
      if (trailers === undefined) stream.respond(fields as never, WITH_BODY);
      else this.#respondInParts(fields);
      if (!stream.writableEnded) stream.end(data);
    }
    return true;
  }

  #body(bytes: Buffer, pos: number, end: number): boolean {
    const data = this.#feed(bytes, pos, end);
    if (this.#framer.bad) return this.#fail();
    if (!this.#framer.done) return data === undefined ? !this.backedUp : this.#write(data);
    this.#phase = 'done';
    this.#trailers = trailersOut(this.#framer.trailerText);
    if (!this.#stream.writableEnded) this.#stream.end(data);
    return !this.backedUp;
  }

  /** The data among `bytes[pos..end)`, in a buffer of its own; `undefined` for none. */
  #feed(bytes: Buffer, pos: number, end: number): Buffer | undefined {
    this.#framer.feed(bytes, pos, end, noteRun);
    return gatherRuns(bytes);
  }

  #write(data: Buffer): boolean {
    const stream = this.#stream;
    if (stream.writableEnded) return true;
    if (!stream.write(data) && stream.listenerCount('drain') === 0) stream.on('drain', hooks.drain);
    return !this.backedUp;
  }

  onWantTrailers(): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    this.#trailersDue = false;
    stream.sendTrailers((this.#trailers ?? {}) as never);
    if (this.#closeAfterTrailers) setImmediate(() => stream.close(NGHTTP2_NO_ERROR));
  }

  /** The backend has switched to WebSocket: to the client that is a 200, and from here it is bytes both ways (RFC 8441 §5). */
  #openTunnel(bytes: Buffer, pos: number, end: number): boolean {
    const { webSocketKey } = this.#request;
    const protocol = head.get('upgrade')?.toLowerCase();
    const isRight = protocol === 'websocket' && head.get('sec-websocket-accept') === webSocketAccept(webSocketKey);
    if (webSocketKey === '' || !isRight) return this.#fail();
    const fields: (string | number)[] = [':status', 200];
    fieldsOut(head, fields, (name) => name === 'sec-websocket-accept' || name === 'content-length');
    this.#phase = 'tunnel';
    this.#respondInParts(fields);
    return pos === end || this.#write(Buffer.from(bytes.subarray(pos, end)));
  }

  // Ends

  /** Nothing more is to be written. An answer that is not whole is broken off. */
  end(): void {
    const stream = this.#stream;
    if (this.destroyed || stream.destroyed || stream.closed) return;
    const endsHere = this.#phase === 'tunnel' || (this.#phase === 'body' && this.#framer.endsWithConnection);
    if (!endsHere && this.#phase !== 'done') return this.#breakOff(NGHTTP2_INTERNAL_ERROR);
    if (endsHere) stream.end();
    // A client that is still sending is told that nobody wants it, which is no error (RFC 9113 §8.1).
    if (this.#requestEnded || this.#phase === 'tunnel') return;
    if (this.#trailersDue) this.#closeAfterTrailers = true;
    else stream.close(NGHTTP2_NO_ERROR);
  }

  reset(): void {
    this.#breakOff(NGHTTP2_INTERNAL_ERROR);
  }

  destroy(): void {
    this.#breakOff(this.#phase === 'done' ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
  }

  #fail(): false {
    this.#breakOff(NGHTTP2_INTERNAL_ERROR);
    return false;
  }

  #breakOff(code: number): void {
    if (this.destroyed) return;
    this.#brokenOff = true;
    this.#stream.close(code);
  }

  onClose(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    const { sink } = this;
    this.sink = silentSink;
    const early = this.#phase !== 'done' && !this.#brokenOff;
    const inOrder = this.#phase === 'done' || (this.#phase === 'tunnel' && this.#stream.rstCode === NGHTTP2_NO_ERROR);
    sink.onClose(inOrder ? undefined : brokenOff());
    this.#place.left(this, early);
  }
}
