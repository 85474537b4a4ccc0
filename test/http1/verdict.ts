import { Buffer } from 'node:buffer';
import { expect } from 'vitest';
import { BodyFramer } from '../../src/http1/body.ts';
import { type Head, NEED_MORE, REFUSED } from '../../src/http1/head.ts';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { parseResponseHead, ResponseHead } from '../../src/http1/response-head.ts';

type Parser<H> = (head: H, bytes: Buffer, range: { start: number; end: number }, maxBytes: number) => number;

/** What a parser made of a text: `end` is its result, counted from the start of the text, or NEED_MORE or REFUSED. */
export interface Verdict {
  readonly end: number;
  readonly problem: string;
  readonly tooLarge: boolean;
}

/** What lies around the range in the shared buffer: none of it may be looked at, and each would change a verdict. */
const surroundings = ['\n', '\r\n', 'a', ': '];

/** A head as the data path has it: the one before it was of a different sort and left everything set. */
const requestHead = new RequestHead();
const responseHead = new ResponseHead();
const oldFields =
  'Connection: close, keep-alive, upgrade, x-old\r\nUpgrade: old\r\nKeep-Alive: timeout=7\r\nX-Old: 1\r\n';
const oldRequests = [
  `GET http://old.example/?old HTTP/1.0\r\nHost: older.example\r\nContent-Length: 77\r\n${oldFields}\r\n`,
  `POST /old HTTP/1.1\r\nHost: old.example\r\nTransfer-Encoding: chunked\r\n${oldFields}\r\n`,
  'CONNECT old:1 HTTP/1.1\r\nHost: old\r\n\r\n',
  `GET /${'o'.repeat(200)} HTTP/1.0\r\n\r\n`,
];
const oldResponses = [
  `HTTP/1.0 599 Old\r\nContent-Length: 77\r\n${oldFields}\r\n`,
  `HTTP/1.1 204 Old\r\nTransfer-Encoding: chunked\r\n${oldFields}\r\n`,
  `HTTP/1.1 200 ${'o'.repeat(200)}\r\n\r\n`,
];

function soil<H extends Head>(parse: Parser<H>, head: H, old: readonly string[]): void {
  for (const text of old) parse(head, Buffer.from(text), { start: 0, end: text.length }, 192);
}

function verdictAmid<H extends Head>(
  parse: Parser<H>,
  head: H,
  { text, around, maxBytes }: { readonly text: string; readonly around: string; readonly maxBytes: number },
): Verdict {
  const start = 3 * around.length;
  const bytes = Buffer.from(around.repeat(3) + text + around.repeat(3), 'latin1');
  const end = parse(head, bytes, { start, end: start + text.length }, maxBytes);
  return { end: end < 0 ? end : end - start, problem: head.problem, tooLarge: head.tooLarge };
}

/**
 * Parses a text as it may arrive: at every length from nothing to all of it, amid bytes that do not belong to it. Once a
 * verdict is there it must stay as it is, whatever follows; before it there is none.
 */
function verdictOf<H extends Head>(parse: Parser<H>, head: H, text: string, maxBytes: number): Verdict {
  const whole = verdictAmid(parse, head, { text, around: surroundings[0]!, maxBytes });
  let settled = false;
  for (let length = 0; length <= text.length; length++) {
    for (const around of surroundings) {
      const verdict = verdictAmid(parse, head, { text: text.slice(0, length), around, maxBytes });
      if (!settled && verdict.end === NEED_MORE) continue;
      settled = true;
      if (JSON.stringify(verdict) !== JSON.stringify(whole)) {
        const where = `${length} of ${text.length} bytes amid ${JSON.stringify(around)} of ${JSON.stringify(text)}`;
        expect(verdict, where).toEqual(whole);
      }
    }
  }
  return whole;
}

/** Matches what is said of a refused message by its end. */
export function endingIn(problem: string): unknown {
  return expect.stringMatching(new RegExp(`${problem.replaceAll(/[.*()]/g, '\\$&')}$`));
}

/** The fields of a head as name and value. */
export function fieldsOf(head: Head): [string, string][] {
  return Array.from({ length: head.fieldCount }, (_, i) => [head.name(i), head.value(i)]);
}

function viewOf(head: Head) {
  const { text, contentLength, chunked, connectionClose, connectionKeepAlive, connectionUpgrade, nominated } = head;
  const fields = fieldsOf(head);
  return { text, fields, contentLength, chunked, connectionClose, connectionKeepAlive, connectionUpgrade, nominated };
}

