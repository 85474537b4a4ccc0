import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { configOf, messageOf, yaml } from './loading.ts';

afterEach(closeOpened);

/** Loads a config beside the files of an authority: what is wrong, or else what is warned of, with the places. */
async function loadBeside(authority: TestAuthority, tls: string, connect = '{}') {
  const path = join(authority.folder, 'fairlead.yaml');
  const text = `listeners:\n  web:\n    protocol: http\n    bind: ":1"\n    pool: app\n    tls: ${tls}\npools:\n  app:\n    backends: ["h:1"]\n    connect: ${connect}\n`;
  writeFileSync(path, text);
  const loaded = await loadConfig(path, { env: {} });
  const found = loaded.ok ? loaded.warnings : loaded.problems;
  return found.map(({ line, column, key, message }) => {
    return `${loaded.ok ? 'warning ' : ''}${line}:${column}: ${key}: ${message.replaceAll(`${authority.folder}/`, '')}`;
  });
}

describe('the files that tls names', () => {
  it('are seen from the config file, and are fine when they belong together', async () => {
    const authority = new TestAuthority();
    const { cert, key } = authority.for('a.test');
    expect(await loadBeside(authority, `{ cert: ${basename(cert)}, key: ${basename(key)} }`)).toEqual([]);
    expect(
      await loadBeside(authority, `[{ cert: ${cert}, key: ${key}, clientCa: root.pem, minVersion: 1.3 }]`),
    ).toEqual([]);
  });

  it.each([
    ['{ cert: none.pem, key: a.test.key }', '6:18: listeners.web.tls.cert: none.pem: there is no such file'],
    ['{ cert: a.test.pem, key: none }', '6:35: listeners.web.tls.key: none: there is no such file'],
    [
      '{ cert: a.test.key, key: a.test.key }',
      '6:18: listeners.web.tls.cert: a.test.key: there is no certificate in it, expected one in PEM',
    ],
    [
      '{ cert: a.test.pem, key: a.test.pem }',
      '6:35: listeners.web.tls.key: a.test.pem: there is no private key in it, expected one in PEM',
    ],
    [
      '[{ cert: a.test.pem, key: a.test.key }, { cert: a.test.pem, key: root.key }]',
      '6:75: listeners.web.tls[1].key: root.key: this is not the key of the certificate in a.test.pem',
    ],
    [
      '{ cert: broken.pem, key: a.test.key }',
      '6:18: listeners.web.tls.cert: broken.pem: a certificate in it cannot be read',
    ],
    [
      '{ cert: a.test.pem, key: locked.key }',
      '6:35: listeners.web.tls.key: locked.key: the key has a passphrase, expected one without',
    ],
    [
      '{ cert: a.test.pem, key: broken.key }',
      '6:35: listeners.web.tls.key: broken.key: the private key in it cannot be read',
    ],
    [
      '{ cert: a.test.pem, key: a.test.key, clientCa: broken.pem }',
      '6:57: listeners.web.tls.clientCa: broken.pem: a certificate in it cannot be read',
    ],
  ])('%s', async (tls, problem) => {
    const authority = new TestAuthority();
    authority.for('a.test');
    const write = (name: string, text: string) => writeFileSync(join(authority.folder, name), text);
    write('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    write('broken.key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    write('locked.key', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n');
    expect(await loadBeside(authority, tls)).toEqual([problem]);
  });

  it('are complained of beside everything else, and of what is wrong already no more', async () => {
    const authority = new TestAuthority();
    authority.for('a.test');
    expect(
      await loadBeside(
        authority,
        `[{ cert: none.pem, key: a.test.key }, { cert: "\${NONE}", key: a.test.key }]`,
        '{ tsl: 1 }',
      ),
    ).toEqual([
      '6:19: listeners.web.tls[0].cert: none.pem: there is no such file',
      expect.stringMatching(/^6:\d+: listeners\.web\.tls\[1]\.cert: the environment variable NONE is not set/),
      expect.stringMatching(/^10:\d+: pools\.app\.connect\.tsl: unknown key/),
    ]);
    const udp = 'protocol: udp, bind: ":1", pool: app, tls: { cert: none.pem, key: b }';
    expect(await messageOf(`listeners: { web: { ${udp} } }\npools: { app: { backends: ["h:1"] } }`)).toMatch(
      /^listeners\.web\.tls: unknown key, .*$/,
    );
    expect(await loadBeside(authority, '7', '{ tls: { ca: none.pem, cert: 1, key: x } }')).toEqual([
      expect.stringContaining('6:10: listeners.web.tls: got 7'),
      '10:27: pools.app.connect.tls.ca: none.pem: there is no such file',
      expect.stringContaining('10:43: pools.app.connect.tls.cert: got 1'),
    ]);
  });

  it('that are out of date are warned of', async () => {
    const authority = new TestAuthority();
    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    authority.issue('old', { subject: { CN: 'a' }, validFrom: -9, validTo: -2 });
    authority.issue('new', { subject: { CN: 'a' }, validFrom: 3 });
    expect(await loadBeside(authority, '[{ cert: old.pem, key: old.key }, { cert: new.pem, key: new.key }]')).toEqual([
      `warning 6:19: listeners.web.tls[0].cert: this certificate has expired on ${day(-2)}`,
      `warning 6:52: listeners.web.tls[1].cert: this certificate is not valid before ${day(3)}`,
    ]);
  });

  it('of connections to backends are read, too', async () => {
    const authority = new TestAuthority();
    authority.for('a.test');
    expect(await loadBeside(authority, 'false', '{ tls: { ca: none.pem } }')).toEqual([
      '10:27: pools.app.connect.tls.ca: none.pem: there is no such file',
    ]);
    expect(await loadBeside(authority, 'false', '{ tls: { cert: a.test.pem, key: root.key } }')).toEqual([
      '10:46: pools.app.connect.tls.key: root.key: this is not the key of the certificate in a.test.pem',
    ]);
  });
});

describe('what tls may say', () => {
  it.each([
    ['true', 'listeners.web.tls: got true, expected false, or an object, or a list'],
    ['a.test.pem', 'listeners.web.tls: got "a.test.pem", expected false, or an object, or a list'],
    ['[]', 'listeners.web.tls: got an empty list, expected at least one'],
    ['[7]', 'listeners.web.tls[0]: got 7, expected an object'],
    ['{ cert: a.test.pem }', 'listeners.web.tls.key: missing, expected the path of a PEM file'],
    [
      '{ cert: a.test.pem, key: a.test.key, minVersion: 1.1 }',
      'listeners.web.tls.minVersion: got 1.1, expected 1.2 or 1.3',
    ],
    [
      '{ cert: a.test.pem, key: a.test.key, alpn: [spdy] }',
      'listeners.web.tls.alpn[0]: got "spdy", expected h2 or http/1.1',
    ],
    [
      '[{ cert: a.test.pem, key: a.test.key }, { cert: a.test.pem, key: a.test.key, minVersion: 1.3 }]',
      'listeners.web.tls[1].minVersion: holds for the whole listener, expected it at the first certificate',
    ],
  ])('of a listener: %s', async (tls, message) => {
    const authority = new TestAuthority();
    authority.for('a.test');
    expect(await loadBeside(authority, tls)).toEqual([expect.stringMatching(/^6:\d+: /)]);
    expect((await loadBeside(authority, tls))[0]!.replace(/^\d+:\d+: /, '')).toBe(message);
  });

  it.each([
    ['connect: { tls: { cert: a } }', 'pools.app.connect.tls.cert: there is no key, expected both'],
    ['connect: { tls: { key: a } }', 'pools.app.connect.tls.key: there is no cert, expected both'],
    [
      'connect: { tls: { serverName: "a b" } }',
      'pools.app.connect.tls.serverName: got "a b", expected a host name or an IP address',
    ],
  ])('of a pool: %s', async (written, message) => {
    expect(await messageOf(yaml({ pool: written }))).toBe(message);
  });

  it('true is all defaults', async () => {
    const tlsOf = async (connect: string) =>
      (await configOf(yaml({ pool: `connect: ${connect}` }))).pools['app']!.connect.tls;
    expect(await tlsOf('{ tls: true }')).toEqual({ ca: '', serverName: '', cert: '', key: '', verify: true });
    expect(await tlsOf('{ tls: { verify: false } }')).toEqual({
      ca: '',
      serverName: '',
      cert: '',
      key: '',
      verify: false,
    });
    expect(await tlsOf('{ tls: false }')).toBeUndefined();
  });
});
