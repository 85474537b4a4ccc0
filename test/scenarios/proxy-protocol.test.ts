import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { parseProxyHeader } from '../../src/accept/proxy-protocol.ts';
import { TestAuthority } from '../support/certificates.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { field, ipv4Block, summed, v2 } from '../support/proxy-bytes.ts';
import { connectTo, RawClient, sendAll } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

const scraped = { admin: { bind: '127.0.0.1:0' } } as const;
const v1Header = 'PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n';
const tcpConfig = (backend: string, listener = {}, pool = {}) => ({
  ...scraped,
  listeners: { db: { protocol: 'tcp' as const, bind: '127.0.0.1:0', pool: 'db', ...listener } },
  pools: { db: { backends: [backend], health: { type: 'off' as const }, ...pool } },
});

/** A peer that greets, then keeps what it gets. */
async function keeper(greeting = '') {
  const got: string[] = [];
  const peer = await startPeer((socket) => {
    const index = got.push('') - 1;
    if (greeting !== '') socket.write(greeting);
    socket.setEncoding('latin1').on('data', (text: string) => {
      got[index] += text;
    });
  });
  return { ...peer, address: peer.address, got, until: peer.until };
}

describe('an http listener that expects PROXY headers', () => {
  it.each([
    ['v1', Buffer.from(v1Header)],
    ['v2', v2(0x21, 0x11, ipv4Block)],
    ['v2 with fields', summed(field(2, 'a.test'))],
  ])('takes the client for the one that the header names: %s', async (_, header) => {
    const backend = await startBackend(answerText('ok'));
    const lb = await runFairlead({
      ...webConfig([backend.address], { proxyProtocol: true, trustProxies: ['192.0.2.0/24'] }),
    });
    const client = await connectTo(lb.address());
    client.send(Buffer.concat([header, Buffer.from(get('/', 'X-Forwarded-For: 203.0.113.9'))]));
    expect((await client.answer()).status).toBe(200);
    client.send(get('/second'));
    expect((await client.answer()).status).toBe(200);
    expect(fieldOf(backend.requests[0]!, 'x-forwarded-for')).toBe('203.0.113.9, 192.0.2.1');
    expect(fieldOf(backend.requests[1]!, 'x-forwarded-for')).toBe('192.0.2.1');
  });

  it('takes a header that comes byte by byte, and keeps the real client when it says nothing', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { proxyProtocol: true }));
    for (const header of [summed(field(5, 'id')), Buffer.from('PROXY UNKNOWN\r\n'), v2(0x20, 0, Buffer.alloc(0))]) {
      const client = await connectTo(lb.address());
      for (const byte of header) {
        client.send(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await client.send(get()).answer()).status).toBe(200);
    }
    expect(backend.requests.map((request) => fieldOf(request, 'x-forwarded-for'))).toEqual([
      '192.0.2.1',
      '127.0.0.1',
      '127.0.0.1',
    ]);
  });

  it('refuses what comes without a proper header, counts it and asks no backend', async () => {
    const backend = await startBackend();
    const lb = await runFairlead({ ...webConfig([backend.address], { proxyProtocol: true }), ...scraped });
    const bad = [get(), `${v1Header.replace('4660', '99999')}${get()}`, v2(0x21, 0x55, ipv4Block)];
    for (const bytes of bad) expect((await sendAll(lb.address(), bytes)).text).toBe('');
    expect(await metric(lb, 'refusals_total', { listener: 'web', reason: 'proxy-header' })).toBe(bad.length);
    expect(await metric(lb, 'connections_active', { listener: 'web' })).toBe(0);
    expect(backend.connections).toHaveLength(0);
  });

  it('waits for a header no longer than for a head', async () => {
    const lb = await runFairlead({
      ...webConfig(['127.0.0.1:1'], { proxyProtocol: true, timeouts: { header: '50ms' } }),
      ...scraped,
    });
    const silent = await connectTo(lb.address());
    const slow = (await connectTo(lb.address())).send('PROXY TCP4 192.0');
    await Promise.all([silent.ended(), slow.ended()]);
    expect(await metric(lb, 'refusals_total', { listener: 'web', reason: 'proxy-timeout' })).toBe(2);
    expect(await metric(lb, 'connections_active', { listener: 'web' })).toBe(0);
  });

  it('gives the place of a client back that leaves amid its header', async () => {
    const lb = await runFairlead({ ...webConfig(['127.0.0.1:1'], { proxyProtocol: true }), ...scraped });
    (await connectTo(lb.address())).send('PROXY ').end();
    (await connectTo(lb.address())).send('PROXY ').reset();
    await eventually(async () => (await metric(lb, 'connections_total', { listener: 'web' })) === 2, 'accepting both');
    await eventually(async () => (await metric(lb, 'connections_active', { listener: 'web' })) === 0, 'leaving');
  });

  it('takes the header before TLS', async () => {
    const authority = new TestAuthority();
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { proxyProtocol: true, tls: authority.for('a.test') }));
    const raw = await connectTo(lb.address());
    raw.socket.removeAllListeners('data');
    raw.send(summed());
    const socket = tls.connect({ socket: raw.socket, servername: 'a.test', ca: authority.root.certPem });
    remember({ close: () => socket.destroy() });
    await once(socket, 'secureConnect');
    const client = new RawClient(socket as never);
    for (let i = 0; i < 2; i++) expect((await client.send(get()).answer()).status).toBe(200);
    expect(fieldOf(backend.requests[0]!, 'x-forwarded-for')).toBe('192.0.2.1');
    expect(fieldOf(backend.requests[0]!, 'x-forwarded-proto')).toBe('https');
  });
});

