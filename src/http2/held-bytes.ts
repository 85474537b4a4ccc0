import { Buffer } from 'node:buffer';
import { putSpare, SPARE_BYTES, takeSpare } from '../support/spare-buffers.ts';

/** More bytes than this are held in a spare buffer: as garbage such buffers would pile up. */
const MOST_SMALL_BYTES = 16 * 1024;

/** Bytes that wait, first in, first out, in one buffer that grows with them and is given back when they have gone. */
export class HeldBytes {
  #buffer: Buffer | undefined;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Makes room for `length` bytes behind the others; they are the caller's to write into `buffer` where this returns. */
  add(length: number): number {
    const needed = this.length + length;
    if (this.#end + length > (this.#buffer?.length ?? 0)) this.#moveTo(this.#withRoomFor(needed));
    this.#end += length;
    return this.#end - length;
  }

  #withRoomFor(needed: number): Buffer {
    const now = this.#buffer;
    if (now !== undefined && needed <= now.length) return now;
    if (needed <= MOST_SMALL_BYTES) return Buffer.allocUnsafeSlow(Math.max(1024, 2 * needed));
    return needed <= SPARE_BYTES ? takeSpare() : Buffer.allocUnsafeSlow(2 * needed);
  }

  #moveTo(buffer: Buffer): void {
    const before = this.#buffer;
    const length = this.length;
    before?.copy(buffer, 0, this.#start, this.#end);
    if (before !== undefined && before !== buffer) putSpare(before);
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = length;
  }

  /** Where the bytes are, from `start` on; only while there are any. */
  get buffer(): Buffer {
    return this.#buffer!;
  }

  get start(): number {
    return this.#start;
  }

  /** The first `length` bytes have gone. */
  drop(length: number): void {
    this.#start += length;
    if (this.#start === this.#end) this.clear();
  }

  /** Lets all go. */
  clear(): void {
    if (this.#buffer !== undefined) putSpare(this.#buffer);
    this.#buffer = undefined;
    this.#start = 0;
    this.#end = 0;
  }
}
