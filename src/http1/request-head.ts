import type { Buffer } from 'node:buffer';
import { isIPv6 } from 'node:net';
import { latin1 } from '../support/latin1.ts';
import { CR, HOST, LF, SP, TARGET, TOKEN } from './chars.ts';
import { badByte, Head, NEED_MORE } from './head.ts';
import { Field } from './known-fields.ts';

/** Empty lines a client may send before a request, as some old ones do after a body (RFC 9112 §2.2). */
const MAX_LEADING_EMPTY_LINES = 4;

/** HTTP/2 in the clear, anywhere in a list of protocols. */
const H2C = /(?:^|,)\s*h2c\s*(?:,|$)/i;

const VERSION_PREFIX = Uint8Array.from('HTTP/1.', (c) => c.charCodeAt(0));

/** The head of a request, checked and understood as far as framing and routing need it. */
export class RequestHead extends Head {
  method = '';
  /** The request target as it was sent (RFC 9112 §3.2). */
  target = '';
  /** The target in origin form: path and query, `*` for OPTIONS. The same text as `target` unless that was absolute. */
  originTarget = '';
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor = 1;
  /** The authority the request is for: of an absolute target, else the Host field; '' when an HTTP/1.0 client sent none. */
  authority = '';
  absolute = false;
  /** True when the request cannot be served here though its form is right (501). */
  unsupported = false;

  override reset(): void {
    super.reset();
    this.authority = '';
    this.absolute = false;
    this.unsupported = false;
  }

  /**
   * What the client asks to change to, if it may (RFC 9110 §7.8): not with HTTP/1.0, and never to h2c, which would hide
   * its requests from every rule here. Only the first Upgrade field counts, and only it is passed on.
   */
  get upgradeProtocol(): string | undefined {
    if (!this.connectionUpgrade || this.minor === 0) return undefined;
    const index = this.find(Field.upgrade);
    if (index < 0) return undefined;
    const protocol = this.value(index);
    return protocol === '' || H2C.test(protocol) ? undefined : protocol;
  }

  /** True when the client lets the connection live after this exchange (RFC 9112 §9.3). */
  get persistent(): boolean {
    return this.minor === 1 ? !this.connectionClose : this.connectionKeepAlive && !this.connectionClose;
  }
}

/**
 * Parses one request head in `bytes[start..end)` (RFC 9112 §2 to §6), strictly. Returns the position of the first byte
 * of the body; NEED_MORE when the head is not complete; REFUSED with `head.problem` set. At most `maxBytes` are a head.
 */
export function parseRequestHead(
  head: RequestHead,
  bytes: Buffer,
  range: { readonly start: number; readonly end: number },
  maxBytes: number,
): number {
  head.reset();
  let base = range.start;
  for (let lines = 0; lines < MAX_LEADING_EMPTY_LINES && base < range.end && bytes[base] === CR; lines++) {
    if (base + 1 === range.end) return NEED_MORE;
    if (bytes[base + 1] !== LF) return head.refuse('a bare CR before the request line');
    base += 2;
  }
  const end = Math.min(range.end, base + maxBytes);
  let pos = parseRequestLine(head, bytes, base, end);
  if (pos > 0) pos = head.parseFields(bytes, base, pos, end);
  if (pos === NEED_MORE && end < range.end) return head.refuseSize(`a head of more than ${maxBytes} bytes`);
  if (pos < 0) return pos;
  head.text = latin1(bytes, base, pos);
  sliceRequestLine(head);
  const problem = interpret(head);
  return problem === undefined ? pos : head.refuse(problem);
}

/** True when `bytes[pos..end)`, of which `parseRequestHead` needs more, has nothing yet of a request but empty lines before it. */
export function onlyEmptyLines(bytes: Buffer, pos: number, end: number): boolean {
  while (pos < end && (bytes[pos] === CR || bytes[pos] === LF)) pos++;
  return pos === end;
}

/** Checks `method SP target SP HTTP/1.x CRLF` and returns where the fields begin. */
function parseRequestLine(head: RequestHead, bytes: Buffer, base: number, end: number): number {
  let pos = base;
  while (pos < end && TOKEN[bytes[pos]!] === 1) pos++;
  if (pos === end) return NEED_MORE;
  if (bytes[pos] !== SP || pos === base) return head.refuse(badByte(bytes[pos]!, 'the method'));
  const targetStart = ++pos;
  while (pos < end && TARGET[bytes[pos]!] === 1) pos++;
  if (pos === end) return NEED_MORE;
  if (bytes[pos] !== SP || pos === targetStart) return head.refuse(badByte(bytes[pos]!, 'the request target'));
  pos++;
  for (let i = 0; i < VERSION_PREFIX.length; i++, pos++) {
    if (pos === end) return NEED_MORE;
    if (bytes[pos] !== VERSION_PREFIX[i]) return head.refuse('a version other than HTTP/1.0 and HTTP/1.1');
  }
  if (pos === end) return NEED_MORE;
  head.minor = bytes[pos++]! - 48;
  if (head.minor !== 0 && head.minor !== 1) return head.refuse('a version other than HTTP/1.0 and HTTP/1.1');
  if (pos === end) return NEED_MORE;
  if (bytes[pos] !== CR) return head.refuse(badByte(bytes[pos]!, 'the request line'));
  if (pos + 1 === end) return NEED_MORE;
  return bytes[pos + 1] === LF ? pos + 2 : head.refuse('a bare CR in the request line');
}

