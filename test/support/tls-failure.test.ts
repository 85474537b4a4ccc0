import { describe, expect, it } from 'vitest';
import { tlsCause } from '../../src/support/tls-failure.ts';

const error = (code: string, message = code, more: object = {}) => Object.assign(new Error(message), { code, ...more });

describe('why there is no TLS connection', () => {
  it.each([
    [error('CERT_HAS_EXPIRED'), 'its certificate has expired'],
    [error('ECONNRESET'), 'it closed the connection during the handshake'],
    [error('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'it refused the handshake: unknown ca'],
    [error('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'it refused the handshake: certificate required'],
    [error('ERR_SSL_NO_CIPHERS_AVAILABLE'), 'the handshake failed: no ciphers available'],
    [error('OTHER', 'something\nelse'), 'the handshake failed: something?else'],
    [undefined, 'the handshake failed: it failed'],
    [
      error('ERR_TLS_CERT_ALTNAME_INVALID', '', { cert: { subjectaltname: 'DNS:b\r\n.test' } }),
      'its certificate is for DNS:b?.test, not for a.test',
    ],
    [error('ERR_TLS_CERT_ALTNAME_INVALID', '', { cert: {} }), 'its certificate is for no name, not for a.test'],
  ])('%s is %j', (cause, words) => {
    expect(tlsCause(cause, 'a.test')).toBe(words);
  });

  it('stays short', () => {
    const names = { cert: { subjectaltname: 'DNS:b.test, '.repeat(1000) } };
    expect(tlsCause(error('ERR_TLS_CERT_ALTNAME_INVALID', '', names), 'a.test').length).toBeLessThan(210);
  });
});
