import { describe, expect, it } from 'vitest';
import { refusesHandshake, tlsCause } from '../../src/support/tls-failure.ts';

const error = (code: string, message = code, more: object = {}) => Object.assign(new Error(message), { code, ...more });

describe('a refusal of the handshake', () => {
  it.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', true],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', true],
    ['ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE', true],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', true],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', true],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', false],
    ['ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', false],
    ['ECONNRESET', false],
  ])('%s: %s', (code, refuses) => {
    expect(refusesHandshake(error(code))).toBe(refuses);
  });
});

describe('why there is no TLS connection', () => {
  it.each([
    [error('CERT_HAS_EXPIRED'), 'its certificate has expired'],
    [error('ECONNRESET'), 'it closed the connection during the handshake'],
    [error('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'it refused the handshake: unknown ca'],
    [error('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'it refused the handshake: certificate required'],
    [error('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), 'it refused the handshake: handshake failure'],
    [
      error(
        'EPROTO',
        'write EPROTO 80:error:0A000410:SSL routines:read:ssl/tls alert handshake failure:a.c:9:number 40\n',
      ),
      'it refused the handshake: handshake failure',
    ],
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
