import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type Issued, TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText } from '../support/recording-backend.ts';
import { get, post } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { startTlsPeer } from '../support/tls-peer.ts';

afterEach(closeOpened);

const scraped = { admin: { bind: '127.0.0.1:0' } } as const;

/** Answers every packet as a whole request. */
const answering = (socket: TLSSocket) => socket.on('data', () => socket.write(answerText('ok')));

/** Options of a backend that asks for a certificate, which over TLS 1.3 it gets when the client's handshake is done. */
const demanding = ({ root }: TestAuthority) => ({
  requestCert: true,
  ca: root.certPem,
  ALPNProtocols: ['h2', 'http/1.1'],
});

/** The one answer of a listener before a pool with these backends and this way of connecting. */
async function answerThrough(backends: readonly string[], tls: object | boolean, more: object = {}) {
  const lb = await runFairlead({
    ...webConfig([...backends], {}, { connect: { tls } as never, ...more }),
    ...scraped,
    log: { level: 'warn' },
  });
  const answer = await (await connectTo(lb.address())).send(get()).answer();
  return { lb, status: answer.status, body: answer.body };
}

/** A pool that trusts another authority than its backend's, until `trust` writes the right one into the file. */
async function distrusting() {
  const authority = new TestAuthority();
  const peer = await startTlsPeer(authority.for('127.0.0.1'), answering);
  const ca = join(authority.folder, 'trusted.pem');
  writeFileSync(ca, new TestAuthority('Other').root.certPem);
  const config = { ...webConfig([peer.address], {}, { connect: { tls: { ca } } }), watch: true };
  const lb = await runFairlead(config);
  return { peer, config, lb, trust: () => writeFileSync(ca, authority.root.certPem) };
}

