import { describe, expect, it } from 'vitest';
import { subjectText } from '../../src/accept/client-certificate.ts';

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

  it('is cut where it would be too long', () => {
    expect(subjectText(`CN=${'x'.repeat(5000)}`)).toHaveLength(1024);
  });
});
