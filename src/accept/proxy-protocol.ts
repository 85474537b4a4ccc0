import { Buffer } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import { crc32c } from '../support/crc32c.ts';
import type { Ends, Proxied } from '../support/proxied.ts';

/** The signature that a version 2 header begins with: nothing that any text protocol begins with. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const PREFIX = Buffer.from('PROXY ', 'latin1');
/** Whatever follows this in its line is to be ignored. */
const UNKNOWN = Buffer.from('PROXY UNKNOWN', 'latin1');

/** The longest version 1 header, its CRLF included, in bytes; the specification's number. */
const LONGEST_V1 = 107;

/** The longest version 2 header that is taken, in bytes: addresses, names, and a client's certificate. */
export const LONGEST_V2 = 16 * 1024;

const V2_FIXED = 16;

/** The longest unique id, in bytes; the specification's number. */
const LONGEST_UNIQUE_ID = 128;

const Tlv = { alpn: 0x01, authority: 0x02, crc32c: 0x03, uniqueId: 0x05, ssl: 0x20 } as const;

/** Bytes of the address block by address family: unspecified, IPv4, IPv6, Unix. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;

/** What parsing gives: the header and where it ends, what is wrong with it, or that it is not complete. */
export type ProxyParse =
  | { readonly state: 'done'; readonly end: number; readonly proxied: Proxied }
  | { readonly state: 'refused'; readonly problem: string }
  | { readonly state: 'more' };

const MORE: ProxyParse = { state: 'more' };

/** What a header says that leaves the real connection as it is. */
const NOTHING_SAID: Proxied = { ends: undefined };

const refused = (problem: string): ProxyParse => ({ state: 'refused', problem });

/**
 * Reads the PROXY header, version 1 or 2, at the start of `bytes`. Strict: whatever the specification does not allow is
 * refused as soon as it can be told, and a header is never searched for behind other bytes.
 */
export function parseProxyHeader(bytes: Buffer): ProxyParse {
  if (bytes.length === 0) return MORE;
  if (bytes[0] === PREFIX[0]) return beginsWith(bytes, PREFIX) ? parseV1(bytes) : refused('no PROXY header');
  return beginsWith(bytes, SIGNATURE) ? parseV2(bytes) : refused('no PROXY header');
}

/** True when what there is of `bytes` is the start of `expected`, or goes on behind it. */
function beginsWith(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, length, 0, length) === 0;
}

function parseV1(bytes: Buffer): ProxyParse {
  const lineEnd = bytes.subarray(0, LONGEST_V1).indexOf('\r');
  if (lineEnd < 0) {
    const hasLineFeed = bytes.subarray(0, LONGEST_V1).includes('\n');
    if (hasLineFeed && !beginsWith(bytes, UNKNOWN)) return refused('a line feed without a carriage return');
    return bytes.length < LONGEST_V1 ? MORE : refused(`a header of more than ${LONGEST_V1} bytes`);
  }
  const end = lineEnd + 2;
  if (end > LONGEST_V1) return refused(`a header of more than ${LONGEST_V1} bytes`);
  if (bytes.length < end) return MORE;
  if (bytes[lineEnd + 1] !== 0x0a) return refused('a carriage return without a line feed');
  const line = bytes.toString('latin1', PREFIX.length, lineEnd);
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { state: 'done', end, proxied: NOTHING_SAID };
  const fields = line.split(' ');
  if (fields.length !== 5) return refused('not of the form PROXY TCP4|TCP6 SOURCE DESTINATION PORT PORT');
  const [family, sourceAddress, localAddress, sourcePort, localPort] = fields as [
    string,
    string,
    string,
    string,
    string,
  ];
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIpv6 : undefined;
  if (isAddress === undefined) return refused('a protocol other than TCP4, TCP6 and UNKNOWN');
  if (!isAddress(sourceAddress) || !isAddress(localAddress)) return refused(`an address that is not one of ${family}`);
  if (!isPort(sourcePort) || !isPort(localPort)) return refused('a port that is no number from 0 to 65535');
  const ends = { sourceAddress, localAddress, sourcePort: Number(sourcePort), localPort: Number(localPort) };
  return { state: 'done', end, proxied: { ends } };
}

/** A zone would name an interface of the sender, which means nothing here. */
function isPlainIpv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;
}

