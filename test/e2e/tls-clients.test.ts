import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { openTls } from '../support/tls-client.ts';
import { run } from './client-runs.ts';

afterEach(closeOpened);

/** Runs s_client, gives it a request and reads until the server closes. */
async function sClient(address: string, args: readonly string[]): Promise<{ code: number; out: string }> {
  const child = spawn('openssl', ['s_client', '-connect', address, '-ign_eof', ...args]);
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  child.stdin.on('error', () => {});
  child.stdin.end('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

const port = (address: string): string => address.split(':')[1]!;

function curl(address: string, host: string, args: readonly string[]) {
  const to = ['--noproxy', '*', '--connect-to', `${host}::127.0.0.1:${port(address)}`];
  return run('curl', ['-sS', '-m', '10', ...to, ...args, `https://${host}/`]);
}

describe('certificates by name', () => {
  it('s_client is shown the one it asks for, and the first one otherwise', async () => {
    const authority = new TestAuthority();
    const { address } = await startBackend();
    const lb = await runFairlead(webConfig([address], { tls: [authority.for('a.test'), authority.for('*.b.test')] }));
    for (const [args, subject] of [
      [['-servername', 'a.test'], 'a.test'],
      [['-servername', 'x.b.test'], '*.b.test'],
      [['-servername', 'other.test'], 'a.test'],
      [['-noservername'], 'a.test'],
    ] as const) {
      const { out } = await sClient(lb.address(), [...args, '-CAfile', authority.root.files.cert]);
      expect(/^subject=CN ?= ?(.*)$/m.exec(out)?.[1]).toBe(subject);
      expect(out).toContain('Verify return code: 0 (ok)');
      expect(out).toContain('HTTP/1.1 200 OK');
    }
  });

  it('curl trusts those that are right, and no other', async () => {
    const authority = new TestAuthority();
    const { address } = await startBackend();
    const lb = await runFairlead(webConfig([address], { tls: [authority.for('a.test'), authority.for('*.b.test')] }));
    const trusted = ['--cacert', authority.root.files.cert];
    for (const version of ['--http1.1', '--http2'])
      for (const host of ['a.test', 'x.b.test'])
        expect(await curl(lb.address(), host, [...trusted, version])).toEqual({ code: 0, out: 'ok' });
    expect(await curl(lb.address(), 'c.test', trusted)).toMatchObject({ code: 60 });
    expect(await curl(lb.address(), 'a.test', [])).toMatchObject({ code: 60 });
  });
});

describe('versions', () => {
  it('older ones than minVersion are refused, with the alert that says so', async () => {
    const tls = { ...new TestAuthority().for('a.test'), minVersion: '1.3' } as const;
    const { address } = await startBackend();
    const lb = await runFairlead(webConfig([address], { tls }));
    expect(await curl(lb.address(), 'a.test', ['-k', '--tls-max', '1.2'])).toMatchObject({
      code: 35,
      out: expect.stringContaining('protocol version'),
    });
    expect(await curl(lb.address(), 'a.test', ['-k', '--tlsv1.3'])).toEqual({ code: 0, out: 'ok' });
    const old = await sClient(lb.address(), ['-tls1_2']);
    expect(old.code).not.toBe(0);
    expect(old.out).toMatch(/alert protocol version/);
    expect((await sClient(lb.address(), ['-tls1_3'])).out).toContain('HTTP/1.1 200 OK');
  });
});

describe('sessions', () => {
  it('s_client resumes one with TLS 1.2 each time it connects again', async () => {
    const { address } = await startBackend();
    const lb = await runFairlead(webConfig([address], { tls: new TestAuthority().for('a.test') }));
    const { out } = await sClient(lb.address(), ['-tls1_2', '-reconnect']);
    expect([...out.matchAll(/^New, TLSv1\.2/gm)]).toHaveLength(1);
    expect([...out.matchAll(/^Reused, TLSv1\.2/gm)]).toHaveLength(5);
  });

  it.each(['-tls1_2', '-tls1_3'])('s_client resumes one from a file: %s', async (version) => {
    const authority = new TestAuthority();
    const { address } = await startBackend();
    const lb = await runFairlead(webConfig([address], { tls: authority.for('a.test') }));
    const file = join(authority.folder, 'session');
    const first = await sClient(lb.address(), [version, '-sess_out', file]);
    expect(first.out).toMatch(/^New, TLSv1/m);
    expect(existsSync(file)).toBe(true);
    const second = await sClient(lb.address(), [version, '-sess_in', file]);
    expect(second.out).toMatch(/^Reused, TLSv1/m);
    expect(second.out).toContain('HTTP/1.1 200 OK');
  });
});

describe('client certificates', () => {
  it('curl and s_client get in with a good one, and with none or another not', async () => {
    const authority = new TestAuthority();
    const clients = new TestAuthority('Clients');
    const backend = await startBackend();
    const tls = { ...authority.for('a.test'), clientCa: clients.root.files.cert };
    const lb = await runFairlead(webConfig([backend.address], { tls }));
    const alice = clients.issue('alice', { subject: { CN: 'alice' } }).files;
    const mallory = authority.issue('mallory', { subject: { CN: 'mallory' } }).files;
    const shown = (files: typeof alice) => ['-k', '--cert', files.cert, '--key', files.key];
    for (const version of ['--http1.1', '--http2'])
      expect(await curl(lb.address(), 'a.test', [version, ...shown(alice)])).toEqual({ code: 0, out: 'ok' });
    const s = await sClient(lb.address(), ['-cert', alice.cert, '-key', alice.key]);
    expect(s.out).toContain('HTTP/1.1 200 OK');
    expect([...backend.text.matchAll(/x-client-cert-subject: CN=alice\r\n/gi)]).toHaveLength(3);
    for (const args of [['-k'], shown(mallory)]) expect((await curl(lb.address(), 'a.test', args)).code).not.toBe(0);
    expect((await sClient(lb.address(), [])).out).not.toContain('HTTP/1.1 200 OK');
    expect(backend.requests).toHaveLength(3);
  });
});

describe('certificate files', () => {
  it('change under wrk without a failed request, whether it keeps its connections or not', async () => {
    const authority = new TestAuthority();
    const backend = await startBackend();
    const form = { subject: { CN: 'a.test' }, names: ['a.test'] };
    const { files } = authority.issue('web', form);
    const lb = await runFairlead({ ...webConfig([backend.address], { tls: files }), watch: true });
    const url = `https://${lb.address()}/`;
    const loads = [[], ['-H', 'Connection: close']].map((fields) =>
      run('wrk', ['-t1', '-c8', '-d10s', ...fields, url]),
    );
    let isOver = false;
    const over = Promise.all(loads).finally(() => {
      isOver = true;
    });
    const served = async (): Promise<string> => {
      const socket = await openTls(lb.address(), { rejectUnauthorized: false });
      const { raw } = socket.getPeerX509Certificate()!;
      socket.destroy();
      return raw.toString('base64');
    };
    for (let change = 0; change < 2; change++) {
      const next = authority.issue('web', form).certPem.replace(/-----[A-Z ]+-----|\n/g, '');
      await eventually(async () => (await served()) === next, 'the new certificate');
      expect(isOver).toBe(false);
    }
    for (const { code, out } of await over) {
      expect(code).toBe(0);
      expect(out).not.toMatch(/Socket errors|Non-2xx/);
      expect(Number(/(\d+) requests in/.exec(out)![1])).toBeGreaterThan(50);
    }
  });
});

describe('the tools of this suite', () => {
  it.each([
    ['curl', '--version'],
    ['openssl', 'version'],
    ['wrk', '--version'],
  ])('%s is installed', (tool, version) => {
    expect(spawnSync(tool, [version]).error).toBeUndefined();
  });
});
