import { DASH, LOWER, UNDERSCORE } from './chars.ts';

/**
 * Field names that framing or forwarding turns on, as small numbers, so that a field is told by one comparison.
 * `other` is every name that is passed on without a look.
 */
export const Field = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  expect: 5,
  upgrade: 6,
  te: 7,
  keepAlive: 8,
  proxyConnection: 9,
  xForwardedFor: 10,
  xForwardedProto: 11,
  xForwardedHost: 12,
  xRequestId: 13,
  http2Settings: 14,
  trailer: 15,
  authorization: 16,
  xClientCertSubject: 17,
  xClientCertFingerprint: 18,
  /**
   * None of them, but with `_` for `-` one of those that Fairlead itself puts into requests: backends that hand fields on
   * as environment variables (CGI, WSGI, PHP) cannot tell the two apart.
   */
  lookalike: 19,
} as const;

/** The number of a known field name. */
export type FieldId = (typeof Field)[keyof typeof Field];

const names: readonly (readonly [string, FieldId])[] = [
  ['host', Field.host],
  ['connection', Field.connection],
  ['content-length', Field.contentLength],
  ['transfer-encoding', Field.transferEncoding],
  ['expect', Field.expect],
  ['upgrade', Field.upgrade],
  ['te', Field.te],
  ['keep-alive', Field.keepAlive],
  ['proxy-connection', Field.proxyConnection],
  ['x-forwarded-for', Field.xForwardedFor],
  ['x-forwarded-proto', Field.xForwardedProto],
  ['x-forwarded-host', Field.xForwardedHost],
  ['x-request-id', Field.xRequestId],
  ['http2-settings', Field.http2Settings],
  ['trailer', Field.trailer],
  ['authorization', Field.authorization],
  ['x-client-cert-subject', Field.xClientCertSubject],
  ['x-client-cert-fingerprint', Field.xClientCertFingerprint],
];

/** The fields that Fairlead puts into every request. */
export const forwardedFields: ReadonlySet<FieldId> = new Set([
  Field.xForwardedFor,
  Field.xForwardedProto,
  Field.xForwardedHost,
  Field.xRequestId,
]);

/** Fields that change framing, routing or rights and may not stand in a trailer section (RFC 9110 §6.5.1). */
export const forbiddenTrailers: ReadonlySet<FieldId> = new Set([
  Field.host,
  Field.contentLength,
  Field.transferEncoding,
  Field.connection,
  Field.authorization,
  Field.te,
  Field.trailer,
  Field.expect,
  Field.upgrade,
  Field.xForwardedFor,
  Field.xForwardedProto,
  Field.xForwardedHost,
  Field.xClientCertSubject,
  Field.xClientCertFingerprint,
]);

/** The names of fields, in lower case. */
export function namesOf(ids: ReadonlySet<FieldId>): string[] {
  return names.filter(([, id]) => ids.has(id)).map(([name]) => name);
}

interface Known {
  readonly bytes: Uint8Array;
  readonly id: FieldId;
}

const LONGEST = 25;

/** Known names by length: at most two share one, so a lookup compares at most two names, and most none. */
const byLength: readonly (readonly Known[])[] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  names
    .filter(([name]) => name.length === length)
    .map(([name, id]) => ({ bytes: Uint8Array.from(name, (c) => c.charCodeAt(0)), id })),
);

/** The number of the field name in `bytes[start..end)`, in any case. */
export function fieldId(bytes: Uint8Array, start: number, end: number): FieldId {
  const length = end - start;
  if (length > LONGEST) return Field.other;
  const candidates = byLength[length]!;
  for (let i = 0; i < candidates.length; i++) {
    const { bytes: name, id } = candidates[i]!;
    let at = 0;
    while (at < length && LOWER[bytes[start + at]!] === name[at]) at++;
    if (at === length) return id;
    if (bytes[start + at] === UNDERSCORE && forwardedFields.has(id) && resembles(bytes, start + at, name, at)) {
      return Field.lookalike;
    }
  }
  return Field.other;
}

/** Whether what stands from `bytes[pos]` on is `name` from `at` on, but for `_` in the place of `-`. */
function resembles(bytes: Uint8Array, pos: number, name: Uint8Array, at: number): boolean {
  for (; at < name.length; at++, pos++) {
    const byte = bytes[pos] === UNDERSCORE ? DASH : LOWER[bytes[pos]!];
    if (byte !== name[at]) return false;
  }
  return true;
}
