import { BlockList, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cidrSet, parseCidr } from '../../src/support/cidr.ts';

describe('parseCidr', () => {
  it.each([
    ['0.0.0.0/0', 0, 0xffff_ffff],
    ['10.0.0.0/8', 0x0a00_0000, 0x0aff_ffff],
    ['10.1.2.3/8', 0x0a00_0000, 0x0aff_ffff],
    ['192.168.1.128/25', 0xc0a8_0180, 0xc0a8_01ff],
    ['255.255.255.255/32', 0xffff_ffff, 0xffff_ffff],
    ['1.2.3.4', 0x0102_0304, 0x0102_0304],
    ['::ffff:1.2.3.4', 0x0102_0304, 0x0102_0304],
    ['::ffff:10.0.0.0/104', 0x0a00_0000, 0x0aff_ffff],
    ['::ffff:0:0/96', 0, 0xffff_ffff],
    ['::FFFF:0102:0304', 0x0102_0304, 0x0102_0304],
  ])('reads %s as IPv4', (text, first, last) => {
    expect(parseCidr(text)).toEqual({ family: 4, first, last });
  });

  it.each([
    ['::/0', 0n, (1n << 128n) - 1n],
    ['::1', 1n, 1n],
    ['::', 0n, 0n],
    ['2001:db8::/32', 0x2001_0db8n << 96n, (0x2001_0db9n << 96n) - 1n],
    ['2001:db8::1/32', 0x2001_0db8n << 96n, (0x2001_0db9n << 96n) - 1n],
    ['1:2:3:4:5:6:7:8', 0x1_0002_0003_0004_0005_0006_0007_0008n, 0x1_0002_0003_0004_0005_0006_0007_0008n],
    ['1::8/128', (1n << 112n) + 8n, (1n << 112n) + 8n],
    ['64:ff9b::1.2.3.4', (0x64_ff9bn << 96n) + 0x0102_0304n, (0x64_ff9bn << 96n) + 0x0102_0304n],
    ['::ffff:0:0/95', 0xfffe_0000_0000n, 0xffff_ffff_ffffn],
  ])('reads %s as IPv6', (text, first, last) => {
    expect(parseCidr(text)).toEqual({ family: 6, first, last });
  });

  it.each([
    ['', '"" is not an IP address'],
    ['localhost', '"localhost" is not an IP address'],
    ['/8', '"" is not an IP address'],
    ['1.2.3', '"1.2.3" is not an IP address'],
    ['1.2.3.4.5', '"1.2.3.4.5" is not an IP address'],
    ['1.2.3.256', '"1.2.3.256" is not an IP address'],
    ['1.2.3.04', '"1.2.3.04" is not an IP address'],
    ['1.2..4', '"1.2..4" is not an IP address'],
    ['1.2.3.', '"1.2.3." is not an IP address'],
    ['.1.2.3', '".1.2.3" is not an IP address'],
    [' 1.2.3.4', '" 1.2.3.4" is not an IP address'],
    ['1.2.3.4:80', '"1.2.3.4:80" is not an IP address'],
    [':::', '":::" is not an IP address'],
    ['1::2::3', '"1::2::3" is not an IP address'],
    ['1:2:3:4:5:6:7', '"1:2:3:4:5:6:7" is not an IP address'],
    ['1:2:3:4:5:6:7:8:9', '"1:2:3:4:5:6:7:8:9" is not an IP address'],
    ['1:2:3:4::5:6:7:8', '"1:2:3:4::5:6:7:8" is not an IP address'],
    ['12345::', '"12345::" is not an IP address'],
    ['g::', '"g::" is not an IP address'],
    ['1.2.3.4::', '"1.2.3.4::" is not an IP address'],
    ['::1.2.3.4:5', '"::1.2.3.4:5" is not an IP address'],
    ['::1.2.3', '"::1.2.3" is not an IP address'],
    ['10.0.0.0/33', '"33" is not a prefix length from 0 to 32'],
    ['10.0.0.0/', '"" is not a prefix length from 0 to 32'],
    ['10.0.0.0/08', '"08" is not a prefix length from 0 to 32'],
    ['10.0.0.0/-1', '"-1" is not a prefix length from 0 to 32'],
    ['10.0.0.0/8/8', '"8/8" is not a prefix length from 0 to 32'],
    ['10.0.0.0/255.0.0.0', '"255.0.0.0" is not a prefix length from 0 to 32'],
    ['::/129', '"129" is not a prefix length from 0 to 128'],
  ])('says what is wrong with %j', (text, wrong) => {
    expect(parseCidr(text)).toBe(wrong);
  });
});

