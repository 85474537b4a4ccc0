import type { Buffer } from 'node:buffer';
import { silentSink, type Wire, type WireSink } from '../support/wire.ts';
import { ClientBudgets } from './client-budgets.ts';
import { ClientStream, type StreamHome } from './client-stream.ts';
import { FieldList } from './field.ts';
import { type FrameHead, FrameReader, type FrameSink, paddingOf } from './frame-reader.ts';
import { HeadBlock } from './head-block.ts';
import { MAX_HEADER_LIST_BYTES, MAX_STREAMS, sayHello, WINDOW_BYTES } from './hello.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { ErrorCode, Flag, FrameType, MAX_31_BITS } from './protocol.ts';
import { SessionOut } from './session-out.ts';
import { readSettings } from './settings-in.ts';

/** Who hears of what a client does on its HTTP/2 connection. */
export interface SessionObserver {
  /** Milliseconds, monotonic; late by a tick at most. */
  readonly now: number;
  /** A request came; `stream.user` is to be set before this returns. `list` is valid only during the call. */
  onRequest(stream: ClientStream, list: FieldList): void;
  /** The client does what only an attacker does, or breaks the protocol; the connection is being closed. */
  onRefused(reason: 'http2-flood' | 'http2-protocol'): void;
  /** Nothing more is served on the connection: it closes once the client has taken what was written, and closes it too. */
  onEnding(): void;
  /** The connection is gone. Called exactly once. */
  onGone(): void;
}

/** Fields that a request may have; the HTTP/1.1 parser allows nearly as many. */
const MAX_HEADER_FIELDS = 300;
/** Bytes of PRIORITY in a HEADERS frame. */
const PRIORITY_BYTES = 5;

/** Used up before the call returns, so that one serves all connections of the thread. */
const list = new FieldList(MAX_HEADER_FIELDS, MAX_HEADER_LIST_BYTES);

/** Where the goodbye of a connection stands: said, so that the client may have seen it (RFC 9113 §6.8), or final. */
type Goodbye = 'none' | 'said' | 'final';

/**
 * A client's HTTP/2 connection (RFC 9113): reads frames, keeps what belongs to the connection as a whole, and leads
 * what belongs to a stream there. What a client may do besides asking is counted.
 */
export class ClientSession implements WireSink, FrameSink, StreamHome {
  readonly out: SessionOut;
  readonly #observer: SessionObserver;
  readonly #wire: Wire;
  readonly #reader = new FrameReader(this);
  readonly #decoder = new HpackDecoder();
  readonly #budgets = new ClientBudgets();
  readonly #streams = new Map<number, ClientStream>();
  /** The highest stream that the client has opened. */
  #last = 0;
  #settled = false;
  /** Of the connection: what the client may send, and what has come since that was last said. */
  #window = WINDOW_BYTES;
  #received = 0;
  #block: HeadBlock | undefined;
  #goodbye: Goodbye = 'none';
  /** Nothing that comes is looked at any more. */
  #ended = false;
  #gone = false;

  constructor(wire: Wire, observer: SessionObserver) {
    this.#wire = wire;
    this.#observer = observer;
    this.out = new SessionOut(wire);
  }

  /** Takes the wire over; `early` is what was read from it before. */
  start(early: Buffer | undefined): void {
    this.#wire.sink = this;
    sayHello(this.out);
    if (early !== undefined) this.#reader.take(early, early.length);
    this.#wire.start();
  }

  // In

