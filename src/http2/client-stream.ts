import type { Buffer } from 'node:buffer';
import { dropRuns, notedBytes, takeRuns } from './data-runs.ts';
import type { FieldList } from './field.ts';
import { HeldBytes } from './held-bytes.ts';
import { DEFAULT_WINDOW_BYTES, ErrorCode, Flag, FrameType, MAX_PAYLOAD_BYTES } from './protocol.ts';
import type { FieldSource, OutStream, SessionOut } from './session-out.ts';

/** Body bytes that a client may have on the way on one stream before they are asked for. */
export const STREAM_WINDOW_BYTES = DEFAULT_WINDOW_BYTES;

/** Bytes that are read before the client is allowed to send as many again. */
const CREDIT_BYTES = STREAM_WINDOW_BYTES >>> 1;

/** Who hears of a stream. */
export interface StreamUser {
  /** Data came in `bytes[pos..end)`, valid only during the call. To be followed by `ClientStream.credit`, sooner or later. */
  onData(bytes: Buffer, pos: number, end: number): void;
  /** The client has sent all: `trailers` are undefined when it ended without. */
  onRemoteEnd(trailers: FieldList | undefined): void;
  /** All that was to be sent has gone out, after `backedUp`. */
  onWritable(): void;
  /** The stream is over, with the code of its reset, or none when both sides have ended it. Called exactly once. */
  onClosed(code: ErrorCode): void;
}

/** The connection of a stream. */
export interface StreamHome {
  readonly out: SessionOut;
  /** The stream is over, and its number with it. */
  forget(stream: ClientStream): void;
  /** The client has broken a rule on one of its streams. */
  countReset(): void;
}

/** A stream of a client's connection (RFC 9113 §5): its state, its windows, and the data that waits for one to open. */
export class ClientStream implements OutStream {
  readonly id: number;
  queued = false;
  /** What of data the client takes. */
  sendWindow: number;
  /** What of data it may send. */
  receiveWindow = STREAM_WINDOW_BYTES;
  /** The client has sent END_STREAM. */
  remoteEnded: boolean;
  /** Neither side sends anything more. */
  closed = false;
  user!: StreamUser;
  readonly #home: StreamHome;
  readonly #out: SessionOut;
  #localEnded = false;
  #credit = 0;
  #code: ErrorCode = ErrorCode.none;
  /** Data that may not be sent yet. */
  #pending: HeldBytes | undefined;
  /** The end is to be sent behind what is pending, with these trailers, if any. */
  #ending = false;
  /** What the client still sends is not wanted. */
  #finishing = false;
  #trailers: FieldSource | undefined;

  constructor(home: StreamHome, id: number, remoteEnded: boolean) {
    this.#home = home;
    this.#out = home.out;
    this.id = id;
    this.remoteEnded = remoteEnded;
    this.sendWindow = home.out.streamWindow;
  }

  // In

