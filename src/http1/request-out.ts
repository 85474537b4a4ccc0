import { editedLines, type HeadEdit } from './head-edit.ts';
import { Field, type FieldId, forwardedFields } from './known-fields.ts';
import type { RequestHead } from './request-head.ts';

/** What a route puts in the place of what the client asked for. */
export interface RequestRewrite {
  /** The target, path and query; `undefined` when it stays, byte for byte. */
  readonly target: string | undefined;
  /** The Host; `undefined` when it stays, '' when it is put in later, at `hostAt`. */
  readonly host: string | undefined;
}

/** What a forwarded request says of its client. */
export interface ForwardedFacts {
  /** The address of the peer, as X-Forwarded-For takes it. */
  readonly peer: string;
  readonly proto: 'http' | 'https';
  /** True when the peer is one of `trustProxies`: what it forwarded is believed. */
  readonly trusted: boolean;
  /** Makes a new X-Request-Id. */
  makeId(): string;
  /** The address the client connected to, for a Host field when an HTTP/1.0 client sent none. */
  localAuthority(): string;
  /** The client has been told to go on with its body, if it waited for that: its Expect ends here. */
  readonly continued: boolean;
  /** Where the request goes instead; `undefined` when the target and the Host stay as they are. */
  readonly rewrite: RequestRewrite | undefined;
  /** What the route and the listener change; it has the last word, also on the fields that are added here. */
  readonly edit: HeadEdit | undefined;
  /** Field lines of this one request, each with its CRLF; the client's fields of their names are for `edit` to drop. */
  readonly lines: string;
}

/** A request head for a backend, and the id it carries. */
export interface OutgoingRequest {
  readonly text: string;
  readonly id: string;
  /** Where in the text the Host line is to be put, for a host that is not known yet; -1 when there is one. */
  readonly hostAt: number;
}

/**
 * Writes the head for the backend: the client's own, case and order kept, without the fields that end at this hop (RFC
 * 9110 §7.6.1), with X-Forwarded-For, -Proto, -Host and X-Request-Id. The request line is touched only where it must be:
 * an absolute target becomes origin form with its authority as Host (RFC 9112 §3.2.2), and HTTP/1.0 becomes HTTP/1.1,
 * without an Expect, which HTTP/1.0 does not have (RFC 9110 §10.1.1); and where the route rewrites it. X-Forwarded-Host
 * names what the client asked for even then.
 */
export function requestOut(head: RequestHead, facts: ForwardedFacts): OutgoingRequest {
  const id = (facts.trusted ? joinedValue(head, Field.xRequestId) : undefined) ?? facts.makeId();
  const { edit, rewrite } = facts;
  const rewriteLine = rewrite !== undefined || head.absolute || head.minor === 0;
  let text = rewriteLine ? `${head.method} ${rewrite?.target ?? head.originTarget} HTTP/1.1\r\n` : '';
  let kept = rewriteLine ? head.fieldsStart : 0;
  const host = rewrite?.host;
  const hostAt = host === '' ? text.length : -1;
  if (host) text += `Host: ${host}\r\n`;
  for (let i = 0; i < head.fieldCount; i++) {
    if (!isDropped(head, i, facts) && (host === undefined || head.id(i) !== Field.host)) continue;
    text += head.text.slice(kept, head.lineStart(i));
    kept = head.lineStart(i + 1);
  }
  text += head.text.slice(kept, head.lineStart(head.fieldCount));
  const own = `${forwardedLines(head, facts)}X-Request-Id: ${id}\r\n`;
  const added = edit === undefined ? own : withEdit(own, edit);
  return { text: `${text}${hopLines(head, facts)}${added}${facts.lines}\r\n`, id, hostAt };
}

function withEdit(own: string, edit: HeadEdit): string {
  return edit.dropsForwarded ? editedLines(own, edit) : own + edit.lines;
}

function isDropped(head: RequestHead, index: number, { continued, edit }: ForwardedFacts): boolean {
  const id = head.id(index);
  if (forwardedFields.has(id)) return true;
  switch (id) {
    case Field.lookalike:
      return true;
    case Field.host:
      return head.absolute;
    case Field.contentLength:
    case Field.transferEncoding:
      return false;
    case Field.expect:
      if (continued || head.minor === 0) return true;
  }
  return head.isHopByHop(index) || edit?.drops(head, index) === true;
}

function forwardedLines(head: RequestHead, facts: ForwardedFacts): string {
  const before = facts.trusted ? joinedValue(head, Field.xForwardedFor) : undefined;
  const proto = (facts.trusted ? joinedValue(head, Field.xForwardedProto) : undefined) ?? facts.proto;
  const host = (facts.trusted ? joinedValue(head, Field.xForwardedHost) : undefined) ?? head.authority;
  const chain = before === undefined ? facts.peer : `${before}, ${facts.peer}`;
  const hostLine = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`;
  return `X-Forwarded-For: ${chain}\r\nX-Forwarded-Proto: ${proto}\r\n${hostLine}`;
}

/** What this hop says of itself: where the request goes, where the client has not said it in a field. */
function hopLines(head: RequestHead, facts: ForwardedFacts): string {
  const isMissing = (head.absolute || head.authority === '') && facts.rewrite?.host === undefined;
  const hostLine = isMissing ? `Host: ${head.authority || facts.localAuthority()}\r\n` : '';
  return hostLine + connectionLines(head);
}

/** What this hop says of the connection: a wish to upgrade, or that trailers are welcome because they are passed on. */
function connectionLines(head: RequestHead): string {
  const upgrade = head.upgradeProtocol;
  if (upgrade !== undefined) return `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  const codings = joinedValue(head, Field.te);
  if (codings === undefined || !/(?:^|,)\s*trailers\s*(?:,|$)/i.test(codings)) return '';
  return 'Connection: TE\r\nTE: trailers\r\n';
}

/** All values of a field, joined as RFC 9110 §5.3 allows; undefined when there is none that is not empty. */
function joinedValue(head: RequestHead, id: FieldId): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.id(i) !== id || head.value(i) === '') continue;
    joined = joined === undefined ? head.value(i) : `${joined}, ${head.value(i)}`;
  }
  return joined;
}
