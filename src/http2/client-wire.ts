import { Buffer } from 'node:buffer';
import { BodyFramer } from '../http1/body.ts';
import { parseResponseHead, ResponseHead } from '../http1/response-head.ts';
import { COPY_AS_TEXT_BYTES, silentSink, type Wire, type WireSink } from '../support/wire.ts';
import { giveBytes, giveChunk, giveText } from './chunk-out.ts';
import type { ClientStream, StreamUser } from './client-stream.ts';
import { noteRun } from './data-runs.ts';
import type { FieldList } from './field.ts';
import { AnswerFields, PairFields, trailersOut } from './fields-out.ts';
import { HeldBytes } from './held-bytes.ts';
import { ErrorCode } from './protocol.ts';
import type { TranslatedRequest } from './request-in.ts';
import { brokenOff } from './stream-hooks.ts';
import { trailerLines } from './trailers-in.ts';
import { webSocketAccept } from './web-socket-accept.ts';

/** The client's end of the session that a stream is of. */
export interface ClientPlace {
  readonly remoteAddress: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** See `Wire.clientLines`. */
  readonly clientLines: string;
  /** See `Wire.beneath`. */
  readonly beneath: Wire;
  /** The answer to a client whose WebSocket was answered like any GET: it would take the 2xx for the beginning of the tunnel. */
  readonly notOpened: Buffer;
  /** The stream is over. */
  left(wire: H2ClientWire): void;
}

/** Used up before the call returns, so that one of each serves all streams of the thread. */
const head = new ResponseHead();
const answerFields = new AnswerFields(head);
const scratch = Buffer.allocUnsafeSlow(COPY_AS_TEXT_BYTES * 2);

/** Where the answer stands. */
type Phase = 'heads' | 'body' | 'tunnel' | 'done';

/**
 * A stream of a client's HTTP/2 connection that shows itself as an HTTP/1.1 connection with one request: what comes in is
 * given on as HTTP/1.1 text, and the HTTP/1.1 answer that is written becomes HEADERS, DATA and trailers. Both directions
 * are flow-controlled by whoever is on the other side: the client may send more when the sink has taken what it sent.
 */
export class H2ClientWire implements Wire, StreamUser {
  readonly httpVersion = '2.0';
  sink: WireSink = silentSink;
  destroyed = false;
  readableEnded = false;
  /** Its place among the streams of the session. */
  memberIndex = -1;
  /** What serves it, to be cut when a drain's time is up. */
  owner: { cut(ended?: 'drained' | 'banned' | 'denied'): void } | undefined;
  readonly #place: ClientPlace;
  readonly #stream: ClientStream;
  readonly #request: TranslatedRequest;
  #phase: Phase = 'heads';
  #begun = false;
  /** The sink wants bytes. */
  #wanted = false;
  /** All of the request is given on. */
  #requestEnded: boolean;
  /** What of its body has not come; without a Content-Length there is no knowing how much that is. */
  #remaining: number;
  /** What came while nobody wanted it. */
  #held: HeldBytes | undefined;
  /** The client has sent its end: the trailer section behind it, which waits for what is held. */
  #end: string | undefined;
  /** Of an answer that does not come as a whole. */
  #framer: BodyFramer | undefined;

