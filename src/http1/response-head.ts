import type { Buffer } from 'node:buffer';
import { latin1 } from '../support/latin1.ts';
import { CR, FIELD_VALUE, LF, SP } from './chars.ts';
import { badByte, Head, NEED_MORE } from './head.ts';
import { Field } from './known-fields.ts';

const VERSION_PREFIX = Uint8Array.from('HTTP/1.', (c) => c.charCodeAt(0));

/** How the end of a response's body is told (RFC 9112 §6.3). */
export type ResponseBody = 'none' | 'length' | 'chunked' | 'until-close';

/** The head of a response, checked and understood as far as framing needs it. */
export class ResponseHead extends Head {
  status = 0;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor = 1;
  /** What `Keep-Alive: timeout=N` promises, in milliseconds, 1 for no time at all; 0 when nothing is said. */
  keepAliveTimeoutMs = 0;

  override reset(): void {
    super.reset();
    this.keepAliveTimeoutMs = 0;
  }

  /** True for an answer that comes before the final one (RFC 9110 §15.2); 101 ends HTTP and is not one. */
  get interim(): boolean {
    return this.status < 200 && this.status !== 101;
  }

  /** How the body of this answer to a request with `method` ends (RFC 9112 §6.3). */
  bodyFor(method: string): ResponseBody {
    if (method === 'HEAD' || this.status < 200 || this.status === 204 || this.status === 304) return 'none';
    if (this.chunked) return 'chunked';
    if (this.contentLength === 0) return 'none';
    return this.contentLength > 0 ? 'length' : 'until-close';
  }

  /** True when the backend lets the connection live after this answer (RFC 9112 §9.3). */
  get persistent(): boolean {
    return this.minor === 1 ? !this.connectionClose : this.connectionKeepAlive && !this.connectionClose;
  }
}

/**
 * Parses one response head in `bytes[start..end)` (RFC 9112 §4), as strictly as a request's: a backend that sends
 * ambiguous framing could split answers between clients. Returns as `parseRequestHead` does.
 */
export function parseResponseHead(
  head: ResponseHead,
  bytes: Buffer,
  range: { readonly start: number; readonly end: number },
  maxBytes: number,
): number {
  head.reset();
  const base = range.start;
  const end = Math.min(range.end, base + maxBytes);
  let pos = parseStatusLine(head, bytes, base, end);
  if (pos > 0) pos = head.parseFields(bytes, base, pos, end);
  if (pos === NEED_MORE && end < range.end) return head.refuseSize(`a head of more than ${maxBytes} bytes`);
  if (pos < 0) return pos;
  head.text = latin1(bytes, base, pos);
  const problem = interpret(head);
  return problem === undefined ? pos : head.refuse(problem);
}

/** Checks `HTTP/1.x SP 3DIGIT [SP reason] CRLF` and returns where the fields begin. */
function parseStatusLine(head: ResponseHead, bytes: Buffer, base: number, end: number): number {
  let pos = base;
  for (let i = 0; i < VERSION_PREFIX.length; i++, pos++) {
    if (pos === end) return NEED_MORE;
    if (bytes[pos] !== VERSION_PREFIX[i]) return head.refuse('something that is not HTTP/1');
  }
  if (pos === end) return NEED_MORE;
  head.minor = bytes[pos++]! - 48;
  if (head.minor !== 0 && head.minor !== 1) return head.refuse('a version other than HTTP/1.0 and HTTP/1.1');
  pos = parseStatus(head, bytes, pos, end);
  if (pos < 0) return pos;
  while (pos < end && FIELD_VALUE[bytes[pos]!] === 1) pos++;
  if (pos === end) return NEED_MORE;
  if (bytes[pos] !== CR) return head.refuse(badByte(bytes[pos]!, 'the status line'));
  if (pos + 1 === end) return NEED_MORE;
  return bytes[pos + 1] === LF ? pos + 2 : head.refuse('a bare CR in the status line');
}

/** Checks `SP 3DIGIT` and that a space or the end of the line follows, and returns the position of that. */
function parseStatus(head: ResponseHead, bytes: Buffer, pos: number, end: number): number {
  if (pos === end) return NEED_MORE;
  if (bytes[pos++] !== SP) return head.refuse('a malformed status line');
  head.status = 0;
  for (let i = 0; i < 3; i++, pos++) {
    if (pos === end) return NEED_MORE;
    const digit = bytes[pos]! - 48;
    if (digit < 0 || digit > 9) return head.refuse('a status that is not three digits');
    head.status = head.status * 10 + digit;
  }
  if (head.status < 100 || head.status > 599) return head.refuse('a status outside 100 to 599');
  if (pos === end) return NEED_MORE;
  return bytes[pos] === SP || bytes[pos] === CR ? pos : head.refuse('a malformed status line');
}

function interpret(head: ResponseHead): string | undefined {
  for (let i = 0; i < head.fieldCount; i++) {
    const problem = noteField(head, i);
    if (problem !== undefined) return problem;
  }
  if (head.chunked && head.contentLength !== -1) return 'both Content-Length and Transfer-Encoding';
  if (head.chunked && head.minor === 0) return 'Transfer-Encoding in an HTTP/1.0 response';
  if (head.status < 200 && (head.chunked || head.contentLength > 0)) return 'a body to an interim response';
  return undefined;
}

function noteField(head: ResponseHead, index: number): string | undefined {
  switch (head.id(index)) {
    case Field.contentLength:
      return head.noteContentLength(index) ? undefined : 'a Content-Length that is not one plain number';
    case Field.transferEncoding:
      return head.noteTransferEncoding(index) ? undefined : 'a Transfer-Encoding other than chunked';
    case Field.connection:
      return head.noteConnection(head.value(index)) ? undefined : 'too many options in Connection';
    case Field.keepAlive: {
      const timeout = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(head.value(index));
      if (timeout !== null) head.keepAliveTimeoutMs = Math.max(1, Number(timeout[1]) * 1000);
      return undefined;
    }
    default:
      return undefined;
  }
}
