import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv6, parseProxyHeader } from '../../src/accept/proxy-protocol.ts';
import { ipv6Bytes, proxyHeader, tlsPart } from '../../src/connect/proxy-header.ts';
import { field, ipv4Block, ipv6Block, summed, v2 } from '../support/proxy-bytes.ts';

const port = fc.integer({ min: 0, max: 65_535 });
const endsOf = (address: fc.Arbitrary<string>) =>
  fc.record({ sourceAddress: address, sourcePort: port, localAddress: address, localPort: port });
const anyEnds = fc.oneof(
  endsOf(fc.ipV4()),
  endsOf(fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIpv6(bytes))),
);
const four = { sourceAddress: '192.0.2.1', sourcePort: 0x1234, localAddress: '198.51.100.2', localPort: 443 };
const six = { sourceAddress: '2001:db8::1', sourcePort: 0x1234, localAddress: '2001:db8::2', localPort: 443 };

describe('a PROXY header that is sent', () => {
  it('is text in version 1', () => {
    expect(String(proxyHeader('v1', { ends: four }))).toBe('PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n');
    expect(String(proxyHeader('v1', { ends: six }))).toBe('PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n');
  });

  it('is no longer than the specification says in version 1', () => {
    const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    const endsOn = (address: string) => ({
      sourceAddress: address,
      sourcePort: 65_535,
      localAddress: address,
      localPort: 65_535,
    });
    expect(proxyHeader('v1', { ends: endsOn('255.255.255.255') })).toHaveLength(56);
    expect(proxyHeader('v1', { ends: endsOn(longest) })).toHaveLength(104);
    const example = { sourceAddress: '192.168.0.1', sourcePort: 56_324, localAddress: '192.168.0.11', localPort: 443 };
    expect(String(proxyHeader('v1', { ends: example }))).toBe('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n');
  });

  it('is bytes with a checksum in version 2', () => {
    expect(proxyHeader('v2', { ends: four }).equals(summed())).toBe(true);
    const header = proxyHeader('v2', { ends: six });
    expect(header.subarray(0, 52).equals(v2(0x21, 0x21, ipv6Block, 43))).toBe(true);
    expect(parseProxyHeader(header)).toMatchObject({ state: 'done', proxied: { ends: six } });
  });

  it('says nothing of clients that are not known, or whose ends are not alike', () => {
    const mixed = { ...four, localAddress: '::1' };
    const zoned = { ...six, sourceAddress: 'fe80::1%lo' };
    for (const ends of [undefined, mixed, zoned]) {
      expect(String(proxyHeader('v1', { ends }))).toBe('PROXY UNKNOWN\r\n');
      expect(proxyHeader('v2', { ends }).subarray(12, 14)).toEqual(Buffer.from([0x21, 0x00]));
      expect(parseProxyHeader(proxyHeader('v2', { ends }))).toMatchObject({ proxied: { ends: undefined } });
    }
  });

  it('has the fields that are known', () => {
    const tls = tlsPart('TLSv1.3', { commonName: 'alice', resumed: false });
    const header = proxyHeader('v2', {
      ends: four,
      alpn: Buffer.from('h2'),
      authority: Buffer.from('a.test'),
      uniqueId: Buffer.from('id'),
      tls,
    });
    expect(header.equals(summed(field(1, 'h2'), field(2, 'a.test'), field(5, 'id'), field(0x20, tls)))).toBe(true);
    expect(header.subarray(16, 28).equals(ipv4Block)).toBe(true);
  });

  it('leaves fields out that are longer than a header should be', () => {
    expect(proxyHeader('v2', { ends: four, tls: Buffer.alloc(5000) }).equals(summed())).toBe(true);
  });

  it('says whether the client has shown a certificate', () => {
    const version = field(0x21, 'TLSv1.2');
    const part = (start: string, ...fields: Buffer[]) => Buffer.concat([Buffer.from(start, 'hex'), ...fields]);
    const alice = { commonName: 'alicé', resumed: false };
    expect(tlsPart('TLSv1.2')).toEqual(part('0100000001', version));
    expect(tlsPart('TLSv1.2', alice)).toEqual(part('0700000000', version, field(0x22, 'alicé')));
    expect(tlsPart('TLSv1.2', { ...alice, resumed: true })).toEqual(part('0500000000', version, field(0x22, 'alicé')));
    expect(tlsPart('TLSv1.2', { commonName: '', resumed: false })).toEqual(part('0700000000', version));
  });

  it('is read as it was written, by our own reader', () => {
    const value = fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(anyEnds, value, value, value, (ends, alpn, authority, uniqueId) => {
        const proxied = { ends, alpn, authority, uniqueId, tls: tlsPart('TLSv1.3') };
        const second = proxyHeader('v2', proxied);
        expect(parseProxyHeader(second)).toEqual({ state: 'done', end: second.length, proxied });
        const first = proxyHeader('v1', proxied);
        expect(first.length).toBeLessThanOrEqual(107);
        expect(parseProxyHeader(first)).toEqual({ state: 'done', end: first.length, proxied: { ends } });
      }),
    );
  });
});

describe('the bytes of an IPv6 address', () => {
  it.each([
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['64:ff9b::1.2.3.4', '0064ff9b000000000000000001020304'],
  ])('%s is %s', (text, hex) => {
    expect(ipv6Bytes(text).toString('hex')).toBe(hex);
  });
});