describe('a client of HTTP/2', () => {
  it('is named to backends as the header before its TLS has named it', async () => {
    const authority = new TestAuthority();
    const peer = await startPeer((socket) => {
      socket.setEncoding('latin1').once('data', (text: string) => {
        socket.end(answerText(text.slice(0, text.indexOf('\r\n')), '200 OK', ['Connection: close']));
      });
    });
    const lb = await runFairlead(
      webConfig(
        [peer.address],
        { proxyProtocol: true, tls: authority.for('a.test') },
        { connect: { proxyProtocol: 'v1' } },
      ),
    );
    const raw = net.connect(Number(lb.address().split(':')[1]), '127.0.0.1');
    raw.write(v1Header);
    const session = http2.connect('https://a.test', {
      createConnection: () =>
        tls.connect({ socket: raw, servername: 'a.test', ca: authority.root.certPem, ALPNProtocols: ['h2'] }),
    });
    remember({ close: () => session.destroy() });
    const stream = session.request({ ':path': '/' }).setEncoding('latin1');
    let body = '';
    for await (const chunk of stream) body += chunk;
    expect(body).toBe(v1Header.trimEnd());
  });

  it('is told of in version 2 with all that its header and its TLS have shown', async () => {
    const [authority, clients] = [new TestAuthority(), new TestAuthority('Clients')];
    const heard: Buffer[] = [];
    const peer = await startPeer((socket) => {
      let got = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
        if (!got.includes('\r\n\r\n', 16)) return;
        heard.push(got);
        socket.end(answerText('ok', '200 OK', ['Connection: close']));
      });
    });
    const lb = await runFairlead(
      webConfig(
        [peer.address],
        { proxyProtocol: true, tls: { ...authority.for('a.test'), clientCa: clients.root.files.cert } },
        { connect: { proxyProtocol: 'v2' } },
      ),
    );
    const { certPem: cert, keyPem: key } = clients.issue('alice', { subject: { O: 'Example', CN: 'alice' } });
    const about = { servername: 'a.test', ca: authority.root.certPem, cert, key, ALPNProtocols: ['h2'] };
    const sessions: Buffer[] = [];
    for (const flags of [0x07, 0x05]) {
      const raw = net.connect(Number(lb.address().split(':')[1]), '127.0.0.1');
      raw.write(summed(field(5, 'id-1')));
      const socket = tls.connect({ socket: raw, ...about, ...(sessions[0] && { session: sessions[0] }) });
      socket.on('session', (ticket) => sessions.push(ticket));
      const session = http2.connect('https://a.test', { createConnection: () => socket });
      remember({ close: () => session.destroy() });
      await once(session.request({ ':path': '/' }).resume(), 'close');
      await eventually(() => sessions.length > 0, 'a ticket');
      expect(socket.isSessionReused()).toBe(flags === 0x05);
      const parsed = parseProxyHeader(heard.at(-1)!);
      const tlsField = Buffer.concat([Buffer.from([flags, 0, 0, 0, 0]), field(0x21, 'TLSv1.3'), field(0x22, 'alice')]);
      expect(parsed).toMatchObject({
        state: 'done',
        proxied: {
          ends: { sourceAddress: '192.0.2.1', localPort: 443 },
          uniqueId: Buffer.from('id-1'),
          authority: Buffer.from('a.test'),
          alpn: Buffer.from('h2'),
          tls: tlsField,
        },
      });
    }
  });
});

