import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONGEST_HELLO, parseClientHello } from '../../src/accept/client-hello.ts';

const number = (value: number, width: number) => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return bytes;
};
const vector = (width: number, ...parts: readonly (Uint8Array | string)[]) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([number(body.length, width), body]);
};
const extension = (type: number, ...parts: readonly (Uint8Array | string)[]) =>
  Buffer.concat([number(type, 2), vector(2, ...parts)]);
const sni = (name: string) => extension(0, vector(2, Buffer.from([0]), vector(2, name)));
const alpn = (...names: string[]) => extension(16, vector(2, ...names.map((name) => vector(1, name))));
const grease = extension(0x2a2a);

/** The body of a hello with these extensions. */
function body(extensions: readonly Uint8Array[], { session = 32, suites = 2, compression = 1 } = {}): Buffer {
  const rest = [
    vector(1, Buffer.alloc(session)),
    vector(2, Buffer.alloc(suites)),
    vector(1, Buffer.alloc(compression)),
  ];
  return Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32), ...rest, vector(2, ...extensions)]);
}
const message = (hello: Buffer, type = 1) => Buffer.concat([Buffer.from([type]), vector(3, hello)]);
const record = (part: Uint8Array, type = 22) => Buffer.concat([Buffer.from([type, 3, 1]), vector(2, part)]);
const hello = (...extensions: readonly Uint8Array[]) => record(message(body(extensions)));

/** The first bytes that a real client sends. */
async function realHello(options: tls.ConnectionOptions): Promise<Buffer> {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = tls.connect({ port: (listener.address() as net.AddressInfo).port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(listener, 'connection')) as [net.Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  listener.close();
  return bytes;
}

describe('a ClientHello', () => {
  it.each([
    ['of TLS 1.3', { minVersion: 'TLSv1.3' as const }],
    ['of TLS 1.2', { maxVersion: 'TLSv1.2' as const }],
  ])('of OpenSSL is read: %s', async (_, options) => {
    const named = await realHello({ servername: 'Db.Example.com', ALPNProtocols: ['h2', 'http/1.1'], ...options });
    expect(parseClientHello(named)).toEqual({ serverName: 'db.example.com', alpn: ['h2', 'http/1.1'] });
    expect(parseClientHello(await realHello(options))).toEqual({ serverName: '', alpn: [] });
  });

  it('shows its name and protocols, without the made-up ones', () => {
    expect(parseClientHello(hello(grease, sni('a.test'), alpn('\x1a\x1a', 'h2'), extension(0xfe0d, 'ech')))).toEqual({
      serverName: 'a.test',
      alpn: ['h2'],
    });
    expect(parseClientHello(hello(sni('A.Test.')))).toMatchObject({ serverName: 'a.test' });
  });

  it('may have no extensions at all', () => {
    const bare = body([]);
    expect(parseClientHello(record(message(bare.subarray(0, bare.length - 2))))).toEqual({ serverName: '', alpn: [] });
  });

  it('is waited for until its last byte, in any number of records', () => {
    const whole = message(body([sni('a.test'), alpn('h2')]));
    for (const size of [1, 3, 50, whole.length]) {
      const parts = [];
      for (let at = 0; at < whole.length; at += size) parts.push(record(whole.subarray(at, at + size)));
      const bytes = Buffer.concat(parts);
      for (let length = 0; length < bytes.length; length++) {
        expect(parseClientHello(bytes.subarray(0, length))).toBe('more');
      }
      const read = { serverName: 'a.test', alpn: ['h2'] };
      expect(parseClientHello(bytes)).toEqual(read);
      expect(parseClientHello(Buffer.concat([bytes, record(Buffer.from('early data'), 23)]))).toEqual(read);
    }
  });

  it.each(['GET / HTTP/1.1\r\n', 'SSH-2.0-x\r\n', '\x00', '\x15\x03\x01', '\x16\x02'])('is not %j', (text) => {
    expect(parseClientHello(Buffer.from(text, 'latin1'))).toBe('plain');
  });

  it.each([
    ['another message', record(message(body([]), 2))],
    ['an empty record', record(Buffer.alloc(0))],
    ['a record that is too long', Buffer.concat([Buffer.from([22, 3, 1]), number(2 ** 14 + 1, 2)])],
    ['a hello that is too long', record(Buffer.concat([Buffer.from([1]), number(LONGEST_HELLO, 3)]))],
    ['a hello that is too short', record(message(Buffer.alloc(40)))],
    ['another record amid it', Buffer.concat([record(message(body([])).subarray(0, 20)), record(Buffer.alloc(1), 23)])],
    ['a session id of 33 bytes', record(message(body([], { session: 33 })))],
    ['no cipher suite', record(message(body([], { suites: 0 })))],
    ['half a cipher suite', record(message(body([], { suites: 3 })))],
    ['no compression method', record(message(body([], { compression: 0 })))],
    ['bytes behind the extensions', record(message(Buffer.concat([body([]), Buffer.from('x')])))],
    ['an extension beyond the end', hello(Buffer.concat([number(5, 2), number(9, 2)]))],
    ['an extension twice', hello(sni('a.test'), sni('b.test'))],
    ['two names', hello(extension(0, vector(2, Buffer.from([0]), vector(2, 'a'), Buffer.from([0]), vector(2, 'b'))))],
    ['a name of another type', hello(extension(0, vector(2, Buffer.from([1]), vector(2, 'a'))))],
    ['no name in the list', hello(extension(0, vector(2)))],
    ['an empty name', hello(sni(''))],
    ['a name with a zero byte', hello(sni('a\0.test'))],
    ['a name that is too long', hello(sni('a'.repeat(256)))],
    ['bytes behind the names', hello(extension(0, vector(2, Buffer.from([0]), vector(2, 'a')), 'x'))],
    ['no protocol', hello(extension(16, vector(2)))],
    ['an empty protocol', hello(alpn(''))],
  ])('is malformed with %s', (_, bytes) => {
    expect(parseClientHello(bytes)).toBe('malformed');
  });

  it('never throws, whatever is changed in it', () => {
    const good = hello(grease, sni('a.test'), alpn('h2', 'http/1.1'));
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.nat(good.length), (changes, length) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        parseClientHello(bytes.subarray(0, length));
      }),
      { numRuns: 2000 },
    );
  });
});
