import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { TestAuthority } from '../support/certificates.ts';
import { startDeafListener } from '../support/deaf-listener.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, sendAll } from '../support/raw-client.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { connectTls } from '../support/tls-client.ts';

afterEach(closeOpened);

const health = { type: 'off' as const };

/** A backend that ends TLS and answers each connection with its name and what came. */
async function tlsPeer(name: string, pair: { certPem: string; keyPem: string }) {
  const peer = tls.createServer(
    { cert: pair.certPem, key: pair.keyPem, ALPNProtocols: ['h2', 'http/1.1'] },
    (socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => socket.end(`${name} ${bytes}`));
    },
  );
  peer.on('tlsClientError', () => {});
  peer.listen(0, '127.0.0.1');
  await once(peer, 'listening');
  remember({ close: () => peer.close() });
  return `127.0.0.1:${(peer.address() as { port: number }).port}`;
}

async function stage(more: object = {}) {
  const authority = new TestAuthority();
  const a = await tlsPeer('a', authority.issue('a', { subject: { CN: 'a.test' }, names: ['a.test'] }));
  const b = await tlsPeer('b', authority.issue('b', { subject: { CN: 'b.test' }, names: ['*.b.test'] }));
  const plain = await startPeer((socket) => {
    socket.write('hello');
    socket.once('data', (bytes) => socket.end(`plain ${bytes}`));
  });
  const config: ConfigInput = {
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      db: {
        protocol: 'tcp',
        bind: '127.0.0.1:0',
        timeouts: { opening: '20s' },
        routes: [
          { match: { sni: 'a.test', alpn: 'h2' }, pool: 'b' },
          { match: { sni: 'a.test' }, pool: 'a' },
          { match: { sni: '*.b.test' }, pool: 'b' },
        ],
        ...more,
      } as never,
    },
    pools: {
      a: { backends: [a], health },
      b: { backends: [b], health },
      plain: { backends: [plain.address], health },
    },
  };
  const lb = await runFairlead(config);
  const ask = async (servername: string, options: tls.ConnectionOptions = {}) => {
    const client = await connectTls(lb.address('db'), { servername, ca: authority.root.certPem, ...options });
    const { text } = await client.send('question').ended();
    client.close();
    return text;
  };
  return { lb, config, ask, authority };
}

const refused = (lb: RunningFairlead, reason: string) => metric(lb, 'refusals_total', { listener: 'db', reason });