  onBytes(bytes: Buffer, length: number): boolean {
    if (this.#ended) return true;
    this.#reader.take(bytes, length);
    return this.#ended || !this.out.overfull;
  }

  onUnreadable(problem: 'preface' | 'frame-size'): void {
    this.#fail(problem === 'preface' ? ErrorCode.protocol : ErrorCode.frameSize);
  }

  onFrame(frame: FrameHead, bytes: Buffer, at: number): boolean {
    const { type } = frame;
    if (this.#block !== undefined && (type !== FrameType.continuation || frame.stream !== this.#block.stream)) {
      this.#fail(ErrorCode.protocol);
    } else if (!this.#settled && type !== FrameType.settings) this.#fail(ErrorCode.protocol);
    else this.#dispatch(frame, bytes, at);
    return !this.#ended;
  }

  #dispatch(frame: FrameHead, bytes: Buffer, at: number): void {
    switch (frame.type) {
      case FrameType.data:
        return this.#onData(frame, bytes, at);
      case FrameType.headers:
        return this.#onHeaders(frame, bytes, at);
      case FrameType.continuation:
        return this.#onContinuation(frame, bytes, at);
      case FrameType.windowUpdate:
        return this.#onWindowUpdate(frame, bytes, at);
      case FrameType.rstStream:
        return this.#onReset(frame, bytes, at);
      case FrameType.settings:
        return this.#onSettings(frame, bytes, at);
      case FrameType.ping:
        return this.#onPing(frame, bytes, at);
      case FrameType.goaway:
        if (frame.stream !== 0) this.#fail(ErrorCode.protocol);
        else if (frame.length < 8) this.#fail(ErrorCode.frameSize);
        else this.#spend('idle');
        return;
      case FrameType.priority:
        if (frame.stream === 0) this.#fail(ErrorCode.protocol);
        else if (frame.length !== PRIORITY_BYTES) this.#fail(ErrorCode.frameSize);
        else this.#spend('idle');
        return;
      case FrameType.pushPromise:
        return this.#fail(ErrorCode.protocol);
      default:
        this.#spend('idle');
    }
  }

  #onData(frame: FrameHead, bytes: Buffer, at: number): void {
    const { length } = frame;
    const padding = paddingOf(frame, bytes, at);
    if (this.#isIdle(frame.stream) || padding < 0) return this.#fail(ErrorCode.protocol);
    if (length > this.#window) return this.#fail(ErrorCode.flowControl);
    this.#count(length);
    const endStream = (frame.flags & Flag.endStream) !== 0;
    if (length === padding && !endStream && !this.#spend('empty')) return;
    const stream = this.#streams.get(frame.stream);
    // Of a stream that is over there may be more on the way (RFC 9113 §5.1).
    if (stream === undefined) return;
    if (stream.remoteEnded) return stream.refuse(ErrorCode.streamClosed);
    if (length > stream.receiveWindow) return stream.refuse(ErrorCode.flowControl);
    stream.receiveWindow -= length;
    stream.remoteEnded = endStream;
    if (padding > 0) stream.credit(padding);
    const start = padding > 0 ? at + 1 : at;
    stream.user.onData(bytes, start, start + length - padding);
    if (endStream) this.#endRemote(stream, undefined);
  }

  #endRemote(stream: ClientStream, trailers: FieldList | undefined): void {
    if (!stream.closed) stream.user.onRemoteEnd(trailers);
    stream.remoteEnd();
  }

  /** Bytes of data have come, whoever they are for. */
  #count(bytes: number): void {
    this.#window -= bytes;
    this.#received += bytes;
    if (this.#received < WINDOW_BYTES / 2) return;
    this.out.number(FrameType.windowUpdate, 0, this.#received);
    this.#window += this.#received;
    this.#received = 0;
  }

  #isIdle(stream: number): boolean {
    return stream === 0 || stream > this.#last || (stream & 1) === 0;
  }

  #onHeaders(frame: FrameHead, bytes: Buffer, at: number): void {
    const padding = paddingOf(frame, bytes, at);
    const priority = (frame.flags & Flag.priority) === 0 ? 0 : PRIORITY_BYTES;
    const start = at + (padding > 0 ? 1 : 0) + priority;
    const end = at + frame.length - Math.max(0, padding - 1);
    if ((frame.stream & 1) === 0 || padding < 0 || start > end) return this.#fail(ErrorCode.protocol);
    const endStream = (frame.flags & Flag.endStream) !== 0;
    if ((frame.flags & Flag.endHeaders) !== 0) {
      if (this.#decode(bytes, start, end)) this.#onHead(frame.stream, endStream);
      return;
    }
    this.#block = new HeadBlock(frame.stream, endStream);
    this.#block.begin(bytes, start, end);
  }

  #onContinuation(frame: FrameHead, bytes: Buffer, at: number): void {
    const block = this.#block;
    if (block === undefined) return this.#fail(ErrorCode.protocol);
    if (!block.add(bytes, at, at + frame.length)) return this.#fail(ErrorCode.enhanceYourCalm);
    if ((frame.flags & Flag.endHeaders) === 0) return;
    this.#block = undefined;
    const all = block.bytes;
    if (this.#decode(all, 0, all.length)) this.#onHead(block.stream, block.endStream);
  }

  /** Every head is decoded, also one that nobody wants, for the next ones build on it. */
  #decode(bytes: Buffer, start: number, end: number): boolean {
    if (this.#decoder.decode(bytes, start, end, list)) return true;
    this.#fail(ErrorCode.compression);
    return false;
  }

  /** A head is in `list`: a request, or the trailers of one. */
  #onHead(id: number, endStream: boolean): void {
    if (id <= this.#last) return this.#onTrailers(this.#streams.get(id), endStream);
    this.#last = id;
    if (this.#goodbye === 'final') return;
    if (this.#streams.size >= MAX_STREAMS) {
      this.out.reset(id, ErrorCode.refusedStream);
      this.#spend('refused');
    } else if (list.tooLarge) {
      this.out.reset(id, ErrorCode.enhanceYourCalm);
      this.countReset();
    } else {
      const stream = new ClientStream(this, id, endStream);
      this.#streams.set(id, stream);
      this.#observer.onRequest(stream, list);
    }
  }

  #onTrailers(stream: ClientStream | undefined, endStream: boolean): void {
    // Of a stream that is over; but a client that does nothing else is none.
    if (stream === undefined) return this.countReset();
    if (stream.remoteEnded) return stream.refuse(ErrorCode.streamClosed);
    if (!endStream || list.tooLarge) return stream.refuse(ErrorCode.protocol);
    stream.remoteEnded = true;
    this.#endRemote(stream, list);
  }

  #onWindowUpdate(frame: FrameHead, bytes: Buffer, at: number): void {
    if (frame.length !== 4) return this.#fail(ErrorCode.frameSize);
    const rightful = this.#budgets.takeUpdate(this.#last >>> 1, this.out.dataFrames);
    if (!rightful) return this.#fail(ErrorCode.enhanceYourCalm);
    const more = bytes.readUInt32BE(at) & MAX_31_BITS;
    if (frame.stream === 0) {
      this.out.window += more;
      if (more === 0) this.#fail(ErrorCode.protocol);
      else if (this.out.window > MAX_31_BITS) this.#fail(ErrorCode.flowControl);
      else this.out.pump();
      return;
    }
    if (this.#isIdle(frame.stream)) return this.#fail(ErrorCode.protocol);
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    stream.sendWindow += more;
    if (more === 0) stream.refuse(ErrorCode.protocol);
    else if (stream.sendWindow > MAX_31_BITS) stream.refuse(ErrorCode.flowControl);
    else if (stream.waits) this.out.pump();
  }

  #onReset(frame: FrameHead, bytes: Buffer, at: number): void {
    if (this.#isIdle(frame.stream)) return this.#fail(ErrorCode.protocol);
    if (frame.length !== 4) return this.#fail(ErrorCode.frameSize);
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    const early = !stream.answered;
    stream.broken(bytes.readUInt32BE(at) as ErrorCode);
    if (early) this.countReset();
  }

  #onSettings(frame: FrameHead, bytes: Buffer, at: number): void {
    if (frame.stream !== 0) return this.#fail(ErrorCode.protocol);
    if ((frame.flags & Flag.ack) !== 0) {
      if (frame.length !== 0) this.#fail(ErrorCode.frameSize);
      else if (!this.#settled) this.#fail(ErrorCode.protocol);
      else this.#spend('settings');
      return;
    }
    const settings = readSettings(bytes, at, frame.length);
    if (typeof settings === 'number') return this.#fail(settings);
    if (!this.#spend('settings')) return;
    this.#settled = true;
    if (settings.headerTableSize !== undefined) this.out.encoder.resize(settings.headerTableSize);
    this.out.frame(FrameType.settings, Flag.ack, 0, 0);
    if (settings.initialWindowSize !== undefined) this.#resizeWindows(settings.initialWindowSize);
  }

  /** Streams that are open take part in the change, which may leave less than nothing (RFC 9113 §6.9.2). */
  #resizeWindows(size: number): void {
    const change = size - this.out.streamWindow;
    this.out.streamWindow = size;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_31_BITS) return this.#fail(ErrorCode.flowControl);
    }
    if (change > 0) this.out.pump();
  }

