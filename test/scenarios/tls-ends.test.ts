import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';
import { connectTls } from '../support/tls-client.ts';

afterEach(closeOpened);

const anybody = { rejectUnauthorized: false } as const;

async function relay(backend: string): Promise<RunningFairlead> {
  return runFairlead({
    listeners: { web: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web', tls: new TestAuthority().for('a.test') } },
    pools: { web: { backends: [backend], health: { type: 'off' } } },
  });
}

describe('the ends of a connection over TLS', () => {
  it('a client that ends its side in order still gets the answer', async () => {
    let text = '';
    const peer = await startPeer(
      (socket) => socket.on('data', (data) => (text += data)).on('end', () => socket.end(`got ${text.length}`)),
      { halfOpen: true },
    );
    const client = await connectTls((await relay(peer.address)).address(), anybody);
    const { text: answer, ending } = await client.send('x'.repeat(200_000)).end().ended();
    expect([answer, ending]).toEqual(['got 200000', 'fin']);
    await peer.until(() => peer.endings.length === 1);
    expect(peer.endings).toEqual(['fin']);
  });

  it('a FIN without close_notify is passed on as a reset', async () => {
    const peer = await startPeer((socket) => socket.on('data', () => {}), { halfOpen: true });
    const client = await connectTls((await relay(peer.address)).address(), anybody);
    client.send('half');
    await peer.until(() => peer.open === 1);
    client.close();
    await peer.until(() => peer.endings.length === 1);
    expect(peer.endings).toEqual(['reset']);
  });

  it('a backend that resets resets the client', async () => {
    const peer = await startPeer((socket) => socket.on('data', () => socket.resetAndDestroy()));
    const client = await connectTls((await relay(peer.address)).address(), anybody);
    expect((await client.send('x').ended()).ending).toBe('reset');
  });

  it('bytes that come before the backend is connected are not lost', async () => {
    const peer = await startPeer((socket) => socket.on('data', (data) => socket.write(data)));
    const lb = await relay(peer.address);
    for (let i = 0; i < 5; i++) {
      const client = await connectTls(lb.address(), anybody);
      client.send('y'.repeat(100_000));
      await client.until(() => client.text.length === 100_000, 'the echo');
      client.close();
    }
  });

  it('an http client is told the end of the last answer', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { tls: new TestAuthority().for('a.test') }));
    const client = await connectTls(lb.address(), anybody);
    const { text, ending } = await client.send(get('/', 'Connection: close')).ended();
    expect([text.endsWith('ok'), ending]).toEqual([true, 'fin']);
  });
});

describe('certificates that change', () => {
  it('are taken up without a restart; a broken pair is reported, and the old one stays', async () => {
    const authority = new TestAuthority();
    const issue = (commonName: string) => authority.issue('web', { subject: { CN: commonName } });
    const first = issue('first');
    const backend = await startBackend();
    const lb = await runFairlead({
      ...webConfig([backend.address], { tls: first.files }),
      watch: true,
      log: { level: 'info' },
    });
    const shown = async () => (await connectTls(lb.address(), anybody)).socket.getPeerCertificate().subject.CN;
    const before = await connectTls(lb.address(), anybody);
    expect(await shown()).toBe('first');
    issue('second');
    await eventually(async () => (await shown()) === 'second', 'the second certificate');
    expect((await before.send(get()).answer()).status).toBe(200);
    writeFileSync(first.files.key, 'nonsense');
    await eventually(
      () => lb.logLines.some((line) => /web\.key: there is no private key.*stays/.test(line)),
      'the report',
    );
    expect(await shown()).toBe('second');
    issue('third');
    await eventually(async () => (await shown()) === 'third', 'the third certificate');
    expect(lb.logLines.join()).not.toContain('PRIVATE KEY');
    expect(lb.generation).toBe(1);
  });
});
