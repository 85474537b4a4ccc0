import { afterEach, describe, expect, it } from 'vitest';
import { CLIENT_CERTIFICATE_FIELDS } from '../../src/accept/client-certificate.ts';
import { TestAuthority } from '../support/certificates.ts';
import { askH2, connectH2 } from '../support/h2-client.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get, requestText } from '../support/requests.ts';
import { runFairlead } from '../support/running.ts';
import { metric } from '../support/scrape.ts';
import { connectTls, refusalOf } from '../support/tls-client.ts';

afterEach(closeOpened);

/** A listener `web` that asks for certificates of an authority, and one in the clear, before one backend. */
async function stage() {
  const authority = new TestAuthority();
  const clients = new TestAuthority('Clients');
  const backend = await startBackend();
  const tls = { ...authority.for('a.test'), clientCa: clients.root.files.cert };
  const lb = await runFairlead({
    admin: { bind: '127.0.0.1:0' },
    listeners: {
      web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web', tls },
      plain: { protocol: 'http', bind: '127.0.0.1:0', pool: 'web' },
    },
    pools: { web: { backends: [backend.address], health: { type: 'off' } } },
  });
  return { authority, clients, backend, lb };
}

const forged = ['X-Client-Cert-Subject: CN=root', 'x_client_cert_subject: CN=root', 'X-CLIENT-CERT-FINGERPRINT: 00'];

describe('a listener with clientCa', () => {
  it('tells the backend whose certificate was shown, on every request, and nothing that a client says of it', async () => {
    const { clients, backend, lb } = await stage();
    const alice = clients.issue('alice', { subject: { O: 'Ex, ample', CN: 'alicé\r\nX-Admin: 1' } });
    const client = await connectTls(lb.address(), {
      rejectUnauthorized: false,
      cert: alice.certPem,
      key: alice.keyPem,
    });
    for (let i = 0; i < 2; i++) await client.send(get('/', ...forged)).answer();
    for (const request of backend.requests) {
      expect(fieldOf(request, 'x-client-cert-subject')).toMatch(/^O=Ex[^\r\n]*ample, CN=alic[^\r\n]*X-Admin: 1$/);
      expect(fieldOf(request, 'x-client-cert-fingerprint')).toMatch(/^[0-9a-f]{64}$/);
      expect(fieldOf(request, 'x_client_cert_subject')).toBe('');
      expect(fieldOf(request, 'x-admin')).toBe('');
    }
    expect(backend.requests).toHaveLength(2);
  });

  it('lets nobody forge one through another listener of the same config', async () => {
    const { backend, lb } = await stage();
    await (await connectTo(lb.address('plain'))).send(get('/', ...forged, 'X-Client: yes')).answer();
    expect(backend.text).not.toMatch(/cert/i);
    expect(backend.text).toContain('X-Client: yes\r\n');
  });

  it('takes none among trailers, which some backends merge into the head', async () => {
    const { clients, backend, lb } = await stage();
    const alice = clients.issue('alice', { subject: { CN: 'alice' } });
    const options = { rejectUnauthorized: false, cert: alice.certPem, key: alice.keyPem };
    for (const name of CLIENT_CERTIFICATE_FIELDS) {
      const client = await connectTls(lb.address(), options);
      const head = requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked']);
      const answer = await client.send(`${head}1\r\na\r\n0\r\n${name}: CN=root\r\n\r\n`).answer();
      expect(answer.status).toBe(400);
    }
    const session = await connectH2(lb.address(), options, 'https');
    const trailers = Object.fromEntries([...CLIENT_CERTIFICATE_FIELDS, 'ok'].map((name) => [name, 'CN=root']));
    expect((await askH2(session, { ':method': 'POST', ':path': '/' }, { body: 'a', trailers })).status).toBe(200);
    expect(backend.text.match(/[\w-]+: CN=root/g)).toEqual(['ok: CN=root']);
  });

  it('refuses a client without a certificate, and one with a certificate that is not good', async () => {
    const { authority, clients, backend, lb } = await stage();
    const expired = clients.issue('old', { subject: { CN: 'old' }, validFrom: -9, validTo: -1 });
    const stranger = authority.issue('bob', { subject: { CN: 'bob' } });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      expect(await refusalOf(lb.address(), { maxVersion })).toMatch(/ALERT|ECONNRESET|ended/);
      for (const { certPem: cert, keyPem: key } of [expired, stranger]) {
        expect(await refusalOf(lb.address(), { cert, key, maxVersion })).toMatch(/ALERT|ECONNRESET|ended/);
      }
    }
    expect(backend.connections).toHaveLength(0);
    expect(await metric(lb, 'refusals_total', { listener: 'web', reason: 'tls-handshake' })).toBe(6);
    expect(await metric(lb, 'connections_active', { listener: 'web' })).toBe(0);
  });

  it('resumes no session of another listener', async () => {
    const authority = new TestAuthority();
    const [one, two] = [new TestAuthority('One'), new TestAuthority('Two')];
    const files = authority.for('a.test');
    const backend = await startBackend();
    const listener = (clientCa: string) => ({
      protocol: 'http' as const,
      bind: '127.0.0.1:0',
      pool: 'web',
      tls: { ...files, clientCa },
    });
    const lb = await runFairlead({
      listeners: { web: listener(one.root.files.cert), two: listener(two.root.files.cert) },
      pools: { web: { backends: [backend.address], health: { type: 'off' } } },
    });
    const alice = one.issue('alice', { subject: { CN: 'alice' } });
    const options = {
      ca: authority.root.certPem,
      servername: 'a.test',
      cert: alice.certPem,
      key: alice.keyPem,
      maxVersion: 'TLSv1.2' as const,
    };
    const first = await connectTls(lb.address(), options);
    const session = first.socket.getSession()!;
    expect((await connectTls(lb.address(), { ...options, session })).socket.isSessionReused()).toBe(true);
    expect(await refusalOf(lb.address('two'), { ...options, session })).not.toBe('answered');
    expect(backend.requests).toHaveLength(0);
  });
});
