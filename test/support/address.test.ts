import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  formatAddress,
  isLoopback,
  longestUnixPathBytes,
  parseAddress,
} from '../../src/support/address.ts';

const tcp = (host: string, port: number): Address => ({ kind: 'tcp', host, port });

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:3001', tcp('127.0.0.1', 3001)],
    ['0.0.0.0:80', tcp('0.0.0.0', 80)],
    ['localhost:0', tcp('localhost', 0)],
    ['Example.COM:65535', tcp('example.com', 65_535)],
    ['my_service-1.ns.svc:8080', tcp('my_service-1.ns.svc', 8080)],
    ['1password.com:443', tcp('1password.com', 443)],
    ['a:1', tcp('a', 1)],
    [':8080', tcp('::', 8080)],
    ['[::]:8080', tcp('::', 8080)],
    ['[::1]:80', tcp('::1', 80)],
    ['[2001:DB8::A]:80', tcp('2001:db8::a', 80)],
    ['[fe80:0::1%Eth0]:80', tcp('fe80::1%Eth0', 80)],
    ['[0:0:0:0:0:0:0:0]:80', tcp('::', 80)],
    ['[2001:0db8:0:0:1:0:0:1]:80', tcp('2001:db8::1:0:0:1', 80)],
    ['unix:/run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
    ['unix:/with space:80', { kind: 'unix', path: '/with space:80' }],
    [`unix:/${'a'.repeat(106)}`, { kind: 'unix', path: `/${'a'.repeat(106)}` }],
    [`${'a'.repeat(63)}.com:1`, tcp(`${'a'.repeat(63)}.com`, 1)],
  ] as [string, Address][])('reads %s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each([
    ['', 'the port is missing'],
    ['localhost', 'the port is missing'],
    ['localhost:', 'the port is missing'],
    [':', 'the port is missing'],
    ['localhost:http', '"http" is not a port from 0 to 65535'],
    ['localhost:65536', '"65536" is not a port from 0 to 65535'],
    ['localhost:000080', '"000080" is not a port from 0 to 65535'],
    ['localhost:-1', '"-1" is not a port from 0 to 65535'],
    ['localhost:80 ', '"80 " is not a port from 0 to 65535'],
    ['localhost:80/path', '"80/path" is not a port from 0 to 65535'],
    ['*:80', 'all interfaces are written ":port", without the "*"'],
    ['::1:80', 'an IPv6 address is written in brackets, as in "[::1]:80"'],
    ['::1', 'an IPv6 address is written in brackets, as in "[::1]:80"'],
    ['[::1]', 'the port is missing'],
    ['[::1:80', 'an IPv6 address is written in brackets, as in "[::1]:80"'],
    ['::1]:80', 'an IPv6 address is written in brackets, as in "[::1]:80"'],
    ['[::g]:80', '"::g" is not an IPv6 address'],
    ['[127.0.0.1]:80', '"127.0.0.1" is not an IPv6 address'],
    ['[]:80', '"" is not an IPv6 address'],
    ['256.0.0.1:80', '"256.0.0.1" is not an IPv4 address'],
    ['127.0.1:80', '"127.0.1" is not an IPv4 address'],
    ['127.0.0.01:80', '"127.0.0.01" is not an IPv4 address'],
    ['8080:80', '"8080" is not an IPv4 address'],
    ['a b:80', '"a b" is not a host name'],
    ['-a:80', '"-a" is not a host name'],
    ['a-:80', '"a-" is not a host name'],
    ['a..b:80', '"a..b" is not a host name'],
    ['.a:80', '".a" is not a host name'],
    ['a.:80', '"a." is not a host name'],
    ['bücher.de:80', '"bücher.de" is not a host name'],
    [`${'a'.repeat(64)}.com:1`, `"${'a'.repeat(64)}.com" is not a host name`],
    [`${'a.'.repeat(126)}aa:1`, `"${'a.'.repeat(126)}aa" is not a host name`],
    ['http://localhost:80', 'an address has no scheme: leave out everything up to "//"'],
    ['TCP://localhost:80', 'an address has no scheme: leave out everything up to "//"'],
    ['unix:', 'the path of a Unix socket starts with "/"'],
    ['unix:app.sock', 'the path of a Unix socket starts with "/"'],
    ['unix:/a\0b', 'the path of a Unix socket has no NUL'],
    [`unix:/${'a'.repeat(107)}`, 'the path of a Unix socket has at most 107 bytes'],
    [`unix:/${'ä'.repeat(54)}`, 'the path of a Unix socket has at most 107 bytes'],
  ])('says what is wrong with %j', (text, wrong) => {
    expect(parseAddress(text)).toBe(wrong);
  });

  it('allows as long a name as DNS does', () => {
    const name = `${'a.'.repeat(126)}a`;
    expect(name).toHaveLength(253);
    expect(parseAddress(`${name}:1`)).toEqual(tcp(name, 1));
  });

  it('leaves room for the NUL of sun_path', () => {
    expect(longestUnixPathBytes).toBe(107);
  });
});

describe('formatAddress', () => {
  it.each([
    [tcp('127.0.0.1', 80), '127.0.0.1:80'],
    [tcp('a.example', 0), 'a.example:0'],
    [tcp('::', 80), ':80'],
    [tcp('::1', 80), '[::1]:80'],
    [{ kind: 'unix', path: '/x' }, 'unix:/x'],
  ] as [Address, string][])('writes %j as %s', (address, text) => {
    expect(formatAddress(address)).toBe(text);
  });

  it('writes what parseAddress reads as the same', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z]$/);
    const host = fc.oneof(
      fc.ipV4(),
      label,
      fc.tuple(label, label).map((labels) => labels.join('.')),
      fc.constant('::1'),
    );
    fc.assert(
      fc.property(host, fc.nat(65_535), (name, port) => {
        const address = tcp(name, port);
        expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });
});

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1:1', true],
    ['127.255.255.254:1', true],
    ['128.0.0.1:1', false],
    ['[::1]:1', true],
    ['[0:0:0:0:0:0:0:1]:1', true],
    ['[::ffff:127.0.0.1]:1', true],
    ['[::2]:1', false],
    ['localhost:1', true],
    ['LOCALHOST:1', true],
    ['localhost.example.com:1', false],
    [':1', false],
    ['0.0.0.0:1', false],
    ['unix:/run/x', true],
  ])('%s: %s', (text, expected) => {
    expect(isLoopback(parseAddress(text) as Address)).toBe(expected);
  });
});
