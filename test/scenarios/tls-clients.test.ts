import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo, sendAll } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, post } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { connectTls, refusalOf } from '../support/tls-client.ts';

afterEach(closeOpened);

const scraped = { admin: { bind: '127.0.0.1:0' } } as const;

describe('a listener with TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('serves requests over %s, and says so to the backend', async (version) => {
    const authority = new TestAuthority();
    const backend = await startBackend(answerText('x'.repeat(100_000)));
    const lb = await runFairlead(webConfig([backend.address], { tls: authority.for('localhost') }));
    const client = await connectTls(lb.address(), {
      ca: authority.root.certPem,
      servername: 'localhost',
      minVersion: version,
      maxVersion: version,
    });
    expect(client.socket.getProtocol()).toBe(version);
    for (let i = 0; i < 3; i++) {
      const answer = await client.send(post('/', 'y'.repeat(50_000), 'X-Forwarded-Proto: gopher')).answer();
      expect([answer.status, answer.body.length]).toEqual([200, 100_000]);
    }
    client.send(get('/a') + get('/b'));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([200, 200]);
    expect(backend.requests).toHaveLength(5);
    expect(fieldOf(backend.requests[0]!, 'x-forwarded-proto')).toBe('https');
    expect(backend.requests[0]!.body).toBe('y'.repeat(50_000));
  });

  it('shows the certificate of the name that is asked for, and the first one otherwise', async () => {
    const authority = new TestAuthority();
    const tls = [authority.for('a.test'), authority.for('*.b.test', 'b.test'), authority.for('x.b.test')];
    const lb = await runFairlead(webConfig(['127.0.0.1:1'], { tls }));
    const shown = async (servername?: string) => {
      const client = await connectTls(lb.address(), { rejectUnauthorized: false, ...(servername && { servername }) });
      return client.socket.getPeerCertificate().subject.CN;
    };
    expect(await shown('a.test')).toBe('a.test');
    expect(await shown('B.test')).toBe('*.b.test');
    expect(await shown('y.b.test')).toBe('*.b.test');
    expect(await shown('x.b.test')).toBe('x.b.test');
    expect(await shown('z.y.b.test')).toBe('a.test');
    expect(await shown('unknown')).toBe('a.test');
    expect(await shown()).toBe('a.test');
  });

  it('negotiates h2 before http/1.1, and refuses what it cannot speak', async () => {
    const lb = await runFairlead({
      ...webConfig(['127.0.0.1:1'], { tls: new TestAuthority().for('a.test') }),
      ...scraped,
    });
    for (const [ALPNProtocols, settled] of [
      [['http/1.0', 'http/1.1'], 'http/1.1'],
      [['http/1.1', 'h2'], 'h2'],
    ] as const) {
      const client = await connectTls(lb.address(), { rejectUnauthorized: false, ALPNProtocols: [...ALPNProtocols] });
      expect(client.socket.alpnProtocol).toBe(settled);
    }
    const old = await connectTls(lb.address(), { rejectUnauthorized: false, ALPNProtocols: ['http/1.0'] });
    expect(old.socket.alpnProtocol).toBe('http/1.0');
    expect(await refusalOf(lb.address(), { ALPNProtocols: ['acme-tls/1'] })).toBe(
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    );
    expect(await metric(lb, 'refusals_total', { reason: 'tls-handshake' })).toBe(1);
  });

  it('takes no older version than minVersion', async () => {
    const lb = await runFairlead(
      webConfig(['127.0.0.1:1'], { tls: { ...new TestAuthority().for('a'), minVersion: '1.3' } }),
    );
    expect(await refusalOf(lb.address(), { maxVersion: 'TLSv1.2' })).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await connectTls(lb.address(), { rejectUnauthorized: false });
  });

  it('tells a client that speaks plain HTTP, counts it and asks no backend', async () => {
    const backend = await startBackend();
    const lb = await runFairlead({
      ...webConfig([backend.address], { tls: new TestAuthority().for('a.test') }),
      ...scraped,
    });
    const { text } = await sendAll(lb.address(), get());
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(text).toContain('Fairlead-Error: bad-request\r\n');
    expect(text).toMatch(/\r\n\r\n.*HTTPS.*\n$/);
    expect(backend.connections).toHaveLength(0);
    expect(await metric(lb, 'refusals_total', { listener: 'web', reason: 'plain-http' })).toBe(1);
    expect(await metric(lb, 'connections_active', { listener: 'web' })).toBe(0);
  });

  it.each([
    ['bytes of something else', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a record that is too long', '\x16\x03\x01\xff\xff'],
    ['an alert', '\x15\x03\x01\x00\x02\x02\x28'],
  ])('refuses %s, counts it and asks no backend', async (_name, bytes) => {
    const backend = await startBackend();
    const lb = await runFairlead({
      ...webConfig([backend.address], { tls: new TestAuthority().for('a.test') }),
      ...scraped,
    });
    await sendAll(lb.address(), Buffer.from(bytes, 'latin1'));
    expect(backend.connections).toHaveLength(0);
    expect(await metric(lb, 'refusals_total', { reason: 'tls-handshake' })).toBe(1);
    expect(await metric(lb, 'connections_active')).toBe(0);
  });

  it.each(['off', 'v2'] as const)('ends a handshake that takes too long, and counts it: %s', async (proxyProtocol) => {
    const timeouts = { header: '150ms' };
    const tls = new TestAuthority().for('a');
    const lb = await runFairlead({
      ...webConfig(['127.0.0.1:1'], { tls, timeouts }, { connect: { proxyProtocol } }),
      ...scraped,
    });
    const client = await connectTo(lb.address());
    expect((await client.send('\x16\x03\x01').ended()).text).toBe('');
    expect(await metric(lb, 'refusals_total', { reason: 'tls-timeout' })).toBe(1);
    expect(await metric(lb, 'connections_active')).toBe(0);
  });

  it('counts a client that leaves amid the handshake, and refuses nothing', async () => {
    const lb = await runFairlead({
      ...webConfig(['127.0.0.1:1'], { tls: new TestAuthority().for('a.test') }),
      ...scraped,
    });
    (await connectTo(lb.address())).close();
    await eventually(async () => (await metric(lb, 'tls_handshakes_total', { result: 'aborted' })) === 1, 'the count');
    expect(await metric(lb, 'refusals_total')).toBe(0);
    expect(await metric(lb, 'connections_active')).toBe(0);
  });

  it('limits connections before their handshake', async () => {
    const limits = { connections: 1 };
    const lb = await runFairlead({
      ...webConfig(['127.0.0.1:1'], { tls: new TestAuthority().for('a'), limits }),
      ...scraped,
    });
    const first = await connectTo(lb.address());
    await eventually(async () => (await metric(lb, 'connections_active')) === 1, 'the first connection');
    expect(await refusalOf(lb.address(), {})).toBe('ECONNRESET');
    first.close();
    await eventually(async () => (await metric(lb, 'connections_active')) === 0, 'the end of the first connection');
    await connectTls(lb.address(), { rejectUnauthorized: false });
  });

  it('resumes sessions in any worker, also after a reload', async () => {
    const authority = new TestAuthority();
    const config = { ...webConfig(['127.0.0.1:1'], { tls: authority.for('a.test') }), workers: 2, ...scraped };
    const lb = await runFairlead(config);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const trusted = { ca: authority.root.certPem, servername: 'a.test', maxVersion };
      const first = await connectTls(lb.address(), trusted);
      const [session] =
        maxVersion === 'TLSv1.2' ? [first.socket.getSession()!] : ((await once(first.socket, 'session')) as [Buffer]);
      for (let i = 0; i < 6; i++) {
        if (i === 3) await lb.reloadWith({ ...config, limits: { connections: 100 + i } });
        expect((await connectTls(lb.address(), { ...trusted, session })).socket.isSessionReused()).toBe(true);
      }
    }
    expect(await metric(lb, 'tls_handshakes_total', { result: 'resumed' })).toBe(12);
    expect(await metric(lb, 'tls_handshakes_total', { result: 'full' })).toBe(2);
  });

  it('can be turned on and off by a reload, on the same port', async () => {
    const backend = await startBackend();
    const plain = webConfig([backend.address]);
    const secure = webConfig([backend.address], { tls: new TestAuthority().for('a.test') });
    const lb = await runFairlead(plain);
    const before = await connectTo(lb.address());
    await before.send(get()).answer();
    await lb.reloadWith(secure);
    const client = await connectTls(lb.address(), { rejectUnauthorized: false });
    expect((await client.send(get()).answer()).status).toBe(200);
    expect((await before.send(get()).answer()).status).toBe(200);
    await lb.reloadWith(plain);
    expect((await (await connectTo(lb.address())).send(get()).answer()).status).toBe(200);
  });
});
