import { Buffer } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import { crc32c } from '../support/crc32c.ts';
import type { Ends, Proxied } from '../support/proxied.ts';

/** The version of the PROXY protocol that a pool's backends are told of their clients with. */
export type ProxyVersion = 'v1' | 'v2';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** What the first byte of the TLS part can say. */
const Shown = { tls: 0x01, connection: 0x02, session: 0x04 } as const;

/** The longest value that is passed on, in bytes: what a client brings is bounded, and headers stay small. */
const LONGEST_VALUE = 4096;

/** The header for a connection, to be sent before anything else. */
export function proxyHeader(version: ProxyVersion, proxied: Proxied): Buffer {
  return version === 'v1' ? v1Header(proxied.ends) : v2Header(proxied);
}

/**
 * The headers that begin a connection of Fairlead's own, such as a health probe's, from `from` to `to`: version 1 with those
 * ends, or unknown ones over a Unix socket; version 2 as one that is relayed for nobody (`LOCAL`).
 */
export const ownHeaders: Readonly<Record<ProxyVersion, (ends: Ends | undefined) => Buffer>> = {
  v1: v1Header,
  v2: () => Buffer.concat([SIGNATURE, Buffer.from([0x20, 0, 0, 0])]),
};

function v1Header(ends: Ends | undefined): Buffer {
  const family = familyOf(ends);
  if (ends === undefined || family === 0) return Buffer.from('PROXY UNKNOWN\r\n');
  const { sourceAddress, localAddress, sourcePort, localPort } = ends;
  return Buffer.from(`PROXY TCP${family} ${sourceAddress} ${localAddress} ${sourcePort} ${localPort}\r\n`, 'latin1');
}

/** 4 or 6 when both ends are addresses of that family, else 0. */
function familyOf(ends: Ends | undefined): 0 | 4 | 6 {
  if (ends === undefined) return 0;
  if (isIPv4(ends.sourceAddress) && isIPv4(ends.localAddress)) return 4;
  return isPlainIpv6(ends.sourceAddress) && isPlainIpv6(ends.localAddress) ? 6 : 0;
}

function isPlainIpv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

/** A version 2 header, with a checksum last, so that what is garbled on the way is not believed. */
function v2Header(proxied: Proxied): Buffer {
  const family = familyOf(proxied.ends);
  const parts = [
    tlv(0x01, proxied.alpn),
    tlv(0x02, proxied.authority),
    tlv(0x05, proxied.uniqueId),
    tlv(0x20, proxied.tls),
    Buffer.from([0x03, 0, 4, 0, 0, 0, 0]),
  ];
  const fixed = Buffer.alloc(16);
  SIGNATURE.copy(fixed);
  fixed[12] = 0x21;
  fixed[13] = family === 4 ? 0x11 : family === 6 ? 0x21 : 0;
  const header = Buffer.concat([fixed, addressBlock(proxied.ends, family), ...parts]);
  header.writeUInt16BE(header.length - 16, 14);
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

function addressBlock(ends: Ends | undefined, family: 0 | 4 | 6): Buffer {
  if (ends === undefined || family === 0) return Buffer.alloc(0);
  const bytesOf = family === 4 ? ipv4Bytes : ipv6Bytes;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(ends.sourcePort, 0);
  ports.writeUInt16BE(ends.localPort, 2);
  return Buffer.concat([bytesOf(ends.sourceAddress), bytesOf(ends.localAddress), ports]);
}

function ipv4Bytes(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}

/** The 16 bytes of IPv6 text that is known to be an address. */
export function ipv6Bytes(text: string): Buffer {
  const lastColon = text.lastIndexOf(':');
  const dotted = text.includes('.') ? ipv4Bytes(text.slice(lastColon + 1)) : undefined;
  const plain =
    dotted === undefined ? text : `${text.slice(0, lastColon + 1)}${dotted.toString('hex').replace(/^(.{4})/, '$1:')}`;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = groups(tail ?? '');
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function tlv(type: number, value: Buffer | undefined): Buffer {
  if (value === undefined || value.length === 0 || value.length > LONGEST_VALUE) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

/** A certificate that was verified: its common name, '' for none, and whether it was shown in an earlier connection of the session. */
export interface ShownCertificate {
  readonly commonName: string;
  readonly resumed: boolean;
}

/**
 * The TLS part for a connection that Fairlead has ended TLS on (section 2.2.6 of the specification): that there is TLS, whether
 * the client has shown a certificate in this session and on this connection, the version's name, and the certificate's.
 */
export function tlsPart(version: string, certificate?: ShownCertificate): Buffer {
  const shown = certificate === undefined ? 0 : Shown.session | (certificate.resumed ? 0 : Shown.connection);
  return Buffer.concat([
    Buffer.from([Shown.tls | shown, 0, 0, 0, certificate === undefined ? 1 : 0]),
    tlv(0x21, Buffer.from(version, 'latin1')),
    tlv(0x22, Buffer.from(certificate?.commonName ?? '')),
  ]);
}
