import { Buffer } from 'node:buffer';

/** What waits to be written behind something else, and then goes out as one. */
export class WaitingWrites {
  /** How much waits; text is latin1, a byte a character. */
  bytes = 0;
  #parts: (string | Buffer)[] = [];

  push(data: string | Buffer): void {
    this.#parts.push(data);
    this.bytes += data.length;
  }

  /** All of it, which waits no longer. */
  take(): string | Buffer {
    const parts = this.#parts;
    this.#parts = [];
    this.bytes = 0;
    if (parts.length === 1) return parts[0]!;
    if (parts.every((part) => typeof part === 'string')) return parts.join('');
    return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  }
}
