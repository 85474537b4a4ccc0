import { Buffer } from 'node:buffer';
import { BodyFramer } from '../http1/body.ts';
import { NEED_MORE, REFUSED } from '../http1/head.ts';
import type { HeadEdit } from '../http1/head-edit.ts';
import { parseResponseHead, ResponseHead } from '../http1/response-head.ts';
import { interimOut, responseOut, switchOut } from '../http1/response-out.ts';
import { latin1 } from '../support/latin1.ts';
import type { AnswerWatch } from './sticky-key.ts';

/** Bytes a response head may have. */
const MAX_RESPONSE_HEAD_BYTES = 64 * 1024;
/** Interim answers (1xx) that are passed on before a backend is given up. */
const MAX_INTERIM = 64;
/** Up to this many bytes a head and the body that came with it go to the client in one write. */
const JOIN_BYTES = 16 * 1024;

/** Parsing happens synchronously, so one head serves all answers of the thread. */
const head = new ResponseHead();

/** What an answer needs to know of its request. */
export interface AnsweredRequest {
  readonly method: string;
  /** The client's version: HTTP/1.0 gets no interim answers and no chunks. */
  readonly minor: number;
  readonly upgrade: boolean;
  /** The client would keep its connection after this answer. */
  readonly persistent: boolean;
}

/** What a session has to do with an answer. */
export interface AnswerSession {
  /** Field lines that the answer gets behind the backend's, each with its CRLF. */
  readonly lines: string;
  readonly watch: AnswerWatch | undefined;
}

/** Where an answer goes. */
export interface AnswerReader {
  readonly request: AnsweredRequest;
  /** What the route and the listener change in the heads of answers. */
  readonly answerEdit: HeadEdit | undefined;
  /** The session of the request, on a sticky route. */
  readonly session: AnswerSession | undefined;
  /** Statuses that `declines` is to be asked about; undefined for none. */
  readonly unwanted?: ReadonlySet<number> | undefined;
  /** True when the answer is not to be passed on, for the request will be tried again. */
  declines?(status: number): boolean;
  /** Bytes of heads among what was written to the client. */
  headBytes: number;
  /** True when the connection to the client must end after this answer for other reasons. */
  mustClose(): boolean;
  /** Write to the client; false when it does not keep up. */
  write(text: string): boolean;
  send(bytes: Buffer, start: number, end: number): boolean;
}

/** Where an answer stands after more of it came: `bad` says why in `problem`; of one that is `declined` the client sees nothing. */
export type AnswerStep = 'more' | 'done' | 'upgraded' | 'bad' | 'declined';

/** One backend's answer to one attempt, on its way from the backend's bytes to the client. */
export class Answer {
  readonly #reader: AnswerReader;
  readonly #framer = new BodyFramer();
  #partial: Buffer | undefined;
  #interim = 0;
  #unchunk = false;
  /** Hears of the answer before the client does. */
  #watch: AnswerWatch | undefined;
  /** The backend has told the client to go on with its body (RFC 9110 §15.2.1). */
  continued = false;
  /** The status of the final answer, 0 before it came. */
  status = 0;
  /** True once any byte came: from then on nobody may try the request again. */
  begun = false;
  /** The client's connection ends after this answer. */
  close = false;
  /** The backend lets its connection live; and how long it said it will, in ms, 0 when it did not say. */
  persistent = false;
  promisedMs = 0;
  /** The client does not keep up: the backend must not be read until it does. */
  clientIsFull = false;
  /** Bytes that came behind the answer: of the other protocol after an upgrade, else a breach of the framing. */
  rest: Buffer | undefined;
  problem = '';

  constructor(reader: AnswerReader) {
    this.#reader = reader;
  }

  /** The final head has gone to the client. */
  get relaying(): boolean {
    return this.status !== 0;
  }

  /** The end of the backend's connection is the end of this answer. */
  get endsWithConnection(): boolean {
    return this.#framer.endsWithConnection;
  }