  #onPing(frame: FrameHead, bytes: Buffer, at: number): void {
    if (frame.stream !== 0) return this.#fail(ErrorCode.protocol);
    if (frame.length !== 8) return this.#fail(ErrorCode.frameSize);
    if (!this.#spend('ping')) return;
    if ((frame.flags & Flag.ack) !== 0) {
      if (this.#goodbye === 'said') this.#finishForGood();
      return;
    }
    const to = this.out.frame(FrameType.ping, Flag.ack, 0, 8);
    bytes.copy(this.out.buffer, to, at, at + 8);
  }

  // Floods and errors

  #spend(what: Exclude<keyof ClientBudgets, 'takeUpdate'>): boolean {
    if (this.#budgets[what].take(this.#observer.now)) return true;
    this.#fail(ErrorCode.enhanceYourCalm);
    return false;
  }

  countReset(): void {
    this.#spend('reset');
  }

  /** Ends the connection for what the client has done. */
  #fail(code: ErrorCode): void {
    if (this.#ended) return;
    this.#observer.onRefused(code === ErrorCode.enhanceYourCalm ? 'http2-flood' : 'http2-protocol');
    this.#breakOff(code);
  }

  /** Says goodbye for good, breaks all streams off, and closes behind what was written. */
  #breakOff(code: ErrorCode): void {
    this.out.goaway(this.#last, code);
    this.#breakStreams();
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#goodbye = 'final';
    this.#observer.onEnding();
    this.out.flush();
    this.#wire.end();
    // What still comes is discarded, for unread bytes would have the kernel take back what was written.
    this.#wire.start();
  }

  #breakStreams(): void {
    for (const stream of this.#streams.values()) stream.broken(ErrorCode.cancel);
  }

  // Ends

  forget(stream: ClientStream): void {
    this.#streams.delete(stream.id);
  }

  /**
   * No further streams. The client is told so at once and asked to answer (a PING): what it had sent before it knew is still
   * served, and with its answer the goodbye is final.
   */
  finish(): void {
    if (this.#goodbye !== 'none') return;
    this.#goodbye = 'said';
    this.out.goaway(MAX_31_BITS, ErrorCode.none);
    this.out.frame(FrameType.ping, 0, 0, 8);
  }

  #finishForGood(): void {
    this.#goodbye = 'final';
    this.out.goaway(this.#last, ErrorCode.none);
    this.closeWhenDone();
  }

  /** Closes when the goodbye is final and all streams have ended. */
  closeWhenDone(): void {
    if (this.#goodbye === 'final' && !this.#ended && this.#streams.size === 0) this.#end();
  }

  onDrain(): void {
    this.out.onDrain();
    if (!this.#gone) this.#wire.start();
  }

  /** Who has left takes no answers. */
  onEnd(): void {
    if (this.#ended) return;
    this.#breakStreams();
    this.#end();
  }

  onClose(): void {
    this.#ended = true;
    this.#gone = true;
    this.#wire.sink = silentSink;
    this.#breakStreams();
    this.out.tellOver();
    this.#observer.onGone();
  }

  onConnect(): void {}

  /** Ends the connection with all that is under way. */
  destroy(): void {
    if (!this.#ended) this.#breakOff(ErrorCode.none);
    this.#wire.destroy();
  }
}
