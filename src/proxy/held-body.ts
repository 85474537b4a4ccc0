import { Buffer } from 'node:buffer';
import { BodyFramer } from '../http1/body.ts';
import type { RequestHead } from '../http1/request-head.ts';

/** Bytes beside its data that a held body may have: chunk framing as much as the data again, and trailers. */
const MAX_FRAMING_BYTES = 16 * 1024;

/**
 * What came of a request while a route is looked for that its body decides: the head, since the next head is parsed into
 * its place, and the bytes of the body as the client sent them, chunks and all, so that a backend gets them unchanged.
 */
export class HeldBody {
  /** The head, to be parsed again. */
  readonly head: string;
  /** How many bytes of data have to be there before a route can be told, or all of a smaller body. */
  wanted: number;
  readonly #chunked: boolean;
  readonly #contentLength: number;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #dataBytes = 0;
  #whole = false;
  #data: Buffer | undefined;

  constructor(head: RequestHead, wanted: number) {
    this.head = head.text;
    this.wanted = wanted;
    this.#chunked = head.chunked;
    this.#contentLength = head.contentLength;
  }

  /** Takes `bytes[start..end)`; `dataBytes` of all that came so far are data, and `whole` says that it is all. */
  add(
    bytes: Buffer,
    start: number,
    end: number,
    progress: { readonly dataBytes: number; readonly whole: boolean },
  ): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) {
      // Of unknown length it doubles, so that a trickle of bytes costs no quadratic copying.
      const larger = Buffer.allocUnsafeSlow(this.#chunked ? 2 * needed : this.#contentLength);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = needed;
    this.#dataBytes = progress.dataBytes;
    this.#whole = progress.whole;
  }

  /** All that came, as it came. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Whether as much has come as is wanted. */
  get enough(): boolean {
    return this.#whole || this.#exceeds(this.wanted);
  }

  /** The data without chunk framing; `null` when it is more than `limit` bytes, `undefined` while it is not whole. */
  within(limit: number): Buffer | null | undefined {
    if (this.#exceeds(limit)) return null;
    if (!this.#whole) return undefined;
    this.#data ??= this.#chunked ? unchunked(this.bytes) : this.bytes;
    return this.#data;
  }

  #exceeds(limit: number): boolean {
    return this.#dataBytes > limit || this.#length > 2 * limit + MAX_FRAMING_BYTES;
  }
}

function unchunked(bytes: Buffer): Buffer {
  const runs: Buffer[] = [];
  const framer = new BodyFramer();
  framer.startChunked();
  framer.feed(bytes, 0, bytes.length, (start, end) => runs.push(bytes.subarray(start, end)));
  return Buffer.concat(runs);
}
