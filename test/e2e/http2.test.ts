import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { closeOpened } from '../support/opened.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';

const run = promisify(execFile);

afterEach(closeOpened);

/** A balancer before a backend that answers with what it was asked. */
async function stage(listener: Parameters<typeof webConfig>[1] = {}) {
  const backend = await startBackend(({ startLine, body }) => answerText(`${startLine} ${body.length}`));
  return runFairlead(webConfig([backend.address], listener));
}

describe('HTTP/2 clients', () => {
  it('curl speaks it with prior knowledge', async () => {
    const lb = await stage();
    const { stdout } = await run('curl', [
      '-s',
      '--http2-prior-knowledge',
      '-d',
      'abc',
      '-w',
      ' %{http_version} %{http_code}',
      `http://${lb.address()}/x`,
    ]);
    expect(stdout).toBe('POST /x HTTP/1.1 3 2 200');
  });

  it('curl negotiates it over TLS', async () => {
    const lb = await stage({ tls: new TestAuthority().for('a.test') });
    const { stdout } = await run('curl', ['-sk', '-w', ' %{http_version} %{http_code}', `https://${lb.address()}/x`]);
    expect(stdout).toBe('GET /x HTTP/1.1 0 2 200');
  });

  it.each(['http', 'https'])('curl gets an answer before the end of what it sends, by %s', async (scheme) => {
    const tls = scheme === 'https' ? { tls: new TestAuthority().for('a.test') } : {};
    const lb = await stage({ ...tls, limits: { bodyBytes: 1000 } });
    const http2 = scheme === 'https' ? '--http2' : '--http2-prior-knowledge';
    // Any file that is large enough.
    const args = ['-sk', http2, '-o', '/dev/null', '-w', '%{http_code}', '-T', process.execPath];
    expect((await run('curl', [...args, `${scheme}://${lb.address()}/x`])).stdout).toBe('413');
  });

  it('nghttp gets several answers on one connection', async () => {
    const lb = await stage();
    const { stdout } = await run('nghttp', ['-n', '-s', `http://${lb.address()}/a`, `http://${lb.address()}/b`]);
    expect([...stdout.matchAll(/ 200 /g)].length).toBe(2);
  });

  it.each(['http', 'https'])('h2load loses no request by %s', async (scheme) => {
    const lb = await stage(scheme === 'https' ? { tls: new TestAuthority().for('a.test') } : {});
    const { stdout } = await run('h2load', ['-n', '2000', '-c', '10', '-m', '20', `${scheme}://${lb.address()}/`]);
    expect(stdout).toContain('2000 succeeded, 0 failed, 0 errored');
    expect(stdout).toContain('2000 2xx');
  });
});
