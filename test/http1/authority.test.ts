import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostOf, isAuthority } from '../../src/http1/request-head.ts';

describe('isAuthority (RFC 3986 §3.2.2)', () => {
  it.each([
    'a',
    'a.example',
    'A.EXAMPLE.',
    'xn--bcher-kva.example',
    'under_score',
    '127.0.0.1',
    'a:',
    'a:0',
    'a:8080',
    'a:65535',
    '[::1]',
    '[::]:',
    '[2001:DB8::1]:443',
    '[::ffff:127.0.0.1]:80',
    'a%20b',
    "~!$&'()*+;=-._",
  ])('takes %j', (text) => {
    expect(isAuthority(text)).toBe(true);
  });

  it.each([
    '',
    ':',
    ':80',
    'a:80a',
    'a: 80',
    'a:-1',
    'a:123456',
    'a:80:80',
    'a:b',
    'a,b',
    'a b',
    ' a',
    'a ',
    'a/',
    'a\\',
    'a?',
    'a#',
    '@',
    'u@a',
    'u:p@a',
    'a"',
    'a<b',
    'a^',
    'a`',
    'a{}',
    'a|b',
    'b\u00fccher',
    'a\t',
    'a\0',
    'a\x7f',
    '[]',
    '[',
    ']',
    '[::1',
    '::1',
    '::1]',
    '[::1]x',
    '[::1]:x',
    '[::1]:123456',
    '[::1]80',
    '[[::1]]',
    '[::1%25eth0]',
    '[fe80::1%eth0]',
    '[::g]',
    '[:::]',
    '[1.2.3.4]',
    '[a]',
    '[v1.a]',
    'a[::1]',
    'a]',
  ])('refuses %j', (text) => {
    expect(isAuthority(text)).toBe(false);
    expect(isAuthority(text), 'again').toBe(false);
    expect(isAuthority('a.example')).toBe(true);
    expect(isAuthority(text), 'after one that is in order').toBe(false);
  });

  it('takes no more than a URL does, and means the same host and port', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '-',
      '.',
      '0',
      '7',
      ':',
      ':80',
      '[',
      ']',
      '[::1]',
      '@',
      '/',
      '\\',
      '?',
      '#',
      ',',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const authority = pieces.join('');
        if (!isAuthority(authority)) return;
        const url = URL.parse(`foo://${authority}/`);
        // The URL parser knows the rule of ports, which a balancer has no use for.
        if (url === null) return void expect(Number(/:(\d+)$/.exec(authority)?.[1])).toBeGreaterThan(65_535);
        expect(url.username + url.password + url.search + url.hash).toBe('');
        expect(url.pathname).toBe('/');
        expect(hostOf(authority)).toBe(url.hostname.toLowerCase().replace(/^\[|\]$|\.$/g, ''));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('hostOf', () => {
  it.each([
    ['a', 'a'],
    ['A.Example', 'a.example'],
    ['a:8080', 'a'],
    ['a:', 'a'],
    ['a.', 'a'],
    ['a.:80', 'a'],
    ['a..', 'a.'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[2001:DB8::1]:443', '2001:db8::1'],
    ['', ''],
  ])('of %j is %j', (authority, host) => {
    expect(hostOf(authority)).toBe(host);
  });
});
