import type { Buffer } from 'node:buffer';
import { BodyFramer } from '../../src/http1/body.ts';
import { type Head, NEED_MORE, REFUSED } from '../../src/http1/head.ts';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { parseResponseHead, ResponseHead } from '../../src/http1/response-head.ts';
import type { Message, Reading } from './reading.ts';

const MAX_HEAD_BYTES = 16 * 1024;

/**
 * What a case is about: requests that follow one another, or the responses to one request with this method, which asks
 * for another protocol when `upgrade`.
 */
export type Stream = 'requests' | { readonly method: string; readonly upgrade?: boolean };

/** Where a message lies in its text. */
export interface Span {
  /** Where its start line begins, behind empty lines. */
  readonly start: number;
  readonly bodyStart: number;
  readonly chunked: boolean;
}

/** As `Reading`, with what the rest of Fairlead makes of it. */
export interface OwnReading extends Reading {
  /** Where each of the messages lies. */
  readonly spans: readonly Span[];
  /** How many bytes were used; behind a message that ends the connection the others are ignored. */
  readonly used: number;
  /** The framing says nothing of the body's end but the connection's. */
  readonly untilClose: boolean;
}

const requestHead = new RequestHead();
const responseHead = new ResponseHead();

function fieldsOf(head: Head): string[] {
  const fields: string[] = [];
  for (let i = 0; i < head.fieldCount; i++) fields.push(head.name(i), head.value(i));
  return fields;
}

/** Our parsers over a stream that arrives in pieces, put together as the connections of `src/proxy` do. */
class OwnReader {
  readonly messages: Message[] = [];
  readonly spans: Span[] = [];
  refused = '';
  pos = 0;
  over = false;
  readonly #bytes: Buffer;
  readonly #stream: Stream;
  readonly #framer = new BodyFramer();

  constructor(bytes: Buffer, stream: Stream) {
    this.#bytes = bytes;
    this.#stream = stream;
  }

  get untilClose(): boolean {
    return this.messages.at(-1)?.complete === false && this.#framer.endsWithConnection;
  }

  /** Goes on with what has come up to `end`. */
  takeUpTo(end: number): void {
    while (!this.over && this.pos < end) {
      const open = this.messages.at(-1)?.complete === false;
      if (open) this.#body(end);
      else if (!this.#head(end)) return;
    }
  }

  #head(end: number): boolean {
    const range = { start: this.pos, end };
    const next =
      this.#stream === 'requests'
        ? parseRequestHead(requestHead, this.#bytes, range, MAX_HEAD_BYTES)
        : parseResponseHead(responseHead, this.#bytes, range, MAX_HEAD_BYTES);
    if (next === NEED_MORE) return false;
    if (next === REFUSED) {
      this.#refuse(this.#stream === 'requests' ? requestHead.problem : responseHead.problem);
      return false;
    }
    const head = this.#stream === 'requests' ? requestHead : responseHead;
    this.pos = next;
    this.spans.push({ start: next - head.text.length, bodyStart: next, chunked: head.chunked });
    if (this.#stream === 'requests') this.#beginRequest();
    else this.#beginResponse(this.#stream.method);
    if (this.#framer.done) this.#complete();
    return true;
  }

  #beginRequest(): void {
    const { method, target, minor, persistent, chunked, contentLength } = requestHead;
    if (chunked) this.#framer.startChunked();
    else this.#framer.startLength(Math.max(0, contentLength));
    const fields = fieldsOf(requestHead);
    this.messages.push({ line: `${method} ${target} ${minor}`, fields, data: '', complete: false, persistent });
  }

  #beginResponse(method: string): void {
    const { status, minor, contentLength } = responseHead;
    const body = responseHead.bodyFor(method);
    const persistent = responseHead.persistent && body !== 'until-close';
    if (body === 'chunked') this.#framer.startChunked();
    else if (body === 'until-close') this.#framer.startUntilClose();
    else this.#framer.startLength(body === 'length' ? contentLength : 0);
    const fields = fieldsOf(responseHead);
    this.messages.push({ line: `${status} ${minor}`, fields, data: '', complete: false, persistent });
  }

  #body(end: number): void {
    const message = this.messages.at(-1)!;
    this.pos = this.#framer.feed(this.#bytes, this.pos, end, (from, to) => {
      message.data += this.#bytes.toString('latin1', from, to);
    });
    if (this.#framer.bad) this.#refuse(this.#framer.problem);
    else if (this.#framer.done) this.#complete();
  }

  #complete(): void {
    const message = this.messages.at(-1)!;
    message.complete = true;
    this.over = this.#stream === 'requests' ? !message.persistent : !responseHead.interim;
  }

  #refuse(problem: string): void {
    this.refused = problem;
    this.over = true;
  }
}

/** What our parsers make of bytes that come up to each of these places, one after another; the last is their end. */
export function ownReading(bytes: Buffer, stream: Stream, cuts: readonly number[]): OwnReading {
  const reader = new OwnReader(bytes, stream);
  for (const cut of cuts) reader.takeUpTo(cut);
  const { messages, spans, refused, pos, untilClose } = reader;
  return { messages, spans, refused, used: pos, untilClose };
}
