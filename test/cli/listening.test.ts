import { expect, it } from 'vitest';
import { listeningLines, urlOf } from '../../src/cli/listening.ts';

it('prints one line for each address, the admin server last', () => {
  const listeners = [
    { name: 'web', protocol: 'http', tls: false, addresses: [':8080', 'unix:/run/web.sock'] },
    { name: 'shop', protocol: 'http', tls: true, addresses: [':8443'] },
    { name: 'db', protocol: 'tcp', tls: false, addresses: ['127.0.0.1:5433'] },
    { name: 'mail', protocol: 'tcp', tls: true, addresses: ['127.0.0.1:993'] },
  ];
  expect(listeningLines({ listeners, adminAddresses: ['127.0.0.1:9900', '[::1]:9900'] }).split('\n')).toEqual([
    'listening web http://localhost:8080 (every interface)',
    'listening web unix:/run/web.sock',
    'listening shop https://localhost:8443 (every interface)',
    'listening db tcp://127.0.0.1:5433',
    'listening mail tls://127.0.0.1:993',
    'listening admin http://127.0.0.1:9900',
    'listening admin http://[::1]:9900',
    '',
  ]);
  expect(listeningLines({ listeners: [], adminAddresses: [] })).toBe('');
});

it.each([
  ['0.0.0.0:80', 'http://localhost:80 (every interface)'],
  ['[::]:80', 'http://localhost:80 (every interface)'],
  ['10.0.0.1:80', 'http://10.0.0.1:80'],
  ['example.com:80', 'http://example.com:80'],
  ['[2001:db8::]:80', 'http://[2001:db8::]:80'],
])('makes of %s the URL %s', (address, url) => {
  expect(urlOf({ protocol: 'http', tls: false }, address)).toBe(url);
});
