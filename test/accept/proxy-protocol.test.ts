import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv6, LONGEST_V2, parseProxyHeader } from '../../src/accept/proxy-protocol.ts';
import { crc32c } from '../../src/support/crc32c.ts';
import { field, ipv4Block, ipv6Block, signature, summed, v2 } from '../support/proxy-bytes.ts';

const bytesOf = (header: string | Buffer) => (typeof header === 'string' ? Buffer.from(header, 'latin1') : header);
const parse = (header: string | Buffer) => parseProxyHeader(bytesOf(header));
const ends = (sourceAddress: string, localAddress: string, sourcePort: number, localPort: number) => ({
  sourceAddress,
  localAddress,
  sourcePort,
  localPort,
});
const fourEnds = ends('192.0.2.1', '198.51.100.2', 0x1234, 443);
const sixEnds = ends('2001:db8::1', '2001:db8::2', 0x1234, 443);
const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

const unknownFields = Buffer.concat([0xef, 0xf0, 0xff].map((type) => field(type, 'x')));
/** A header whose checksum stands before another field. */
const summedFirst = v2(0x21, 0x11, Buffer.concat([ipv4Block, field(3, Buffer.alloc(4)), field(2, 'a.test')]));
summedFirst.writeUInt32BE(crc32c(summedFirst), 31);

const accepted: [string, string | Buffer, object | undefined][] = [
  ['TCP4', 'PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n', fourEnds],
  [
    'the longest of TCP4',
    'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
    ends('255.255.255.255', '255.255.255.255', 65535, 65535),
  ],
  [
    "the specification's example",
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n',
    ends('192.168.0.1', '192.168.0.11', 56324, 443),
  ],
  ['port 0', 'PROXY TCP4 1.1.1.1 2.2.2.2 0 0\r\n', ends('1.1.1.1', '2.2.2.2', 0, 0)],
  ['TCP6', 'PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n', sixEnds],
  ['the longest of TCP6', `PROXY TCP6 ${longest} ${longest} 65535 65535\r\n`, ends(longest, longest, 65535, 65535)],
  ['upper case digits', 'PROXY TCP6 2001:DB8::A ::1 1 2\r\n', ends('2001:DB8::A', '::1', 1, 2)],
  ['UNKNOWN', 'PROXY UNKNOWN\r\n', undefined],
  ['UNKNOWN with addresses', `PROXY UNKNOWN ${longest} ${longest} 65535 65535\r\n`, undefined],
  ['UNKNOWN with anything', 'PROXY UNKNOWN \x00 what ever\r\n', undefined],
  ['UNKNOWN with a line feed', 'PROXY UNKNOWN what\never\r\n', undefined],
  ['eight groups of one digit', 'PROXY TCP6 1:2:3:4:5:6:7:8 :: 1 2\r\n', ends('1:2:3:4:5:6:7:8', '::', 1, 2)],
  ['IPv4 in IPv6', 'PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n', ends('::ffff:192.0.2.1', '::1', 1, 2)],
  ['v2 over IPv4', v2(0x21, 0x11, ipv4Block), fourEnds],
  ['v2 over IPv6', v2(0x21, 0x21, ipv6Block), sixEnds],
  ['v2 LOCAL', v2(0x20, 0x00, Buffer.alloc(0)), undefined],
  ['v2 LOCAL with addresses', v2(0x20, 0x11, ipv4Block), undefined],
  ['v2 LOCAL of any family, with any block', v2(0x20, 0xff, Buffer.from('no fields at all')), undefined],
  ['v2 of no family', v2(0x21, 0x00, Buffer.alloc(0)), undefined],
  ['v2 over UDP', v2(0x21, 0x12, ipv4Block), undefined],
  ['v2 over UDP and IPv6', v2(0x21, 0x22, ipv6Block), undefined],
  ['v2 over IPv4 by an unspecified transport', v2(0x21, 0x10, ipv4Block), undefined],
  ['v2 over Unix streams', v2(0x21, 0x31, Buffer.alloc(216, 'x')), undefined],
  ['v2 over Unix datagrams', v2(0x21, 0x32, Buffer.alloc(216)), undefined],
  ['v2 with a field of no meaning', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(0x04, 'padding')])), fourEnds],
  ['v2 with an unknown field', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(0xe0, 'x')])), fourEnds],
  ['v2 with the name of a namespace', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(0x30, 'blue')])), fourEnds],
  ['v2 with fields of 0xef, 0xf0 and 0xff', v2(0x21, 0x11, Buffer.concat([ipv4Block, unknownFields])), fourEnds],
  ['v2 with padding of no bytes', v2(0x21, 0x21, Buffer.concat([ipv6Block, field(0x04, '')])), sixEnds],
  ['v2 with a unique id of 128 bytes', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(5, 'i'.repeat(128))])), fourEnds],
  ['v2 of no family, with fields', v2(0x21, 0x00, field(5, 'id')), undefined],
  ['v2 with a checksum', summed(), fourEnds],
  ['v2 with a checksum before other fields', summedFirst, fourEnds],
];