  constructor(place: ClientPlace, stream: ClientStream, request: TranslatedRequest) {
    this.#place = place;
    this.#stream = stream;
    this.#request = request;
    this.#remaining = request.length < 0 ? Number.POSITIVE_INFINITY : request.length;
    this.#requestEnded = request.body === 'none';
    stream.user = this;
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
  get beneath(): Wire {
    return this.#place.beneath;
  }
  get unsent(): boolean {
    return this.#stream.backedUp;
  }
  get queued(): number {
    return this.#stream.pendingBytes;
  }
  get backedUp(): boolean {
    return this.#stream.backedUp;
  }

  // The request

  start(): void {
    if (this.destroyed || this.#wanted) return;
    this.#wanted = true;
    if (!this.#begun) {
      this.#begun = true;
      this.#wanted = giveText(this.sink, this.#request.text);
    } else if (this.#held !== undefined || this.#end !== undefined) queueMicrotask(() => this.#giveHeld());
  }

  /** What a client sends for the tunnel before it is open could be taken for another request, so it is not read until then. */
  #mayRead(): boolean {
    return this.#wanted && (this.#request.body !== 'tunnel' || this.#phase === 'tunnel');
  }

  onData(bytes: Buffer, pos: number, end: number): void {
    const length = end - pos;
    if (this.destroyed || this.#requestEnded) return this.#stream.credit(length);
    if (length > this.#remaining) return this.#stream.refuse(ErrorCode.protocol);
    this.#remaining -= length;
    if (length === 0) return;
    if (this.#held === undefined && this.#mayRead()) return this.#give(bytes.subarray(pos, end));
    this.#held ??= new HeldBytes();
    const at = this.#held.add(length);
    bytes.copy(this.#held.buffer, at, pos, end);
  }

  #give(data: Buffer): void {
    this.#wanted = this.#request.body === 'chunked' ? giveChunk(this.sink, data) : giveBytes(this, data);
    this.#stream.credit(data.length);
  }

  #giveHeld(): void {
    if (this.destroyed || !this.#mayRead()) return;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) {
      this.#give(held.buffer.subarray(held.start, held.start + held.length));
      held.clear();
    }
    if (this.#end !== undefined && this.#held === undefined && this.#mayRead()) this.#giveEnd(this.#end);
  }

  onRemoteEnd(trailers: FieldList | undefined): void {
    if (this.destroyed || this.#requestEnded) return;
    const text = trailers === undefined ? '' : trailerLines(trailers);
    const short = this.#remaining > 0 && this.#remaining !== Number.POSITIVE_INFINITY;
    if (text === undefined || short) return this.#stream.refuse(ErrorCode.protocol);
    if (this.#held !== undefined || (this.#request.body === 'tunnel' && !this.#mayRead())) this.#end = text;
    else this.#giveEnd(text);
  }

  #giveEnd(trailers: string): void {
    const { body } = this.#request;
    this.#end = undefined;
    this.#requestEnded = true;
    if (body === 'chunked') giveText(this.sink, `0\r\n${trailers}\r\n`);
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
    if (this.destroyed || this.#stream.closed) return false;
    while (this.#phase === 'heads' && pos < end) {
      const next = parseResponseHead(head, bytes, { start: pos, end }, bytes.length);
      // What is written here was checked before, so this is a fault of our own; the client must not take it for an answer.
      if (next < 0) return this.#fail();
      pos = next;
      if (head.status === 101) return this.#openTunnel(bytes, pos, end);
      if (!head.interim) {
        const wouldOpen = head.status < 300 && this.#request.webSocketKey !== '';
        if (!wouldOpen) return this.#begin(bytes, pos, end);
        const { notOpened } = this.#place;
        return this.#take(notOpened, 0, notOpened.length);
      }
      this.#stream.head(answerFields, false);
    }
    if (this.#phase === 'tunnel') return this.#write(bytes, pos, end);
    if (this.#phase === 'body') return this.#body(bytes, pos, end);
    return true;
  }

  /** The final head, with what of the body came along: as few frames as can be. */
  #begin(bytes: Buffer, pos: number, end: number): boolean {
    const kind = head.bodyFor(this.#request.method);
    const stream = this.#stream;
    if (kind === 'none' || (kind === 'length' && end - pos === head.contentLength)) {
      this.#phase = 'done';
      stream.head(answerFields, kind === 'none');
      if (kind === 'none') return true;
      noteRun(pos, end);
      stream.data(bytes, true);
      return !stream.backedUp;
    }
    const framer = new BodyFramer();
    framer.keepsTrailers = true;
    if (kind === 'chunked') framer.startChunked();
    else if (kind === 'length') framer.startLength(head.contentLength);
    else framer.startUntilClose();
    this.#framer = framer;
    this.#phase = 'body';
    // An answer in chunks that has come as a whole and is empty ends with its head.
    const done = framer.feed(bytes, pos, end, noteRun) === end && framer.done;
    if (done && framer.dataBytes === 0 && trailersOut(framer.trailerText) === undefined) {
      this.#phase = 'done';
      stream.head(answerFields, true);
      return true;
    }
    stream.head(answerFields, false);
    return this.#fed(framer, bytes);
  }

  #body(bytes: Buffer, pos: number, end: number): boolean {
    const framer = this.#framer!;
    framer.feed(bytes, pos, end, noteRun);
    return this.#fed(framer, bytes);
  }

  /** The framer has noted the data among `bytes`, which is sent; with the end, if that is where it is. */
  #fed(framer: BodyFramer, bytes: Buffer): boolean {
    const pairs = framer.done ? trailersOut(framer.trailerText) : undefined;
    if (framer.done) this.#phase = 'done';
    this.#stream.data(bytes, framer.done, pairs && new PairFields(pairs));
    if (framer.bad) return this.#fail();
    return !this.#stream.backedUp;
  }

  #write(bytes: Buffer, pos: number, end: number): boolean {
    noteRun(pos, end);
    this.#stream.data(bytes, false);
    return !this.#stream.backedUp;
  }

  onWritable(): void {
    this.sink.onDrain();
  }

  /** The backend has switched to WebSocket: to the client that is a 200, and from here it is bytes both ways (RFC 8441 §5). */
  #openTunnel(bytes: Buffer, pos: number, end: number): boolean {
    const { webSocketKey } = this.#request;
    const protocol = head.get('upgrade')?.toLowerCase();
    const isRight = protocol === 'websocket' && head.get('sec-websocket-accept') === webSocketAccept(webSocketKey);
    if (webSocketKey === '' || !isRight) return this.#fail();
    answerFields.switches = true;
    this.#phase = 'tunnel';
    this.#stream.head(answerFields, false);
    answerFields.switches = false;
    if (this.#wanted) queueMicrotask(() => this.#giveHeld());
    return this.#write(bytes, pos, end);
  }

  // Ends

  /** Nothing more is to be written. An answer that is not whole is broken off. */
  end(): void {
    const stream = this.#stream;
    if (this.destroyed || stream.closed) return;
    const endsHere = this.#phase === 'tunnel' || (this.#phase === 'body' && this.#framer!.endsWithConnection);
    if (!endsHere && this.#phase !== 'done') return stream.reset(ErrorCode.internal);
    if (endsHere) stream.data(scratch, true);
    if (this.#phase === 'tunnel') return;
    this.#phase = 'done';
    stream.finish();
  }

  reset(): void {
    this.#stream.reset(ErrorCode.internal);
  }

  destroy(): void {
    this.#stream.reset(this.#phase === 'done' ? ErrorCode.none : ErrorCode.cancel);
  }

  #fail(): false {
    this.#stream.reset(ErrorCode.internal);
    return false;
  }

  onClosed(code: ErrorCode): void {
    this.destroyed = true;
    this.#held?.clear();
    this.#held = undefined;
    const { sink } = this;
    this.sink = silentSink;
    const inOrder = this.#phase === 'done' || (this.#phase === 'tunnel' && code === ErrorCode.none);
    sink.onClose(inOrder ? undefined : brokenOff());
    this.#place.left(this);
  }
}
