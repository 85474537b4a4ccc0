import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { createAdmin } from '../../src/admin/admin.ts';
import { addPage, loadPage, pagePaths } from '../../src/admin/page.ts';
import { exchange, fixedSource, get } from './fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-page-'));
  for (const name of ['index.html', 'app.js', 'app.css', 'icon.svg']) await writeFile(join(folder, name), `of ${name}`);
});
afterAll(() => rm(folder, { recursive: true }));

function serve(page: ReturnType<typeof loadPage>) {
  const app = fastify();
  addPage(app, page);
  return app;
}

const load = () => loadPage(pathToFileURL(`${folder}/`));

describe('the page', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', 'of index.html'],
    ['/dashboard/app.js', 'text/javascript; charset=utf-8', 'of app.js'],
    ['/dashboard/app.css', 'text/css; charset=utf-8', 'of app.css'],
    ['/dashboard/icon.svg', 'image/svg+xml', 'of icon.svg'],
  ])('has %s', async (path, type, body) => {
    const answer = await serve(load()).inject(path);
    expect([answer.statusCode, answer.headers['content-type'], answer.body]).toEqual([200, type, body]);
  });

  it('runs nothing but what Fairlead serves, talks to nobody else, and cannot be framed', async () => {
    const { headers } = await serve(load()).inject('/');
    const policy = new Map(
      String(headers['content-security-policy'])
        .split('; ')
        .map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1).join(' ')]),
    );
    expect(Object.fromEntries(policy)).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'connect-src': "'self'",
      'frame-ancestors': "'none'",
      'base-uri': "'none'",
      'require-trusted-types-for': "'script'",
    });
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin' });
  });

  it('is not sent again to who has it', async () => {
    const app = serve(load());
    const { etag } = (await app.inject('/dashboard/app.js')).headers;
    const again = await app.inject({ url: '/dashboard/app.js', headers: { 'if-none-match': String(etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    const other = await app.inject({ url: '/dashboard/app.js', headers: { 'if-none-match': '"other"' } });
    expect(other.statusCode).toBe(200);
  });

  it('says how to build it when it is not built', async () => {
    const missing = loadPage(pathToFileURL(join(folder, 'none/')));
    expect(missing).toBeUndefined();
    const answer = await serve(missing).inject('/');
    expect([answer.statusCode, answer.body]).toEqual([503, expect.stringContaining('`npm run dashboard`')]);
  });
});

describe('the page on the admin server', () => {
  it('is open without the token, unlike what it shows, and only under the names of the server', async () => {
    expect(await buildDashboard()).toBe(true);
    const bind = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const;
    const logger = { error: () => undefined };
    const admin = await createAdmin({ source: fixedSource(), bind, token: 'secret', logger });
    try {
      const [address] = admin.addresses;
      const port = address?.kind === 'tcp' ? address.port : 0;
      const own = `Host: 127.0.0.1:${port}`;
      for (const path of pagePaths) {
        const { status, head, body } = await exchange(port, get(path, own));
        expect([path, status, body.length > 100]).toEqual([path, 200, true]);
        expect(head).toMatch(/^x-content-type-options: nosniff$/im);
        expect(body).not.toContain('secret');
      }
      expect((await exchange(port, get('/', `Host: evil.example:${port}`))).status).toBe(403);
      expect((await exchange(port, get('/', own, 'Origin: http://evil.example'))).status).toBe(403);
      expect((await exchange(port, get('/dashboard/../api/status', own))).status).toBe(401);
      expect((await exchange(port, get('/dashboard/index.html', own))).status).toBe(401);
    } finally {
      await admin.close();
    }
  });
});