const refusedHeaders: [string, string | Buffer][] = [
  ['something else', 'GET / HTTP/1.1\r\n\r\n'],
  ['lower case', 'proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['a space before', ' PROXY UNKNOWN\r\n'],
  ['a tab for a space', 'PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['no protocol', 'PROXY \r\n'],
  ['UDP4', 'PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['a longer word than UNKNOWN', 'PROXY UNKNOWNS\r\n'],
  ['two spaces', 'PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n'],
  ['a space at the end', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n'],
  ['a field too few', 'PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n'],
  ['a field too many', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n'],
  ['IPv6 under TCP4', 'PROXY TCP4 ::1 ::2 1 2\r\n'],
  ['IPv4 under TCP6', 'PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['a number above 255', 'PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n'],
  ['three numbers', 'PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n'],
  ['a leading zero in an address', 'PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n'],
  ['an address of the other family as destination', 'PROXY TCP4 1.1.1.1 ::2 1 2\r\n'],
  ['a number above 255 in the destination', 'PROXY TCP4 1.1.1.1 2.2.2.256 1 2\r\n'],
  ['five numbers', 'PROXY TCP4 1.1.1.1.1 2.2.2.2 1 2\r\n'],
  ['seven groups', 'PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n'],
  ['a colon alone at the end', 'PROXY TCP6 1:2:3:4:5:6:7: ::1 1 2\r\n'],
  ['brackets', 'PROXY TCP6 [::1] ::1 1 2\r\n'],
  ['two double colons', 'PROXY TCP6 1::2::3 ::1 1 2\r\n'],
  ['nine groups', 'PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n'],
  ['five digits in a group', 'PROXY TCP6 12345::1 ::1 1 2\r\n'],
  ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'],
  ['a port above 65535', 'PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n'],
  ['a destination port above 65535', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n'],
  ['an empty port', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n'],
  ['a leading zero in a port', 'PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n'],
  ['a sign before a port', 'PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n'],
  ['a port in hexadecimal', 'PROXY TCP4 1.1.1.1 2.2.2.2 0x1 2\r\n'],
  ['a line feed alone', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n'],
  ['a carriage return alone', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rX'],
  ['UNKNOWN beyond 107 bytes', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`],
  ['107 bytes without an end', `PROXY UNKNOWN ${'x'.repeat(93)}`],
  ['v2 with a broken signature', Buffer.concat([signature.subarray(0, 11), Buffer.from('X')])],
  ['v2 of version 1', v2(0x11, 0x11, ipv4Block)],
  ['v2 of version 3', v2(0x31, 0x11, ipv4Block)],
  ['v2 with an unknown command', v2(0x22, 0x11, ipv4Block)],
  ['v2 with an unknown family', v2(0x21, 0x41, ipv4Block)],
  ['v2 with an unknown transport', v2(0x21, 0x13, ipv4Block)],
  ['v2 too short for IPv4', v2(0x21, 0x11, ipv4Block.subarray(1))],
  ['v2 too short for IPv6', v2(0x21, 0x21, ipv6Block.subarray(1))],
  ['v2 with an unknown family and transport', v2(0x21, 0xff, ipv4Block)],
  ['v2 too short for UDP over IPv6', v2(0x21, 0x22, ipv6Block.subarray(1))],
  ['v2 too short for Unix', v2(0x21, 0x31, Buffer.alloc(215))],
  ['v2 longer than is taken', v2(0x21, 0x11, ipv4Block, LONGEST_V2 - 15)],
  ['half a field', v2(0x21, 0x11, Buffer.concat([ipv4Block, Buffer.from([4, 0])]))],
  ['a field beyond the end', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(4, 'abc', 4)]))],
  ['a wrong checksum', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(3, Buffer.from('wrong').subarray(0, 4))]))],
  ['a checksum of 3 bytes', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(3, 'abc')]))],
  ['two checksums', v2(0x21, 0x11, Buffer.concat([summed().subarray(16), field(3, Buffer.alloc(4))]))],
  ['a unique id of 129 bytes', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(5, 'i'.repeat(129))]))],
  ['a TLS field of 4 bytes', v2(0x21, 0x11, Buffer.concat([ipv4Block, field(0x20, Buffer.alloc(4))]))],
  [
    'a TLS field with half a field in it',
    v2(0x21, 0x11, Buffer.concat([ipv4Block, field(0x20, Buffer.concat([Buffer.alloc(5), Buffer.from([0x21, 0])]))])),
  ],
  [
    'a TLS field with one beyond its end',
    v2(0x21, 0x11, Buffer.concat([ipv4Block, field(0x20, Buffer.concat([Buffer.alloc(5), field(0x21, 'a', 2)]))])),
  ],
];

describe('a PROXY header', () => {
  it.each(accepted)('is taken: %s', (_, header, expected) => {
    const bytes = bytesOf(header);
    const parsed = parse(header);
    expect(parsed).toMatchObject({ state: 'done', end: bytes.length });
    if (parsed.state === 'done') expect(parsed.proxied.ends).toEqual(expected);
  });

  it.each(accepted)('is complete at its last byte, and the rest is left: %s', (_, header) => {
    const bytes = bytesOf(header);
    for (let length = 0; length < bytes.length; length++) {
      expect(parse(bytes.subarray(0, length))).toEqual({ state: 'more' });
    }
    expect(parse(Buffer.concat([bytes, bytes]))).toMatchObject({ state: 'done', end: bytes.length });
  });

  it.each(refusedHeaders)('is refused, and no part of it taken: %s', (_, header) => {
    const bytes = bytesOf(header);
    expect(parse(bytes)).toMatchObject({ state: 'refused', problem: expect.stringMatching(/\w/) });
    for (let length = 0; length < bytes.length; length++) {
      expect(parse(bytes.subarray(0, length)).state).not.toBe('done');
    }
  });

  it('refuses what is no header at its first byte', () => {
    for (const start of ['G', '\x16', '\n', 'PROXI', '\r\n\r\n\r']) expect(parse(start).state).toBe('refused');
  });

  it('keeps what the fields of version 2 say', () => {
    const tls = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), field(0x21, 'TLSv1.3'), field(0x22, 'alice')]);
    const parsed = parse(summed(field(1, 'h2'), field(2, 'a.test'), field(5, 'id-1'), field(0x20, tls)));
    expect(parsed).toMatchObject({
      proxied: {
        ends: fourEnds,
        alpn: Buffer.from('h2'),
        authority: Buffer.from('a.test'),
        uniqueId: Buffer.from('id-1'),
        tls,
      },
    });
  });

  it('refuses a header with a checksum when any bit of it changes', () => {
    const good = summed(field(2, 'a.test'));
    for (let at = 16; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 0x10;
      const parsed = parse(bad);
      // A change of the checksum's own type makes it another, unknown field.
      if (at === good.length - 7) expect(parsed.state).toBe('done');
      else expect(parsed.state).toBe('refused');
    }
  });

  it('never throws, and never takes more than there is', () => {
    const start = fc.constantFrom(Buffer.from('PROXY '), Buffer.from('PROXY TCP4 1.1.1.1 '), signature, summed());
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (begin, more) => {
        const bytes = Buffer.concat([begin, more]);
        const parsed = parseProxyHeader(bytes);
        return parsed.state !== 'done' || parsed.end <= bytes.length;
      }),
    );
  });
});

describe('an IPv6 address as text', () => {
  it.each([
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
  ])('%s is %s', (hex, text) => {
    expect(formatIpv6(Buffer.from(hex, 'hex'))).toBe(text);
  });
});