function sliceRequestLine(head: RequestHead): void {
  const methodEnd = head.text.indexOf(' ');
  head.method = head.text.slice(0, methodEnd);
  head.target = head.text.slice(methodEnd + 1, head.fieldsStart - ' HTTP/1.1\r\n'.length);
}

/** Settles what the fields mean together. Returns why the request is refused, if it is. */
function interpret(head: RequestHead): string | undefined {
  for (let i = 0; i < head.fieldCount; i++) {
    const problem = noteField(head, i);
    if (problem !== undefined) return problem;
  }
  if (head.chunked && head.contentLength !== -1) return 'both Content-Length and Transfer-Encoding';
  if (head.chunked && head.minor === 0) return 'Transfer-Encoding in an HTTP/1.0 request';
  return settleTarget(head);
}

function noteField(head: RequestHead, index: number): string | undefined {
  switch (head.id(index)) {
    case Field.host:
      if (head.authority !== '') return 'more than one Host';
      head.authority = head.value(index);
      return isAuthority(head.authority) ? undefined : 'a Host that is not one host name or address';
    case Field.contentLength:
      return head.noteContentLength(index) ? undefined : 'a Content-Length that is not one plain number';
    case Field.transferEncoding:
      return head.noteTransferEncoding(index) ? undefined : 'a Transfer-Encoding other than chunked';
    case Field.connection:
      return head.noteConnection(head.value(index)) ? undefined : 'too many options in Connection';
    case Field.authorization:
      return head.find(Field.authorization) === index ? undefined : 'more than one Authorization';
    default:
      return undefined;
  }
}

/** Settles the target's form (RFC 9112 §3.2): origin, absolute, asterisk; CONNECT is not for a balancer. */
function settleTarget(head: RequestHead): string | undefined {
  if (head.method === 'CONNECT') {
    head.unsupported = true;
    return 'CONNECT is not supported';
  }
  if (head.minor === 1 && head.authority === '') return 'no Host';
  head.originTarget = head.target;
  if (head.target.charCodeAt(0) === 47) return undefined;
  if (head.target === '*')
    return head.method === 'OPTIONS' ? undefined : 'the target * with a method other than OPTIONS';
  return settleAbsoluteTarget(head);
}

/** An absolute target names the authority itself, and wins over Host (RFC 9112 §3.2.2). */
function settleAbsoluteTarget(head: RequestHead): string | undefined {
  const match = /^https?:\/\/([^/?]*)([/?].*)?$/i.exec(head.target);
  if (match === null || !isAuthority(match[1]!)) return 'a target that is neither a path nor an http URL';
  // An empty path is the whole of the host to OPTIONS (RFC 9112 §3.2.4), and its root to every other method.
  const rest = match[2] ?? (head.method === 'OPTIONS' ? '*' : '/');
  head.absolute = true;
  head.authority = match[1]!;
  head.originTarget = rest.startsWith('?') ? `/${rest}` : rest;
  return undefined;
}

/** The authority that was found good last: nearly every request of a connection names the same. */
let lastAuthority = '';

/** True for `host`, `host:port`, `[v6]` and `[v6]:port` (RFC 3986 §3.2.2), and for nothing that hides a second meaning. */
export function isAuthority(text: string): boolean {
  if (text === lastAuthority) return text !== '';
  if (!checkAuthority(text)) return false;
  lastAuthority = text;
  return true;
}

function checkAuthority(text: string): boolean {
  let pos = 0;
  if (text.charCodeAt(0) === 91) {
    pos = text.indexOf(']') + 1;
    if (pos === 0 || !isIPv6(text.slice(1, pos - 1)) || text.includes('%')) return false;
  } else {
    while (pos < text.length && text.charCodeAt(pos) < 128 && HOST[text.charCodeAt(pos)] === 1) pos++;
    if (pos === 0) return false;
  }
  if (pos === text.length) return true;
  return text.charCodeAt(pos) === 58 && text.length - pos <= 6 && /^:[0-9]*$/.test(text.slice(pos));
}

/** The host of an authority for matching: lower case, without port, brackets kept off, one trailing dot dropped. */
export function hostOf(authority: string): string {
  const bracket = authority.indexOf(']');
  const colon = authority.indexOf(':', bracket + 1);
  let host = colon === -1 ? authority : authority.slice(0, colon);
  if (bracket > 0) host = host.slice(1, bracket);
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}
