import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { clientCertificateLines, subjectText } from '../../src/accept/client-certificate.ts';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';

afterAll(closeOpened);

describe('a subject on one line', () => {
  it.each([
    ['O=Example\nCN=alice', 'O=Example, CN=alice'],
    ['CN=a, O=b', 'CN=a%2C O=b'],
    ['CN=100%', 'CN=100%25'],
    ['CN=alicé', 'CN=alic%C3%A9'],
    ['CN=a\r\tb\u0000', 'CN=a%0D%09b%00'],
    ['CN=🙂', 'CN=%F0%9F%99%82'],
    ['', ''],
    [undefined, ''],
  ])('%j is %j', (subject, text) => {
    expect(subjectText(subject)).toBe(text);
  });

  const authority = new TestAuthority();
  it.each([
    ['Acme, Inc', 'Acme%2C Inc'],
    ['a;b "c" <d>', 'a;b "c" <d>'],
    ['a + CN=root', 'a %2B CN=root'],
    ['#1', '#1'],
    [' ', '%20'],
    ['back\\slash', 'back\\slash'],
    ['\\0A', '\\0A'],
    [' led  on ', '%20led  on%20'],
    ['new\r\nline', 'new%0D%0Aline'],
    ['\u0001\t', '%01%09'],
    ['100 %', '100 %25'],
    ['é, ü', '%C3%A9%2C %C3%BC'],
  ])('has of a certificate %j as %j', (name, text) => {
    const { certPem } = authority.issue('client', { subject: { O: name, CN: 'alice' } });
    const [line] = clientCertificateLines(new X509Certificate(certPem)).split('\r\n');
    expect(line).toBe(`X-Client-Cert-Subject: O=${text}, CN=alice`);
  });

  it('is cut where it would be too long', () => {
    expect(subjectText(`CN=${'x'.repeat(5000)}`)).toHaveLength(1024);
  });
});
