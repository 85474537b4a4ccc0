import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { main } from '../../src/cli/main.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fakeIo } from '../cli/fake-io.ts';
import { codePieces } from '../gates/docs.ts';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';

const page = readFileSync(new URL('../../docs/admin.md', import.meta.url), 'utf8');
const token = 'a-token';

let authority: TestAuthority;
let lb: RunningFairlead;
/** What a stranger was answered in the moment the instance had started. */
let atOnce: number;
const mine = () => ({ cert: join(authority.folder, 'me.pem'), key: join(authority.folder, 'me.key') });

/** The config of docs/admin.md, with files, addresses and a token that there are here. */
function documented(): ConfigInput {
  const section = page.slice(page.indexOf('## Over TLS'), page.indexOf('## The config'));
  const pieces = codePieces(section).filter(({ language }) => language === 'yaml');
  const { cert, key } = authority.for('localhost');
  const text = pieces
    .map((piece) => piece.text)
    .join('\n')
    .replaceAll('/run/fairlead/admin.sock', join(authority.folder, 'admin.sock'))
    .replace('lb.pem', cert)
    .replace('lb.key', key)
    .replace('operators.pem', authority.root.files.cert)
    .replace(':9943', '127.0.0.1:0')
    .replace('10.0.0.0/8', '127.0.0.0/8')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the config
    .replace('${FAIRLEAD_TOKEN}', token);
  return parse(text) as ConfigInput;
}

const admin = () => `https://localhost:${lb.address('operators').split(':')[1]}`;

function ask(
  path: string,
  headers: Record<string, string> = {},
  shown = true,
): Promise<{ status: number; text: string }> {
  const { certPem, keyPem } = authority.issue('asking', { subject: { CN: 'me' } });
  const pair = shown ? { cert: certPem, key: keyPem } : {};
  const options = { ca: authority.root.certPem, ...pair, headers, agent: false as const };
  return new Promise((resolve, reject) => {
    const request = https.get(`${admin()}${path}`, options, (response) => {
      let text = '';
      const done = () => resolve({ status: response.statusCode!, text });
      response.on('data', (chunk) => {
        text += chunk;
        // A stream does not end by itself.
        if (!path.startsWith('/api/events')) return;
        done();
        request.destroy();
      });
      response.on('end', done);
    });
    request.on('error', reject);
  });
}

async function run(...args: string[]) {
  const io = fakeIo({ cwd: authority.folder, env: { FAIRLEAD_TOKEN: token } });
  const code = await main([...args, '--admin', admin()], io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

describe('the admin server behind a listener with TLS, as docs/admin.md has it', () => {
  beforeAll(async () => {
    authority = new TestAuthority();
    authority.issue('me', { subject: { CN: 'me' } });
    lb = await runFairlead(documented());
    atOnce = (await ask('/healthz')).status;
  });
  afterAll(closeOpened);

  it('answers from the start, and is ready', async () => {
    expect(atOnce).toBe(200);
    expect(await ask('/readyz')).toEqual({ status: 200, text: '{"ready":true,"reasons":[]}' });
  });

  it('wants a certificate, the token, and no other page', async () => {
    await expect(ask('/healthz', {}, false)).rejects.toThrow(/certificate required/);
    expect((await ask('/api/status')).status).toBe(401);
    const authorization = `Bearer ${token}`;
    expect((await ask('/api/status', { authorization })).status).toBe(200);
    expect((await ask('/api/status', { authorization, origin: admin() })).status).toBe(200);
    expect((await ask('/api/status', { authorization, origin: 'https://evil.example' })).status).toBe(403);
    expect((await ask('/')).text).toContain('<!doctype html>');
    expect(await ask('/api/events', { authorization })).toMatchObject({
      status: 200,
      text: expect.stringMatching(/^retry: 1000\n/),
    });
  });

  it('is asked by commands that show a certificate', async () => {
    const { cert, key } = mine();
    const tls = ['--ca', authority.root.files.cert, '--cert', cert, '--key', key];
    const { code, stdout, stderr } = await run('status', ...tls);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`operators  https://${lb.address('operators')}`);
    const weight = `admin/unix:${authority.folder}/admin.sock`;
    expect(await run('weight', weight, '3', ...tls)).toMatchObject({ code: 0, stdout: `${weight} has weight 3\n` });
    expect((await run('completion', 'backends', ...tls)).stdout).toBe(`${weight}\n`);
  });

  it('says to those that do not why not', async () => {
    const ca = ['--ca', 'root.pem'];
    expect((await run('status')).stderr).toMatch(/: its certificate is from an unknown authority/);
    expect((await run('status', ...ca)).stderr).toMatch(/: it refused the handshake: certificate required\n$/);
    expect(await run('status', ...ca, '--cert', 'me.pem')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--cert and --key go together/),
    });
    expect(await run('status', '--ca', 'me.key')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/me\.key: there is no certificate in it/),
    });
    expect((await run('status', ...ca, '--cert', 'me.pem', '--key', 'root.key')).stderr).toMatch(/is not the key of/);
  });
});