function parseV2(bytes: Buffer): ProxyParse {
  // What is wrong with the fixed part is told as soon as it is there.
  if (bytes.length <= SIGNATURE.length) return MORE;
  const command = bytes[12]!;
  if (command >> 4 !== 2) return refused(`version ${command >> 4}`);
  if ((command & 0x0f) > 1) return refused(`command ${command & 0x0f}`);
  const isLocal = (command & 0x0f) === 0;
  if (bytes.length < 14) return MORE;
  const family = bytes[13]! >> 4;
  const transport = bytes[13]! & 0x0f;
  // The sender speaks for itself, to see whether we are well: even the family is to be ignored.
  if (!isLocal && (family > 3 || transport > 2))
    return refused(`address family or transport 0x${bytes[13]!.toString(16)}`);
  if (bytes.length < V2_FIXED) return MORE;
  const end = V2_FIXED + bytes.readUInt16BE(14);
  if (end > LONGEST_V2) return refused(`a header of more than ${LONGEST_V2} bytes`);
  const addressBytes = isLocal ? 0 : ADDRESS_BYTES[family]!;
  if (end < V2_FIXED + addressBytes) return refused('a length that is less than the addresses need');
  if (bytes.length < end) return MORE;
  if (isLocal) return { state: 'done', end, proxied: NOTHING_SAID };
  const header = bytes.subarray(0, end);
  const tlvs = readTlvs(header, V2_FIXED + addressBytes);
  if (typeof tlvs === 'string') return refused(tlvs);
  // Only streams over IP are known here; of the other valid combinations the real connection holds.
  const ends = transport === 1 ? readEnds(header, family) : undefined;
  return { state: 'done', end, proxied: { ...tlvs, ends } };
}

function readEnds(header: Buffer, family: number): Ends | undefined {
  if (family !== 1 && family !== 2) return undefined;
  const width = family === 1 ? 4 : 16;
  const address = (at: number) =>
    family === 1 ? header.subarray(at, at + 4).join('.') : formatIpv6(header.subarray(at, at + 16));
  const ports = V2_FIXED + 2 * width;
  return {
    sourceAddress: address(V2_FIXED),
    localAddress: address(V2_FIXED + width),
    sourcePort: header.readUInt16BE(ports),
    localPort: header.readUInt16BE(ports + 2),
  };
}

/** An IPv6 address as text, as RFC 5952 wants it: the longest run of zero groups is `::`. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12, 16).join('.')}`;
  let longest = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > longest.length) longest = { at, length };
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return longest.at < 0 ? text(0, 8) : `${text(0, longest.at)}::${text(longest.at + longest.length, 8)}`;
}

/** Reads the type-length-value fields from `start` to the end of the header; a string says what is wrong. */
function readTlvs(header: Buffer, start: number): Omit<Proxied, 'ends'> | string {
  const found: { alpn?: Buffer; authority?: Buffer; uniqueId?: Buffer; tls?: Buffer } = {};
  let isSummed = false;
  for (let at = start; at < header.length; ) {
    const value = valueAt(header, at);
    if (value === undefined) return 'a field that is longer than the header';
    switch (header[at]) {
      case Tlv.alpn:
        found.alpn ??= Buffer.from(value);
        break;
      case Tlv.authority:
        found.authority ??= Buffer.from(value);
        break;
      case Tlv.uniqueId:
        if (value.length > LONGEST_UNIQUE_ID) return `a unique id of more than ${LONGEST_UNIQUE_ID} bytes`;
        found.uniqueId ??= Buffer.from(value);
        break;
      case Tlv.crc32c:
        if (isSummed || value.length !== 4) return 'a checksum of another form than 4 bytes, once';
        if (checksumOf(header, at + 3) !== value.readUInt32BE()) return 'a checksum that does not fit the header';
        isSummed = true;
        break;
      case Tlv.ssl:
        if (!isTlsPart(value)) return 'a malformed TLS field';
        found.tls ??= Buffer.from(value);
        break;
    }
    at += 3 + value.length;
  }
  return found;
}

/** The value of the field at `at`; undefined when it does not end within `bytes`. */
function valueAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + 3 > bytes.length) return undefined;
  const end = at + 3 + bytes.readUInt16BE(at + 1);
  return end > bytes.length ? undefined : bytes.subarray(at + 3, end);
}

/** Flags and verification result, then fields of the same form. */
function isTlsPart(value: Buffer): boolean {
  if (value.length < 5) return false;
  for (let at = 5; at < value.length; ) {
    const inner = valueAt(value, at);
    if (inner === undefined) return false;
    at += 3 + inner.length;
  }
  return true;
}

/** The header's CRC32c, that of zeros taken for the 4 bytes where it stands. */
function checksumOf(header: Buffer, at: number): number {
  const before = crc32c(header, 0, at);
  return crc32c(header, at + 4, header.length, crc32c(new Uint8Array(4), 0, 4, before));
}
