import { LOWER } from './chars.ts';

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
];

interface Known {
  readonly bytes: Uint8Array;
  readonly id: FieldId;
}

const LONGEST = 17;

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
  }
  return Field.other;
}