describe('cidrSet', () => {
  const set = cidrSet(['10.0.0.0/8', '192.168.1.1', '2001:db8::/32', '::1', 'fe80::/10']);

  it.each([
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['9.255.255.255', false],
    ['11.0.0.0', false],
    ['192.168.1.1', true],
    ['192.168.1.0', false],
    ['192.168.1.2', false],
    ['::ffff:10.1.2.3', true],
    ['::FFFF:10.1.2.3', true],
    ['::ffff:0a01:0203', true],
    ['0:0:0:0:0:ffff:10.1.2.3', true],
    ['::ffff:11.1.2.3', false],
    ['::10.1.2.3', false],
    ['2001:db8::', true],
    ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', true],
    ['2001:DB8::5', true],
    ['2001:db7:ffff::', false],
    ['2001:db9::', false],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['::2', false],
    ['fe80::1%eth0', true],
    ['', false],
    ['unix', false],
    ['10.1.2', false],
    ['::ffff:10.1.2', false],
    ['::ffff:', false],
  ])('has %s: %s', (ip, expected) => {
    expect(set.has(ip)).toBe(expected);
  });

  it('takes ::/0 for real IPv6 and 0.0.0.0/0 for IPv4, mapped or not', () => {
    const six = cidrSet(['::/0']);
    expect(['::', '2001:db8::1', '1.2.3.4', '::ffff:1.2.3.4'].map((ip) => six.has(ip))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const four = cidrSet(['0.0.0.0/0']);
    expect(['::', '2001:db8::1', '1.2.3.4', '::ffff:1.2.3.4'].map((ip) => four.has(ip))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('has the first and the last address of each family', () => {
    const all = cidrSet(['0.0.0.0/0', '::/0']);
    const ends = ['0.0.0.0', '255.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];
    expect(ends.map((ip) => all.has(ip))).toEqual([true, true, true, true]);
    expect(cidrSet(['0.0.0.0']).has('::ffff:0.0.0.0')).toBe(true);
  });

  it('has nothing when it is empty', () => {
    const empty = cidrSet([]);
    expect(empty.size).toBe(0);
    expect(empty.has('1.2.3.4')).toBe(false);
    expect(empty.has('::1')).toBe(false);
  });

  it.each([
    [['10.0.0.0/9', '10.128.0.0/9'], 1],
    [['10.0.0.0/8', '10.1.0.0/16'], 1],
    [['10.1.0.0/16', '10.0.0.0/8'], 1],
    [['10.0.0.0/16', '10.2.0.0/16'], 2],
    [['1.1.1.1', '1.1.1.1'], 1],
    [['::1', '::2', '::4'], 2],
    [['::1', '1.1.1.1'], 2],
    [['::ffff:1.1.1.1', '1.1.1.1'], 1],
  ])('joins %j into %d', (list, size) => {
    expect(cidrSet(list).size).toBe(size);
  });

  it('keeps the wider end when a range holds the next', () => {
    const nested = cidrSet(['10.0.0.0/8', '10.1.0.0/16', '12.0.0.0/8']);
    expect([nested.has('10.200.0.1'), nested.has('11.0.0.1'), nested.has('12.0.0.1')]).toEqual([true, false, true]);
  });

  it('throws on what parseCidr refuses', () => {
    expect(() => cidrSet(['10.0.0.0/8', 'nonsense'])).toThrow(new TypeError('"nonsense" is not an IP address'));
  });
});

describe('cidrSet beside the BlockList of Node', () => {
  const v4 = fc.ipV4();
  // fast-check writes some zones and mapped forms; those have cases of their own above.
  const v6 = fc.ipV6().filter((ip) => isIPv6(ip) && !/\./.test(ip));

  it('agrees on IPv4', () => {
    const range = fc.tuple(v4, fc.integer({ min: 1, max: 32 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), v4, (ranges, ip) => {
        const list = new BlockList();
        for (const [base, bits] of ranges) list.addSubnet(base, bits, 'ipv4');
        const ours = cidrSet(ranges.map(([base, bits]) => `${base}/${bits}`));
        for (const probe of [ip, ...ranges.map(([base]) => base)]) {
          expect(ours.has(probe)).toBe(list.check(probe, 'ipv4'));
          expect(ours.has(`::ffff:${probe}`)).toBe(ours.has(probe));
        }
      }),
    );
  });

  it('agrees on IPv6', () => {
    const range = fc.tuple(v6, fc.integer({ min: 17, max: 128 }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), v6, (ranges, ip) => {
        const list = new BlockList();
        for (const [base, bits] of ranges) list.addSubnet(base, bits, 'ipv6');
        const ours = cidrSet(ranges.map(([base, bits]) => `${base}/${bits}`));
        for (const probe of [ip, ...ranges.map(([base]) => base)]) {
          expect(ours.has(probe)).toBe(list.check(probe, 'ipv6'));
        }
      }),
    );
  });

  it('reads exactly what Node takes for an address', () => {
    const text = fc.string({ unit: fc.constantFrom('0', '1', '9', 'f', '.', ':', '::', '25'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(text, v4, v6), (ip) => {
        expect(typeof parseCidr(ip) === 'object').toBe(isIPv4(ip) || isIPv6(ip));
      }),
      { numRuns: 1000 },
    );
  });
});