describe('a pool over TLS', () => {
  it('checks the name and the chain, and keeps connections and sessions', async () => {
    const authority = new TestAuthority();
    const peer = await startTlsPeer(authority.for('app.test'), answering);
    const { lb, status } = await answerThrough(
      [peer.address],
      { ca: authority.root.files.cert, serverName: 'app.test' },
      { keepAlive: { max: 0 } },
    );
    expect(status).toBe(200);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 4; i++) expect((await client.send(get()).answer()).body).toBe('ok');
    expect(peer.names).toEqual(new Array(5).fill('app.test'));
    expect(peer.handshakes).toEqual({ full: 1, resumed: 4 });
    await lb.reloadWith({ ...webConfig([peer.address], {}, { connect: { tls: { verify: false } } }), ...scraped });
    for (let i = 0; i < 3; i++) expect((await client.send(get()).answer()).body).toBe('ok');
    expect(peer.handshakes).toEqual({ full: 2, resumed: 4 });
  });

  it('checks an IP address against the addresses of the certificate, and asks for no name', async () => {
    const authority = new TestAuthority();
    const tls = { ca: authority.root.files.cert };
    const right = await startTlsPeer(authority.for('127.0.0.1'), answering);
    expect((await answerThrough([right.address], tls)).status).toBe(200);
    expect(right.names).toEqual([false]);
    const wrong = await startTlsPeer(authority.for('127.0.0.2', 'localhost'), answering);
    expect((await answerThrough([wrong.address], tls)).body).toBe(
      'there is no TLS connection to the backend: its certificate is for IP Address:127.0.0.2, DNS:localhost, not for 127.0.0.1\n',
    );
  });

  const issues: [string, (authority: TestAuthority) => Issued['files'], object, string][] = [
    [
      'a certificate for another name',
      (a) => a.for('b.test'),
      { serverName: 'a.test' },
      'its certificate is for DNS:b.test, not for a.test',
    ],
    [
      'an expired certificate',
      (a) => a.issue('old', { subject: { CN: 'a.test' }, names: ['a.test'], validFrom: -9, validTo: -1 }).files,
      { serverName: 'a.test' },
      'its certificate has expired',
    ],
    [
      'a certificate of the future',
      (a) => a.issue('new', { subject: { CN: 'a.test' }, names: ['a.test'], validFrom: 1 }).files,
      { serverName: 'a.test' },
      'its certificate is not valid yet',
    ],
    ['a self-signed certificate', () => new TestAuthority('a.test').root.files, {}, 'its certificate is self-signed'],
    [
      'an unknown authority',
      () => new TestAuthority('Other').for('a.test'),
      { serverName: 'a.test' },
      'its certificate is from an unknown authority, or its chain is incomplete',
    ],
  ];
  it.each(issues)('has no connection over %s, and says why everywhere', async (_name, issue, more, cause) => {
    const authority = new TestAuthority();
    let bytes = 0;
    const peer = await startTlsPeer(issue(authority), (socket) => socket.on('data', () => bytes++));
    const { lb, status, body } = await answerThrough([peer.address], { ca: authority.root.files.cert, ...more });
    expect([status, body]).toEqual([502, `there is no TLS connection to the backend: ${cause}\n`]);
    await eventually(
      () => lb.logLines.some((line) => line.includes(`no TLS connection: ${cause}`)),
      'the line of the log',
    );
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-tls' })).toBe(1);
    const probed = await answerThrough(
      [peer.address],
      { ca: authority.root.files.cert, ...more },
      { health: { interval: '5s' } },
    );
    expect(probed.status).toBe(503);
    const pool = await (await fetch(`http://${probed.lb.adminAddresses[0]}/api/pools/web`)).json();
    expect((pool as { backends: object[] }).backends[0]).toMatchObject({
      health: 'down',
      healthReason: `no TLS connection: ${cause}`,
    });
    expect(bytes).toBe(0);
  });

  it.each([
    ['TLSv1.2', false, 'handshake failure'],
    ['TLSv1.3', false, 'certificate required'],
    ['TLSv1.3', true, 'certificate required'],
  ] as const)('says everywhere that a certificate is wanted: %s, HTTP/2 %s', async (maxVersion, http2, alert) => {
    const authority = new TestAuthority();
    const peer = await startTlsPeer(authority.for('127.0.0.1'), answering, { ...demanding(authority), maxVersion });
    const tls = { ca: authority.root.files.cert };
    const cause = `it refused the handshake: ${alert}`;
    const { lb, status, body } = await answerThrough([peer.address], tls, { connect: { tls, http2 } });
    expect([status, body]).toEqual([502, `there is no TLS connection to the backend: ${cause}\n`]);
    await (await connectTo(lb.address())).send(post('/', 'x')).answer();
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-tls' })).toBe(2);
    expect(await metric(lb, 'backend_failures_total')).toBe(2);
    expect(lb.logLines.filter((line) => line.includes(`no TLS connection: ${cause}`))).toHaveLength(1);
    for (const type of ['tcp', 'http', 'grpc'] as const) {
      const probed = await answerThrough([peer.address], tls, { health: { type, interval: '5s' } });
      const pool = await (await fetch(`http://${probed.lb.adminAddresses[0]}/api/pools/web`)).json();
      const [backend] = (pool as { backends: object[] }).backends;
      expect(backend).toMatchObject({ health: 'down', healthReason: `no TLS connection: ${cause}` });
    }
  });

  it('sends a request elsewhere that a backend has refused behind the handshake', async () => {
    const authority = new TestAuthority();
    const bad = await startTlsPeer(authority.for('127.0.0.1'), answering, demanding(authority));
    const good = await startTlsPeer(authority.for('127.0.0.1'), answering);
    const { lb, status } = await answerThrough([bad.address, good.address], { ca: authority.root.files.cert });
    expect(status).toBe(200);
    for (let i = 0; i < 4; i++) {
      const client = await connectTo(lb.address());
      expect((await client.send(post('/', 'x')).answer()).status).toBe(200);
    }
    expect(await metric(lb, 'retries_total', { reason: 'connect-tls' })).toBeGreaterThan(1);
    expect(bad.handshakes.full).toBe(0);
  });

  it('ends an L4 connection for that reason whose backend refuses behind the handshake', async () => {
    const authority = new TestAuthority();
    const peer = await startTlsPeer(authority.for('127.0.0.1'), answering, demanding(authority));
    const connect = { tls: { ca: authority.root.files.cert } };
    const lb = await runFairlead({
      ...scraped,
      listeners: { web: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' } },
      pools: { web: { backends: [peer.address], health: { type: 'off' }, connect } },
    });
    expect((await (await connectTo(lb.address())).ended()).ending).toBe('reset');
    expect(await metric(lb, 'connections_ended_total', { how: 'connect-tls' })).toBe(1);
    expect(await metric(lb, 'backend_failures_total', { reason: 'connect-tls' })).toBe(1);
  });

  it('goes on to another backend, as after any failed connect', async () => {
    const authority = new TestAuthority();
    const bad = await startTlsPeer(new TestAuthority('Other').for('127.0.0.1'), answering);
    const good = await startTlsPeer(authority.for('127.0.0.1'), answering);
    const plain = await startPeer((socket) => socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const tls = { ca: authority.root.files.cert };
    expect((await answerThrough([bad.address, good.address], tls)).status).toBe(200);
    const { body } = await answerThrough([plain.address], tls);
    expect(body).toBe('there is no TLS connection to the backend: it does not speak TLS\n');
  });

  it('trusts the authorities of the system unless told otherwise, and anybody when told so', async () => {
    const peer = await startTlsPeer(new TestAuthority().for('127.0.0.1'), answering);
    expect((await answerThrough([peer.address], true)).body).toContain('unknown authority');
    expect((await answerThrough([peer.address], { verify: false })).status).toBe(200);
  });

  it('shows a certificate of its own when it has one', async () => {
    const authority = new TestAuthority();
    const shown: unknown[] = [];
    const onConnection = (socket: TLSSocket) => {
      shown.push(socket.getPeerCertificate().subject.CN);
      answering(socket);
    };
    const peer = await startTlsPeer(authority.for('127.0.0.1'), onConnection, demanding(authority));
    const tls = { ca: authority.root.files.cert };
    expect((await answerThrough([peer.address], tls)).status).toBe(502);
    expect((await answerThrough([peer.address], { ...tls, ...authority.for('fairlead') })).status).toBe(200);
    expect(shown).toEqual(['fairlead']);
  });

  it('is probed over TLS, by connecting and by asking', async () => {
    const authority = new TestAuthority();
    const peer = await startTlsPeer(authority.for('127.0.0.1'), answering);
    const tls = { ca: authority.root.files.cert };
    for (const type of ['tcp', 'http'] as const) {
      const { lb, status } = await answerThrough([peer.address], tls, { health: { type, interval: '100ms' } });
      expect(status).toBe(200);
      expect(await metric(lb, 'backend_up')).toBe(1);
    }
  });

  it('takes an answer that ends with the connection only when it ends in order', async () => {
    const authority = new TestAuthority();
    let cut = false;
    const peer = await startTlsPeer(authority.for('127.0.0.1'), (socket) =>
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nhalf');
        if (cut) setTimeout(() => socket.destroy(), 50);
        else socket.end(' and half');
      }),
    );
    const lb = await runFairlead(
      webConfig([peer.address], {}, { connect: { tls: { ca: authority.root.files.cert } } }),
    );
    const whole = await (await connectTo(lb.address())).send(get()).ended();
    expect([whole.ending, whole.text.endsWith('half and half')]).toEqual(['fin', true]);
    cut = true;
    const half = await (await connectTo(lb.address())).send(get()).ended();
    expect(half.ending).toBe('reset');
  });

  it('carries L4 connections, half-close and reset included', async () => {
    const authority = new TestAuthority();
    const sockets: TLSSocket[] = [];
    const peer = await startTlsPeer(authority.for('127.0.0.1'), (socket) => {
      sockets.push(socket);
      let text = '';
      socket.on('data', (data) => (text += data)).on('end', () => socket.end(`got ${text}`));
    });
    const lb = await runFairlead({
      listeners: { web: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' } },
      pools: {
        web: { backends: [peer.address], health: { type: 'off' }, connect: { tls: { ca: authority.root.files.cert } } },
      },
    });
    const client = await connectTo(lb.address());
    expect((await client.send('hello').end().ended()).text).toBe('got hello');
    const other = await connectTo(lb.address());
    await eventually(() => sockets.length === 2, 'the second connection');
    const broken = once(sockets[1]!, 'error');
    other.reset();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('reads its files again when they change', async () => {
    const { lb, trust } = await distrusting();
    const client = await connectTo(lb.address());
    expect((await client.send(get()).answer()).status).toBe(502);
    trust();
    await eventually(async () => (await client.send(get()).answer()).status === 200, 'the new authority');
  });

  it('reads them again after a reload was refused, too', async () => {
    const { peer, config, lb, trust } = await distrusting();
    const taken = { protocol: 'tcp', bind: peer.address, pool: 'web' } as const;
    const { pools } = webConfig([peer.address]);
    const refused = lb.reloadWith({ listeners: { ...config.listeners, taken }, pools: pools!, watch: true });
    await expect(refused).rejects.toThrow('another process listens there');
    trust();
    const client = await connectTo(lb.address());
    await eventually(async () => (await client.send(get()).answer()).status === 200, 'the new authority');
  });

  it('may leave the config with its files', async () => {
    const authority = new TestAuthority();
    const peer = await startTlsPeer(authority.for('127.0.0.1'), answering);
    const tls = { ca: authority.root.files.cert, ...authority.for('fairlead') };
    const lb = await runFairlead(webConfig([peer.address], {}, { connect: { tls } }));
    const plain = await startPeer((socket) => socket.on('data', () => socket.write(answerText('plain'))));
    await lb.reloadWith(webConfig([plain.address]));
    expect((await (await connectTo(lb.address())).send(get()).answer()).body).toBe('plain');
    await lb.reloadWith({ ...webConfig([peer.address], {}, { connect: { tls } }) });
    expect((await (await connectTo(lb.address())).send(get()).answer()).body).toBe('ok');
  });
});
