import { describe, expect, it } from 'vitest';
import { dialFailure } from '../../src/connect/dial.ts';
import { localAddresses } from '../../src/support/local-addresses.ts';
import { TLS_FAILED } from '../../src/support/tls-failure.ts';

const four = { host: '127.0.0.1', port: 1 };

describe('why a dial has failed', () => {
  it.each([
    ['ECONNREFUSED', four, 'connect-refused'],
    ['ENOENT', { path: '/x' }, 'connect-refused'],
    ['ETIMEDOUT', four, 'connect-timeout'],
    ['EHOSTUNREACH', four, 'connect-failed'],
    [TLS_FAILED, four, 'connect-tls'],
    ['EMFILE', four, 'out-of-files'],
    ['EADDRNOTAVAIL', four, 'connect-no-port'],
    ['EADDRINUSE', four, 'connect-no-port'],
    ['EADDRNOTAVAIL', undefined, 'connect-no-port'],
  ])('is by %s to %j: %s', (code, to, failure) => {
    expect(dialFailure(Object.assign(new Error(code), { code }), to)).toBe(failure);
  });

  it('is no lack of ports where there is no IPv6 to come from', () => {
    const error = Object.assign(new Error('none'), { code: 'EADDRNOTAVAIL' });
    const hasLoopback = localAddresses()!.includes('::1');
    expect(dialFailure(error, { host: '::1', port: 1 })).toBe(hasLoopback ? 'connect-no-port' : 'connect-failed');
  });
});