  /** Takes bytes from the backend and passes them on. */
  take(bytes: Buffer, length: number): AnswerStep {
    this.begun = true;
    if (this.relaying) return this.#relay(bytes, 0, length);
    if (this.#partial !== undefined) {
      bytes = Buffer.concat([this.#partial, bytes.subarray(0, length)]);
      length = bytes.length;
      this.#partial = undefined;
    }
    return this.#heads(bytes, length);
  }

  /** Reads heads until the final one: interim answers go on to the client as they are. */
  #heads(bytes: Buffer, end: number): AnswerStep {
    let pos = 0;
    while (pos < end) {
      const next = parseResponseHead(head, bytes, { start: pos, end }, MAX_RESPONSE_HEAD_BYTES);
      if (next === NEED_MORE) {
        this.#partial = Buffer.from(bytes.subarray(pos, end));
        return 'more';
      }
      if (next === REFUSED) return this.#bad(head.problem);
      pos = next;
      if (head.status === 101) return this.#upgrade(bytes, pos, end);
      if (!head.interim) return this.#begin(bytes, pos, end);
      if (++this.#interim > MAX_INTERIM) return this.#bad('too many interim responses');
      if (head.status === 100) this.continued = true;
      if (this.#reader.request.minor === 1) this.#writeHead(interimOut(head));
    }
    return 'more';
  }

  #upgrade(bytes: Buffer, pos: number, end: number): AnswerStep {
    if (!this.#reader.request.upgrade) return this.#bad('a switch of protocols that nobody asked for');
    this.status = 101;
    if (pos < end) this.rest = Buffer.from(bytes.subarray(pos, end));
    const { answerEdit: edit, session } = this.#reader;
    session?.watch?.onAnswerHead(head);
    this.#writeHead(switchOut(head, { edit, lines: session?.lines ?? '' }));
    return 'upgraded';
  }

  /** The final head: settles how the body ends, and sends the head together with what of the body is there. */
  #begin(bytes: Buffer, pos: number, end: number): AnswerStep {
    const reader = this.#reader;
    const { unwanted } = reader;
    if (unwanted?.has(head.status) && this.#interim === 0 && reader.declines?.(head.status)) return 'declined';
    const body = head.bodyFor(reader.request.method);
    if (body === 'chunked') this.#framer.startChunked();
    else if (body === 'length') this.#framer.startLength(head.contentLength);
    else if (body === 'until-close') this.#framer.startUntilClose();
    const unchunk = head.chunked && reader.request.minor === 0;
    this.#unchunk = unchunk && body === 'chunked';
    this.status = head.status;
    this.persistent = head.persistent && body !== 'until-close';
    this.promisedMs = head.keepAliveTimeoutMs;
    this.close = !reader.request.persistent || body === 'until-close' || this.#unchunk || reader.mustClose();
    const sayKeepAlive = reader.request.minor === 0 && !this.close;
    const { answerEdit: edit, session } = reader;
    this.#watch = session?.watch;
    this.#watch?.onAnswerHead(head);
    const shape = { close: this.close, sayKeepAlive, unchunk, edit, lines: session?.lines ?? '' };
    const text = responseOut(head, shape);
    reader.headBytes += text.length;
    if (!this.#unchunk && end - pos <= JOIN_BYTES) return this.#beginJoined(text, bytes, pos, end);
    this.clientIsFull = !reader.write(text);
    return this.#relay(bytes, pos, end);
  }

  /** Head and body in one write: one system call for a small answer. */
  #beginJoined(text: string, bytes: Buffer, pos: number, end: number): AnswerStep {
    const next = this.#feed(bytes, pos, end);
    this.clientIsFull = !this.#reader.write(next > pos ? text + latin1(bytes, pos, next) : text);
    return this.#settle(bytes, next, end);
  }

  /** A head that is no final one goes on by itself. */
  #writeHead(text: string): void {
    this.#reader.headBytes += text.length;
    this.#reader.write(text);
  }

  #relay(bytes: Buffer, pos: number, end: number): AnswerStep {
    if (this.#unchunk) {
      const next = this.#framer.feed(bytes, pos, end, (from, to) => {
        this.#watch?.onAnswerBody(bytes, from, to);
        this.#send(bytes, from, to);
      });
      return this.#settle(bytes, next, end);
    }
    const next = this.#feed(bytes, pos, end);
    if (next > pos) this.#send(bytes, pos, next);
    return this.#settle(bytes, next, end);
  }

  #send(bytes: Buffer, from: number, to: number): void {
    this.clientIsFull = !this.#reader.send(bytes, from, to);
  }

  #feed(bytes: Buffer, pos: number, end: number): number {
    const watch = this.#watch;
    if (watch === undefined) return this.#framer.feed(bytes, pos, end);
    return this.#framer.feed(bytes, pos, end, (from, to) => watch.onAnswerBody(bytes, from, to));
  }

  #settle(bytes: Buffer, pos: number, end: number): AnswerStep {
    if (this.#framer.bad) return this.#bad(this.#framer.problem);
    if (!this.#framer.done) return 'more';
    if (pos < end) this.rest = Buffer.from(bytes.subarray(pos, end));
    return 'done';
  }

  #bad(problem: string): AnswerStep {
    this.problem = problem;
    return 'bad';
  }
}
