import { Buffer } from 'node:buffer';

/** Bytes of a client that cannot be used yet, in a buffer that doubles, so that a trickle of bytes costs no quadratic copying. */
export class WaitingBytes {
  #buffer: Buffer | undefined;
  /** How many there are. */
  length = 0;

  /** Those that wait, until more are kept or some dropped; undefined when there are none. */
  get bytes(): Buffer | undefined {
    return this.#buffer?.subarray(0, this.length);
  }

  /** Keeps `bytes[from..to)` behind the others. */
  keep(bytes: Buffer, from: number, to: number): void {
    const needed = this.length + to - from;
    if (this.#buffer === undefined || this.#buffer.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, 2 * needed));
      this.#buffer?.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.length, from, to);
    this.length = needed;
  }

  /** The first `count` of them are used up. */
  drop(count: number): void {
    if (count >= this.length) this.clear();
    else if (count > 0) {
      this.#buffer?.copyWithin(0, count, this.length);
      this.length -= count;
    }
  }

  /** Drops them all; what `bytes` has given stays as it is. */
  clear(): void {
    this.#buffer = undefined;
    this.length = 0;
  }
}