describe('a tcp listener that expects PROXY headers', () => {
  it('relays what comes behind the header, with it or later, and hashes by the client it names', async () => {
    const peer = await keeper('hello');
    const lb = await runFairlead({
      ...tcpConfig(peer.address, { proxyProtocol: true }),
      log: { level: 'silent', access: true },
    });
    const client = await connectTo(lb.address('db'));
    client.send(`${v1Header}one `);
    await client.until(() => client.text === 'hello', 'greeting');
    client.send('two').end();
    await peer.until(() => peer.got[0] === 'one two');
    await client.ended();
    await eventually(async () => lb.accessLines.length === 1, 'a line');
    expect(JSON.parse(lb.accessLines[0]!)).toMatchObject({ client: '192.0.2.1', bytesIn: 7 });
  });

  it('refuses a connection without one', async () => {
    const peer = await keeper();
    const lb = await runFairlead(tcpConfig(peer.address, { proxyProtocol: true, timeouts: { opening: '1s' } }));
    expect(await sendAll(lb.address('db'), 'SELECT 1')).toEqual({ text: '', ending: 'reset' });
    await (await connectTo(lb.address('db'))).ended();
    await eventually(
      async () => (await metric(lb, 'refusals_total', { listener: 'db' })) >= 2,
      'the count of two refusals',
    );
    expect(await metric(lb, 'refusals_total', { listener: 'db', reason: 'proxy-header' })).toBe(1);
    expect(await metric(lb, 'refusals_total', { listener: 'db', reason: 'proxy-timeout' })).toBe(1);
    expect(peer.taken).toBe(0);
  });
});

