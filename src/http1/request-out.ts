import { Field, type FieldId } from './known-fields.ts';
import type { RequestHead } from './request-head.ts';

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
}

/** A request head for a backend, and the id it carries. */
export interface OutgoingRequest {
  readonly text: string;
  readonly id: string;
}

const forwardedFields: ReadonlySet<FieldId> = new Set([
  Field.xForwardedFor,
  Field.xForwardedProto,
  Field.xForwardedHost,
  Field.xRequestId,
]);

/**
 * Writes the head for the backend: the client's own, case and order kept, without the fields that end at this hop (RFC
 * 9110 §7.6.1), with X-Forwarded-For, -Proto, -Host and X-Request-Id. The request line is touched only where it must be:
 * an absolute target becomes origin form with its authority as Host (RFC 9112 §3.2.2), and HTTP/1.0 becomes HTTP/1.1,
 * without an Expect, which HTTP/1.0 does not have (RFC 9110 §10.1.1).
 */
export function requestOut(head: RequestHead, facts: ForwardedFacts): OutgoingRequest {
  const id = (facts.trusted ? joinedValue(head, Field.xRequestId) : undefined) ?? facts.makeId();
  const rewriteLine = head.absolute || head.minor === 0;
  let text = rewriteLine ? `${head.method} ${head.originTarget} HTTP/1.1\r\n` : '';
  let kept = rewriteLine ? head.fieldsStart : 0;
  for (let i = 0; i < head.fieldCount; i++) {
    if (!isDropped(head, i)) continue;
    text += head.text.slice(kept, head.lineStart(i));
    kept = head.lineStart(i + 1);
  }
  text += head.text.slice(kept, head.lineStart(head.fieldCount));
  return { text: `${text}${addedFields(head, facts)}X-Request-Id: ${id}\r\n\r\n`, id };
}

function isDropped(head: RequestHead, index: number): boolean {
  const id = head.id(index);
  if (forwardedFields.has(id)) return true;
  if (id === Field.host) return head.absolute;
  return (id === Field.expect && head.minor === 0) || head.isHopByHop(index);
}

function addedFields(head: RequestHead, facts: ForwardedFacts): string {
  const before = facts.trusted ? joinedValue(head, Field.xForwardedFor) : undefined;
  const proto = (facts.trusted ? joinedValue(head, Field.xForwardedProto) : undefined) ?? facts.proto;
  const host = (facts.trusted ? joinedValue(head, Field.xForwardedHost) : undefined) ?? head.authority;
  const chain = before === undefined ? facts.peer : `${before}, ${facts.peer}`;
  const hostLine =
    head.absolute || head.authority === '' ? `Host: ${head.authority || facts.localAuthority()}\r\n` : '';
  const hostField = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`;
  return `${hostLine}${hopFields(head)}X-Forwarded-For: ${chain}\r\nX-Forwarded-Proto: ${proto}\r\n${hostField}`;
}

/** What this hop says of itself: a wish to upgrade, or that trailers are welcome because they are passed on. */
function hopFields(head: RequestHead): string {
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