/** What is read of a request, or the verdict when nothing is. */
export function readRequest(text: string, maxBytes = 16_384) {
  soil(parseRequestHead, requestHead, oldRequests);
  const verdict = verdictOf(parseRequestHead, requestHead, text, maxBytes);
  if (verdict.end < 0) return { ...verdict, unsupported: requestHead.unsupported };
  parseRequestHead(requestHead, Buffer.from(text, 'latin1'), { start: 0, end: text.length }, maxBytes);
  const { method, target, originTarget, minor, authority, absolute, upgradeProtocol, persistent } = requestHead;
  return {
    ...verdict,
    ...viewOf(requestHead),
    ...{ method, target, originTarget, minor, authority, absolute, upgradeProtocol, persistent },
    unsupported: requestHead.unsupported,
  };
}

/** What is read of a response, or the verdict when nothing is. */
export function readResponse(text: string, maxBytes = 16_384) {
  soil(parseResponseHead, responseHead, oldResponses);
  const verdict = verdictOf(parseResponseHead, responseHead, text, maxBytes);
  if (verdict.end < 0) return verdict;
  parseResponseHead(responseHead, Buffer.from(text, 'latin1'), { start: 0, end: text.length }, maxBytes);
  const { status, minor, keepAliveTimeoutMs, interim, persistent } = responseHead;
  return { ...verdict, ...viewOf(responseHead), status, minor, keepAliveTimeoutMs, interim, persistent };
}

/** A head that was parsed, for what is made from it; throws when it is refused. */
export function requestHeadOf(text: string): RequestHead {
  return parsed(parseRequestHead, new RequestHead(), text);
}

/** As `requestHeadOf`. */
export function responseHeadOf(text: string): ResponseHead {
  return parsed(parseResponseHead, new ResponseHead(), text);
}

/** Fields of a head before, of a sort that would be dropped, and believed, if they were taken for those of the next. */
const staleFields = 'TE: trailers\r\n'.repeat(100);

function parsed<H extends Head>(parse: Parser<H>, head: H, text: string): H {
  const stale = Buffer.from(`${text.slice(0, text.indexOf('\n') + 1)}Host: old\r\n${staleFields}\r\n`, 'latin1');
  parse(head, stale, { start: 0, end: stale.length }, 65_536);
  const end = parse(head, Buffer.from(text, 'latin1'), { start: 0, end: text.length }, 65_536);
  if (end === REFUSED || end === NEED_MORE) throw new Error(`not a head: ${head.problem}; ${JSON.stringify(text)}`);
  return head;
}

/** What a framer made of a text. */
export interface BodyVerdict {
  /** How many bytes belong to the body; for a malformed one, where the fault is. */
  readonly end: number;
  readonly state: 'done' | 'bad' | 'more';
  readonly problem: string;
  readonly dataBytes: number;
  /** The body without its framing. */
  readonly data: string;
}

/** Begins a body on a framer. */
export type BodyStart = (framer: BodyFramer) => void;

/** A chunked body, the kind with most to say. */
export const chunked: BodyStart = (framer) => framer.startChunked();

/** A body with something of everything. */
const oldBody = '3;old\r\nold\r\n0\r\nX-Old: old\r\n\r\n';

/** Feeds the pieces one after another to a framer that has had another body before. */
export function feedPieces(start: BodyStart, pieces: readonly string[], before = oldBody): BodyVerdict {
  const framer = new BodyFramer();
  framer.startChunked();
  framer.feed(Buffer.from(before), 0, before.length);
  expect(framer.done).toBe(true);
  start(framer);
  let data = '';
  let end = 0;
  for (const piece of pieces) {
    // Bytes around the piece are other people's, as in the shared read buffer.
    const bytes = Buffer.from(`0\r\n${piece}\r\n0`, 'latin1');
    const next = framer.feed(bytes, 3, 3 + piece.length, (from, to) => {
      data += bytes.toString('latin1', from, to);
    });
    end += next - 3;
    if (next < 3 + piece.length) break;
  }
  const state = framer.done ? 'done' : framer.bad ? 'bad' : 'more';
  return { end, state, problem: framer.bad ? framer.problem : '', dataBytes: framer.dataBytes, data };
}

/** Frames a text whole, byte by byte, and cut in two at every place: the verdict must always be the same. */
export function frameBody(start: BodyStart, text: string): BodyVerdict {
  const whole = feedPieces(start, [text]);
  expect(feedPieces(start, [...text]), 'byte by byte').toEqual(whole);
  for (let cut = 0; cut <= text.length; cut++) {
    expect(feedPieces(start, [text.slice(0, cut), text.slice(cut)]), `cut at ${cut}`).toEqual(whole);
  }
  return whole;
}