describe('a tcp listener with routes by SNI', () => {
  it('passes TLS on to the backend of the name, which shows its own certificate', async () => {
    const { lb, ask } = await stage();
    expect(await ask('a.test')).toBe('a question');
    expect(await ask('x.b.test')).toBe('b question');
    expect(await ask('a.test', { maxVersion: 'TLSv1.2' })).toBe('a question');
    await expect(ask('a.test', { ALPNProtocols: ['h2'] })).rejects.toThrow(/altname/i);
    await eventually(async () => (await metric(lb, 'connections_active', { listener: 'db' })) === 0, 'the end of all');
  });

  it('tells a client by an alert that no route takes its name', async () => {
    const { lb, ask } = await stage();
    await expect(ask('c.test')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' });
    await expect(ask('')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' });
    expect(await refused(lb, 'no-route')).toBe(2);
    expect(await metric(lb, 'connections_active', { listener: 'db' })).toBe(0);
  });

  it('refuses what is no TLS, what is malformed and what does not come in time', async () => {
    const { lb } = await stage({ timeouts: { opening: '1s' } });
    expect(await sendAll(lb.address('db'), 'GET / HTTP/1.1\r\n\r\n')).toEqual({ text: '', ending: 'reset' });
    const malformed = await sendAll(lb.address('db'), Buffer.from('160301000401000001', 'hex'));
    expect(Buffer.from(malformed.text, 'latin1').toString('hex')).toBe('15030100020232');
    await (await connectTo(lb.address('db'))).send('\x16\x03\x01').ended();
    await (await connectTo(lb.address('db'))).ended();
    expect(await refused(lb, 'tls-hello')).toBe(1);
    expect(await refused(lb, 'tls-timeout')).toBe(1);
    expect(await refused(lb, 'no-route')).toBe(2);
  });

  it('gives what is no TLS to a route that does not ask for it, also when the backend speaks first', async () => {
    const { lb, ask } = await stage({
      timeouts: { opening: '1s' },
      routes: [{ match: { sni: 'a.test' }, pool: 'a' }, { pool: 'plain' }],
    });
    const talking = (await connectTo(lb.address('db'))).send('one');
    expect((await talking.ended()).text).toBe('helloplain one');
    const waiting = await connectTo(lb.address('db'));
    await waiting.until(() => waiting.text === 'hello', 'greeting');
    expect((await waiting.send('two').ended()).text).toBe('helloplain two');
    expect(await ask('a.test')).toBe('a question');
  });

  it.each([
    ['', {}],
    ['PROXY UNKNOWN\r\n', { proxyProtocol: true }],
  ])('takes who says nothing and ends at once for one whose backend speaks, after %j', async (first, more) => {
    const greeter = await startPeer((socket) => socket.end('hello'));
    const { lb, config } = await stage({
      routes: [{ match: { sni: 'a.test' }, pool: 'a' }, { pool: 'plain' }],
      ...more,
    });
    await lb.reloadWith({ ...config, pools: { ...config.pools, plain: { backends: [greeter.address], health } } });
    const client = await connectTo(lb.address('db'));
    expect(await client.send(first).end().ended()).toEqual({ text: 'hello', ending: 'fin' });
  });

  it('keeps what a client says that is late, while its backend is dialled', async () => {
    const deaf = await startDeafListener();
    const { lb, config } = await stage({
      timeouts: { opening: '50ms' },
      routes: [{ match: { sni: 'a.test' }, pool: 'a' }, { pool: 'plain' }],
    });
    await lb.reloadWith({
      ...config,
      pools: { ...config.pools, plain: { backends: [deaf.address], health, connect: { timeout: '500ms' } } },
    });
    const client = await connectTo(lb.address('db'));
    await eventually(async () => (await metric(lb, 'backend_active', { pool: 'plain' })) === 1, 'the dial');
    expect((await client.send('late').ended()).ending).toBe('reset');
    expect(await metric(lb, 'connections_ended_total', { listener: 'db', how: 'connect-timeout' })).toBe(1);
  });

  it('takes a hello that comes byte by byte', async () => {
    const { lb, authority } = await stage({ timeouts: { opening: '10s' } });
    const raw = net.connect(Number(lb.address('db').split(':')[1]), '127.0.0.1').setNoDelay();
    remember({ close: () => raw.destroy() });
    const through = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        void (async () => {
          for (const byte of chunk) {
            raw.write(Buffer.from([byte]));
            await new Promise((resolve) => setImmediate(resolve));
          }
          done();
        })();
      },
    });
    raw.on('data', (bytes) => through.push(bytes));
    raw.on('close', () => through.destroy(new Error('Fairlead ended the connection')));
    const socket = tls.connect({ socket: through, servername: 'x.b.test', ca: authority.root.certPem });
    remember({ close: () => socket.destroy() });
    await once(socket, 'secureConnect');
    socket.write('slow');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toBe('b slow');
  });

  it('routes by source alone without waiting for the client', async () => {
    const { lb } = await stage({
      routes: [
        { match: { source: '10.0.0.0/8' }, pool: 'a' },
        { match: { source: ['127.0.0.0/8'] }, pool: 'plain' },
      ],
      timeouts: { opening: '1h' },
    });
    const client = await connectTo(lb.address('db'));
    await client.until(() => client.text === 'hello', 'greeting');
  });

  it('routes by the name where it ends TLS itself, and takes a change of routes', async () => {
    const authority = new TestAuthority();
    const files = authority.for('p.test', 'q.test');
    const { lb } = await stage({
      tls: files,
      routes: [{ match: { sni: 'p.test' }, pool: 'plain' }],
    });
    const trust = { ca: authority.root.certPem, servername: 'p.test' };
    for (const servername of ['p.test', 'P.test', 'p.test.']) {
      const client = await connectTls(lb.address('db'), { ...trust, servername, checkServerIdentity: () => undefined });
      expect((await client.send('one').ended()).text).toBe('helloplain one');
    }
    const stranger = await connectTls(lb.address('db'), { ...trust, servername: 'q.test' });
    await stranger.ended();
    expect(await refused(lb, 'no-route')).toBe(1);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('routes by the name also when a session of %s goes on', async (version) => {
    const authority = new TestAuthority();
    const { lb } = await stage({
      tls: [authority.for('p.test'), authority.for('q.test')],
      routes: [{ match: { sni: 'p.test' }, pool: 'plain' }],
    });
    const trust = { ca: authority.root.certPem, servername: 'p.test', minVersion: version, maxVersion: version };
    let session: Buffer | undefined;
    for (const resumed of [false, true, true]) {
      const client = await connectTls(lb.address('db'), { ...trust, ...(session && { session }) });
      client.socket.on('session', (next) => (session = next));
      if (version === 'TLSv1.2') session = client.socket.getSession();
      expect((await client.send('one').ended()).text).toBe('helloplain one');
      expect(client.socket.isSessionReused()).toBe(resumed);
    }
    expect(await refused(lb, 'no-route')).toBe(0);
  });

  it('counts failed handshakes the same where it reads the name first', async () => {
    const { lb } = await stage({
      tls: new TestAuthority().for('p.test'),
      routes: [{ match: { sni: 'p.test' }, pool: 'plain' }],
    });
    await (await connectTo(lb.address('db'))).send('\x16\x03\x01').end().ended();
    await sendAll(lb.address('db'), 'GET / HTTP/1.1\r\n\r\n');
    await sendAll(lb.address('db'), Buffer.from('160301ffff', 'hex'));
    const ends = (result: string) => metric(lb, 'tls_handshakes_total', { listener: 'db', result });
    expect([await ends('aborted'), await ends('plain-http'), await ends('failed')]).toEqual([1, 1, 1]);
    expect(await metric(lb, 'connections_active', { listener: 'db' })).toBe(0);
  });
});
