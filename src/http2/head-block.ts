import { Buffer } from 'node:buffer';
import { MAX_PAYLOAD_BYTES } from './protocol.ts';

/** CONTINUATION frames that a head may have: what they can carry is twice what any head may. */
const MAX_CONTINUATIONS = 8;

/** The head of a stream that is coming in several frames (RFC 9113 §6.10); no other frame may come between them. */
export class HeadBlock {
  readonly stream: number;
  readonly endStream: boolean;
  #bytes: Buffer;
  #length = 0;
  #continuations = 0;

  constructor(stream: number, endStream: boolean) {
    this.stream = stream;
    this.endStream = endStream;
    this.#bytes = Buffer.allocUnsafe(2 * MAX_PAYLOAD_BYTES);
  }

  /** Takes what the HEADERS frame had of it. */
  begin(bytes: Buffer, pos: number, end: number): void {
    this.#length = bytes.copy(this.#bytes, 0, pos, end);
  }

  /** Takes the payload of a CONTINUATION; false when there are too many. */
  add(bytes: Buffer, pos: number, end: number): boolean {
    if (++this.#continuations > MAX_CONTINUATIONS) return false;
    if (this.#length + end - pos > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * this.#bytes.length + end - pos);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += bytes.copy(this.#bytes, this.#length, pos, end);
    return true;
  }

  /** All that has come of it. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
