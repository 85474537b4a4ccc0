import { Buffer } from 'node:buffer';
import { putSpare, takeSpare } from '../support/spare-buffers.ts';
import { atTurnEnd, type TurnEnd } from '../support/turn-end.ts';
import type { Wire } from '../support/wire.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import {
  DEFAULT_WINDOW_BYTES,
  type ErrorCode,
  Flag,
  FRAME_HEAD_BYTES,
  FrameType,
  MAX_PAYLOAD_BYTES,
} from './protocol.ts';

/** Bytes that may wait for a client that does not take them before nothing more is read from it. */
const MOST_WAITING_BYTES = 64 * 1024;

/** The fields of a head that is to be sent. */
export interface FieldSource {
  /** Bytes that they take at most in a block. */
  readonly bound: number;
  /** Writes them at `at`, and returns where they end. */
  put(encoder: HpackEncoder, into: Uint8Array, at: number): number;
}

/** A stream that has bytes to send, or has to be told that it is over. */
export interface OutStream {
  /** It is among those that wait. Owned by `SessionOut`. */
  queued: boolean;
  /** Has bytes that wait for a window or the wire. */
  readonly waits: boolean;
  /** Sends a frame of what waits; false when it may not. */
  pump(): boolean;
  /** The stream is over: its user hears of it. */
  tellClosed(): void;
}

/**
 * What leaves on a connection: frames are written into one buffer, which goes to the wire when all events of the turn have
 * been seen, or when it is full. Data waits at the streams while the wire is backed up; all else is small and goes on.
 */
export class SessionOut implements TurnEnd {
  /** The window of the connection: bytes of data that the client takes on all streams. */
  window = DEFAULT_WINDOW_BYTES;
  /** What a stream's window is at first. */
  streamWindow = DEFAULT_WINDOW_BYTES;
  /** Frames of data that were sent. */
  dataFrames = 0;
  readonly encoder = new HpackEncoder();
  readonly #wire: Wire;
  #buffer: Buffer | undefined;
  #size = 0;
  #asked = false;
  #waiting: OutStream[] = [];
  #over: OutStream[] = [];
  /** Bytes that were given to the wire since it is backed up. */
  #piledUp = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** No data may be sent for now. */
  get backedUp(): boolean {
    return this.#wire.backedUp;
  }

  /** So much waits for the client to take it that nothing more should be read from it. */
  get overfull(): boolean {
    return this.#piledUp > MOST_WAITING_BYTES && this.#wire.backedUp;
  }

  /** The frames that have yet to go to the wire. */
  get buffer(): Buffer {
    this.#buffer ??= takeSpare();
    return this.#buffer;
  }

  /** Makes room for so many bytes, at most those of a spare buffer, and returns where in `buffer` they go. */
  #room(bytes: number): number {
    if (this.#size + bytes > this.buffer.length) this.flush();
    this.#ask();
    return this.#size;
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    atTurnEnd(this);
  }

  /** Begins a frame with a payload of `length` bytes; they are the caller's to write into `buffer` where this returns. */
  frame(type: number, flags: number, stream: number, length: number): number {
    if (type === FrameType.data) this.dataFrames++;
    const at = this.#room(FRAME_HEAD_BYTES + length);
    this.#putHead(at, (type << 8) | flags, stream, length);
    this.#size = at + FRAME_HEAD_BYTES + length;
    return at + FRAME_HEAD_BYTES;
  }

  #putHead(at: number, typeAndFlags: number, stream: number, length: number): void {
    const into = this.buffer;
    into[at] = length >>> 16;
    into[at + 1] = length >>> 8;
    into[at + 2] = length;
    into[at + 3] = typeAndFlags >>> 8;
    into[at + 4] = typeAndFlags;
    into.writeUInt32BE(stream, at + 5);
  }

  /** Sends a frame whose payload is one number of 32 bits. */
  number(type: number, stream: number, value: number): void {
    const at = this.frame(type, 0, stream, 4);
    this.buffer.writeUInt32BE(value, at);
  }

  reset(stream: number, code: ErrorCode): void {
    this.number(FrameType.rstStream, stream, code);
  }

  goaway(lastStream: number, code: ErrorCode): void {
    const at = this.frame(FrameType.goaway, 0, 0, 8);
    this.buffer.writeUInt32BE(lastStream, at);
    this.buffer.writeUInt32BE(code, at + 4);
  }

  /** Sends a head, in as many frames as it takes. */
  head(stream: number, source: FieldSource, endStream: boolean): void {
    const flags = endStream ? Flag.endStream : 0;
    const { bound } = source;
    if (bound > MAX_PAYLOAD_BYTES) return this.#largeHead(stream, source, flags);
    const at = this.#room(FRAME_HEAD_BYTES + bound);
    const payload = at + FRAME_HEAD_BYTES;
    const end = source.put(this.encoder, this.buffer, this.encoder.begin(this.buffer, payload));
    this.#putHead(at, (FrameType.headers << 8) | flags | Flag.endHeaders, stream, end - payload);
    this.#size = end;
  }

  #largeHead(stream: number, source: FieldSource, flags: number): void {
    const block = Buffer.allocUnsafe(source.bound);
    const length = source.put(this.encoder, block, this.encoder.begin(block, 0));
    for (let pos = 0; pos < length; pos += MAX_PAYLOAD_BYTES) {
      const end = Math.min(length, pos + MAX_PAYLOAD_BYTES);
      const type = pos === 0 ? FrameType.headers : FrameType.continuation;
      const at = this.frame(type, (pos === 0 ? flags : 0) | (end === length ? Flag.endHeaders : 0), stream, end - pos);
      block.copy(this.buffer, at, pos, end);
    }
  }

  /** Gives what there is to the wire. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#buffer = undefined;
    const size = this.#size;
    this.#size = 0;
    if (size > 0) this.#wire.send(buffer, 0, size);
    if (this.#wire.backedUp) this.#piledUp += size;
    putSpare(buffer);
  }

  /** The stream is over; it is told so when the events of this turn have been seen. */
  over(stream: OutStream): void {
    if (stream.queued) this.#waiting = this.#waiting.filter((other) => other !== stream);
    this.#over.push(stream);
    this.#ask();
  }

  /** Tells the streams that are over so. */
  tellOver(): void {
    const streams = this.#over;
    if (streams.length === 0) return;
    this.#over = [];
    for (const stream of streams) stream.tellClosed();
  }

  /** All events of this turn have been seen. */
  afterPoll(): void {
    this.#asked = false;
    this.tellOver();
    this.flush();
  }

  /** The stream has data that it may not send yet. */
  wait(stream: OutStream): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#waiting.push(stream);
  }

  /**
   * A window has opened, or the wire has taken all: streams send what waits, a frame each in turn. Who opens the window by a
   * byte at a time makes one of them move, and not all be looked at (CVE-2019-9511).
   */
  pump(): void {
    for (let idle = 0; idle < this.#waiting.length && this.window > 0 && !this.backedUp; ) {
      const stream = this.#waiting.shift()!;
      idle = stream.pump() ? 0 : idle + 1;
      if (stream.waits) this.#waiting.push(stream);
      else stream.queued = false;
    }
  }

  /** The wire has taken all that was written. */
  onDrain(): void {
    this.#piledUp = 0;
    if (this.#waiting.length > 0) this.pump();
  }
}