  /** Bytes of data were used up, so that the client may send more. */
  credit(bytes: number): void {
    if (this.remoteEnded || this.closed || this.#finishing) return;
    this.#credit += bytes;
    if (this.#credit < CREDIT_BYTES) return;
    this.#out.number(FrameType.windowUpdate, this.id, this.#credit);
    this.receiveWindow += this.#credit;
    this.#credit = 0;
  }

  /** The client has reset the stream, or the connection is gone. */
  broken(code: ErrorCode): void {
    if (this.closed) return;
    this.#code = code;
    this.#close();
  }

  // Out

  /** Data waits for a window or the wire. */
  get backedUp(): boolean {
    return this.#pending !== undefined;
  }

  get pendingBytes(): number {
    return this.#pending?.length ?? 0;
  }

  get waits(): boolean {
    return this.#pending !== undefined && !this.closed;
  }

  /** Sends an interim head, or the one of the answer. */
  head(fields: FieldSource, endStream: boolean): void {
    if (this.closed || this.#localEnded) return;
    this.#out.head(this.id, fields, endStream);
    if (endStream) this.#endLocal();
  }

  /**
   * Sends the runs of `bytes` that `noteRun` has noted, as far as windows and wire allow, and keeps the rest; `last` when
   * the stream ends behind them, with `trailers` if there are any.
   */
  data(bytes: Buffer, last: boolean, trailers?: FieldSource): void {
    if (this.closed || this.#localEnded) return dropRuns();
    if (this.#pending === undefined) this.#sendRuns(bytes, last && trailers === undefined);
    const left = notedBytes();
    if (left > 0) this.#keep(bytes, left);
    if (!last || this.#localEnded) return;
    this.#ending = true;
    this.#trailers = trailers;
    if (this.#pending === undefined) this.#sendEnd();
  }

  #sendRuns(bytes: Buffer, last: boolean): void {
    for (let left = notedBytes(); left > 0; ) {
      const length = Math.min(left, this.#allowed());
      if (length <= 0) return;
      left -= length;
      const ends = last && left === 0;
      const at = this.#out.frame(FrameType.data, ends ? Flag.endStream : 0, this.id, length);
      takeRuns(bytes, this.#out.buffer, at, length);
      this.#sent(length);
      if (ends) this.#endLocal();
    }
  }

  /** Data that may be sent in one frame now. */
  #allowed(): number {
    return this.#out.backedUp ? 0 : Math.min(this.#out.window, this.sendWindow, MAX_PAYLOAD_BYTES);
  }

  #sent(bytes: number): void {
    this.#out.window -= bytes;
    this.sendWindow -= bytes;
  }

  #keep(bytes: Buffer, length: number): void {
    this.#pending ??= new HeldBytes();
    const at = this.#pending.add(length);
    takeRuns(bytes, this.#pending.buffer, at, length);
    this.#out.wait(this);
  }

  pump(): boolean {
    const pending = this.#pending;
    if (pending === undefined || this.closed) return false;
    const left = pending.length;
    const length = Math.min(left, this.#allowed());
    if (length <= 0) return false;
    const ends = length === left && this.#ending && this.#trailers === undefined;
    const at = this.#out.frame(FrameType.data, ends ? Flag.endStream : 0, this.id, length);
    pending.buffer.copy(this.#out.buffer, at, pending.start, pending.start + length);
    pending.drop(length);
    this.#sent(length);
    if (length < left) return true;
    this.#pending = undefined;
    if (ends) this.#endLocal();
    else if (this.#ending) this.#sendEnd();
    else this.user.onWritable();
    return true;
  }

  /** Sends the end by itself: data has gone before, or there was none. */
  #sendEnd(): void {
    const trailers = this.#trailers;
    if (trailers === undefined) this.#out.frame(FrameType.data, Flag.endStream, this.id, 0);
    else this.#out.head(this.id, trailers, true);
    this.#endLocal();
  }

  #endLocal(): void {
    this.#localEnded = true;
    if (this.remoteEnded) this.#close();
  }

  /** The client has sent its end, and what came with it is told. */
  remoteEnd(): void {
    if (this.#localEnded) this.#close();
  }

  /**
   * The answer is given, and what the client still sends is not wanted: it is not allowed to send more. A reset would say so at
   * once, but there are clients that take one that comes with the answer for the end of it; it is for who has waited.
   */
  finish(): void {
    this.#finishing = true;
  }

  /** The answer is given, be it that some of it waits. */
  get answered(): boolean {
    return this.#localEnded || this.#ending;
  }

  /** Breaks the stream off. */
  reset(code: ErrorCode): void {
    if (this.closed) return;
    this.#out.reset(this.id, code);
    this.#code = code;
    this.#close();
  }

  /** Breaks it off for what the client has done. */
  refuse(code: ErrorCode): void {
    if (this.closed) return;
    this.reset(code);
    this.#home.countReset();
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#pending?.clear();
    this.#pending = undefined;
    this.#home.forget(this);
    this.#out.over(this);
  }

  tellClosed(): void {
    this.user.onClosed(this.#code);
  }
}