describe('a pool that sends PROXY headers', () => {
  it('tells a tcp backend of its client, before anything else', async () => {
    const peer = await keeper();
    const lb = await runFairlead(tcpConfig(peer.address, {}, { connect: { proxyProtocol: 'v1' } }));
    const client = await connectTo(lb.address('db'));
    client.send('data');
    const port = lb.address('db').split(':')[1];
    const header = `PROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} ${port}\r\n`;
    await peer.until(() => peer.got[0] === `${header}data`);
  });

  it('passes on in version 2 what it was told, and what TLS has shown', async () => {
    const peer = await keeper();
    const authority = new TestAuthority();
    const lb = await runFairlead(
      tcpConfig(
        peer.address,
        { proxyProtocol: true, tls: { ...authority.for('a.test'), alpn: ['http/1.1'] } },
        { connect: { proxyProtocol: 'v2' } },
      ),
    );
    let session: Buffer | undefined;
    for (const [index, resumed] of [false, true].entries()) {
      const raw = await connectTo(lb.address('db'));
      raw.send(summed(field(5, 'id-1')));
      const socket = tls.connect({
        socket: raw.socket,
        servername: 'a.test',
        ca: authority.root.certPem,
        ALPNProtocols: ['http/1.1'],
        maxVersion: 'TLSv1.2',
        ...(session && { session }),
      });
      remember({ close: () => socket.destroy() });
      await once(socket, 'secureConnect');
      session = socket.getSession();
      expect(socket.isSessionReused()).toBe(resumed);
      socket.write('data');
      await peer.until(() => peer.got[index]?.endsWith('data') === true);
      const parsed = parseProxyHeader(Buffer.from(peer.got[index]!, 'latin1'));
      expect(parsed).toMatchObject({
        state: 'done',
        end: peer.got[index]!.length - 4,
        proxied: {
          ends: { sourceAddress: '192.0.2.1', sourcePort: 0x1234, localAddress: '198.51.100.2', localPort: 443 },
          uniqueId: Buffer.from('id-1'),
          authority: Buffer.from('a.test'),
          alpn: Buffer.from('http/1.1'),
        },
      });
    }
  });

  it('tells in version 2 which name a client has asked for whose TLS it does not end', async () => {
    const peer = await keeper();
    const routes = { pool: undefined, routes: [{ match: { sni: 'a.test' }, pool: 'db' }] };
    const lb = await runFairlead(tcpConfig(peer.address, routes, { connect: { proxyProtocol: 'v2' } }));
    const raw = await connectTo(lb.address('db'));
    const socket = tls.connect({ socket: raw.socket, servername: 'a.test' }).on('error', () => {});
    remember({ close: () => socket.destroy() });
    await peer.until(() => (peer.got[0]?.length ?? 0) > 300);
    const parsed = parseProxyHeader(Buffer.from(peer.got[0]!, 'latin1'));
    expect(parsed).toMatchObject({ state: 'done', proxied: { authority: Buffer.from('a.test') } });
    expect(parsed).not.toHaveProperty('proxied.alpn');
  });

  it('names both ends in one family, though one of them be an IPv4 address in IPv6', async () => {
    const peer = await keeper();
    const lb = await runFairlead(
      tcpConfig(peer.address, { proxyProtocol: true }, { connect: { proxyProtocol: 'v2' } }),
    );
    const client = await connectTo(lb.address('db'));
    client.send('PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 2\r\ndata');
    await peer.until(() => peer.got[0]?.endsWith('data') === true);
    const parsed = parseProxyHeader(Buffer.from(peer.got[0]!, 'latin1'));
    const ends = { sourceAddress: '2001:db8::1', localAddress: '::ffff:192.0.2.1', sourcePort: 1, localPort: 2 };
    expect(parsed).toMatchObject({ state: 'done', proxied: { ends } });
  });

  it('gives every http request a connection of its own, which names its client', async () => {
    const backend = await startBackend((_, connection) => {
      connection.text = connection.text.slice(0, connection.text.indexOf('\r\n'));
      return answerText('ok');
    });
    const config = webConfig([backend.address], {}, { connect: { proxyProtocol: 'v1' } });
    const peer = await startPeer((socket) => {
      socket.setEncoding('latin1').once('data', (text: string) => {
        socket.write(answerText(text.slice(0, text.indexOf('\r\n'))));
      });
    });
    const lb = await runFairlead({ ...config, pools: { web: { ...config.pools!['web']!, backends: [peer.address] } } });
    const client = await connectTo(lb.address());
    const ports = `${client.socket.localPort} ${lb.address().split(':')[1]}`;
    for (let i = 0; i < 3; i++) {
      expect((await client.send(get()).answer()).body).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${ports}`);
    }
    expect(peer.taken).toBe(3);
  });
});

describe('health probes of a pool that sends PROXY headers', () => {
  const local = v2(0x20, 0, Buffer.alloc(0)).toString('latin1');
  const own = (port: string) => `PROXY TCP4 127.0.0.1 127.0.0.1 0 ${port}\r\n`;
  const probes = { tcp: '', http: 'GET / HTTP/1.1\r\n', grpc: 'PRI * HTTP/2.0\r\n' } as const;

  it.each([
    ['v1', 'tcp', own],
    ['v1', 'http', own],
    ['v1', 'grpc', own],
    ['v2', 'tcp', () => local],
    ['v2', 'http', () => local],
    ['v2', 'grpc', () => local],
  ] as const)('begin with one that speaks for nobody else: %s, %s', async (proxyProtocol, type, opening) => {
    const peer = await keeper();
    await runFairlead(tcpConfig(peer.address, {}, { connect: { proxyProtocol }, health: { type, timeout: '300ms' } }));
    const expected = `${opening(peer.address.split(':')[1]!)}${probes[type]}`;
    const withoutPort = () => peer.got[0]?.replace(/(1 )\d+( \d+\r\n)/, '$10$2').slice(0, expected.length);
    await eventually(() => withoutPort() === expected, expected).catch(() => expect(withoutPort()).toBe(expected));
  });

  it.each(['v1', 'v2'] as const)('are understood before TLS by another instance: %s', async (proxyProtocol) => {
    const authority = new TestAuthority();
    const behind = await runFairlead({
      listeners: {
        web: {
          protocol: 'http',
          bind: '127.0.0.1:0',
          proxyProtocol: true,
          tls: authority.for('127.0.0.1'),
          routes: [{ respond: { status: 200, body: 'ok' } }],
        },
      },
      pools: {},
    });
    const connect = { proxyProtocol, tls: { ca: authority.root.files.cert } };
    const config = webConfig([behind.address()], {}, { connect, health: { type: 'http', interval: '50ms' } });
    const lb = await runFairlead({ ...config, ...scraped });
    expect(await metric(lb, 'backend_up', { pool: 'web' })).toBe(1);
    expect((await (await connectTo(lb.address())).send(get()).answer()).body).toBe('ok');
  });

  it('begin with none on a port of their own', async () => {
    const [peer, probed] = [await keeper(), await keeper()];
    const health = { type: 'http', port: Number(probed.address.split(':')[1]), timeout: '300ms' } as const;
    await runFairlead(tcpConfig(peer.address, {}, { connect: { proxyProtocol: 'v1' }, health }));
    await probed.until(() => probed.got[0]?.startsWith('GET / ') === true);
  });
});
