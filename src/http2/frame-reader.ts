import { Buffer } from 'node:buffer';
import { Flag, FRAME_HEAD_BYTES, MAX_PAYLOAD_BYTES, PREFACE } from './protocol.ts';

/** The head of the frame that was read last. */
export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  /** 0 for the connection. */
  readonly stream: number;
  /** Bytes of its payload. */
  readonly length: number;
}

/** Who takes the frames of a connection. */
export interface FrameSink {
  /** A frame came, its payload at `bytes[at..at + frame.length)`; valid only during the call. False to read no further. */
  onFrame(frame: FrameHead, bytes: Buffer, at: number): boolean;
  /** What came is no HTTP/2, or a frame that is larger than was allowed. Nothing more is read. */
  onUnreadable(problem: 'preface' | 'frame-size'): void;
}

/** Bytes of padding in a payload at `bytes[at]`, with the one that says how many; -1 when they are more than there is (RFC 9113 §6.1). */
export function paddingOf({ flags, length }: FrameHead, bytes: Buffer, at: number): number {
  if ((flags & Flag.padded) === 0) return 0;
  const padding = bytes[at]! + 1;
  return length === 0 || padding > length ? -1 : padding;
}

/**
 * Cuts what a client sends into frames (RFC 9113 §4.1), behind the preface. Frames are handed on where they lie; only one
 * that is cut by the end of a read is copied, so that a connection without such a one owns no buffer.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #frame = { type: 0, flags: 0, stream: 0, length: 0 };
  /** Bytes of the preface that have come. */
  #preface = 0;
  /** The frame that has not come as a whole, its head in front. */
  #part: Buffer | undefined;
  #partLength = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes `bytes[0..length)`. */
  take(bytes: Buffer, length: number): void {
    let pos = this.#preface < PREFACE.length ? this.#takePreface(bytes, length) : 0;
    if (pos >= 0 && this.#part !== undefined) pos = this.#finishPart(bytes, length);
    while (pos >= 0 && pos < length) {
      if (length - pos < FRAME_HEAD_BYTES) return this.#keep(bytes, pos, length);
      if (!this.#readHead(bytes, pos)) return;
      const end = pos + FRAME_HEAD_BYTES + this.#frame.length;
      if (end > length) return this.#keep(bytes, pos, length);
      if (!this.#sink.onFrame(this.#frame, bytes, pos + FRAME_HEAD_BYTES)) return;
      pos = end;
    }
  }

  /** Returns where the frames begin, or -1 for what is not the preface. */
  #takePreface(bytes: Buffer, length: number): number {
    let pos = 0;
    while (pos < length && this.#preface < PREFACE.length) {
      if (bytes[pos++] === PREFACE[this.#preface++]) continue;
      this.#sink.onUnreadable('preface');
      return -1;
    }
    return pos;
  }

  #readHead(bytes: Buffer, pos: number): boolean {
    const frame = this.#frame;
    frame.length = (bytes[pos]! << 16) | (bytes[pos + 1]! << 8) | bytes[pos + 2]!;
    frame.type = bytes[pos + 3]!;
    frame.flags = bytes[pos + 4]!;
    frame.stream = bytes.readUInt32BE(pos + 5) & 0x7fff_ffff;
    if (frame.length <= MAX_PAYLOAD_BYTES) return true;
    this.#sink.onUnreadable('frame-size');
    return false;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const whole = to - from < FRAME_HEAD_BYTES ? FRAME_HEAD_BYTES : FRAME_HEAD_BYTES + this.#frame.length;
    this.#part = Buffer.allocUnsafe(whole);
    this.#partLength = bytes.copy(this.#part, 0, from, to);
  }

  /** Completes the frame that was cut, and returns where the next one begins; -1 when nothing more is to be read. */
  #finishPart(bytes: Buffer, length: number): number {
    let pos = this.#fill(bytes, 0, length);
    let part = this.#part!;
    if (this.#partLength < part.length) return -1;
    if (part.length === FRAME_HEAD_BYTES) {
      if (!this.#readHead(part, 0)) return -1;
      if (this.#frame.length > 0) {
        this.#keep(part, 0, FRAME_HEAD_BYTES);
        pos = this.#fill(bytes, pos, length);
        part = this.#part!;
        if (this.#partLength < part.length) return -1;
      }
    } else this.#readHead(part, 0);
    this.#part = undefined;
    return this.#sink.onFrame(this.#frame, part, FRAME_HEAD_BYTES) ? pos : -1;
  }

  /** Puts what there is of the frame that was cut behind what came before; returns where that ends. */
  #fill(bytes: Buffer, pos: number, length: number): number {
    const part = this.#part!;
    const taken = bytes.copy(part, this.#partLength, pos, Math.min(length, pos + part.length - this.#partLength));
    this.#partLength += taken;
    return pos + taken;
  }
}
