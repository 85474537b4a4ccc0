import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Admin, type AdminOptions, createAdmin } from '../../src/admin/admin.ts';
import type { Address } from '../../src/support/address.ts';
import { fixedSource, listenerStatus, open, poolStatus, status } from './fixture.ts';

const loopback: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const running: Admin[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()));
});

function portOf(address: Address | undefined): number {
  return address?.kind === 'tcp' ? address.port : 0;
}

async function start(options: Partial<AdminOptions> = {}) {
  const errors: { fields: object; message: string }[] = [];
  const logger = { error: (fields: object, message: string) => void errors.push({ fields, message }) };
  const admin = await createAdmin({ source: fixedSource(), bind: [loopback], token: '', logger, ...options });
  running.push(admin);
  const port = portOf(admin.addresses[0]);
  const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
  return { admin, port, ask, errors };
}

/** A GET over a Unix socket. */
function askUnix(socketPath: string, path: string, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { host } }, async (response) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('the endpoints', () => {
  it.each([
    ['/api/status', status()],
    ['/api/listeners', [listenerStatus()]],
    ['/api/pools', [poolStatus('web'), poolStatus('shop/eu')]],
    ['/api/pools/web', poolStatus('web')],
    ['/api/pools/shop%2Feu', poolStatus('shop/eu')],
    ['/healthz', { status: 'alive' }],
    ['/readyz', { ready: true, reasons: [] }],
  ])('%s answers JSON, whole', async (path, expected) => {
    const { ask } = await start();
    const response = await ask(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.json()).toEqual(expected);
  });

  it('shows nothing that the schema does not name', async () => {
    const source = fixedSource({ status: () => ({ ...status(), secret: 'hunter2' }) });
    const { ask } = await start({ source });
    expect(await (await ask('/api/status')).text()).not.toContain('hunter2');
  });

  it('gives metrics as they are, in their content type', async () => {
    const { ask } = await start();
    const response = await ask('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('# HELP x y\nx 1\n');
  });

  it('is not ready, with the reasons, when the source says so', async () => {
    const readiness = { ready: false, reasons: ["pool 'web' has no healthy backend"] };
    const { ask } = await start({ source: fixedSource({ readiness: () => readiness }) });
    const response = await ask('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual(readiness);
    expect((await ask('/healthz')).status).toBe(200);
  });

  it('lists itself', async () => {
    const { ask } = await start();
    const { name, endpoints } = (await (await ask('/api')).json()) as { name: string; endpoints: object[] };
    expect(name).toBe('fairlead');
    expect(endpoints).toHaveLength(21);
    expect(endpoints).toContainEqual({
      method: 'GET',
      path: '/api/pools/:pool',
      summary: 'One pool with its backends.',
    });
  });

  it('answers HEAD like GET, without the body', async () => {
    const { ask } = await start();
    const response = await ask('/api/pools', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100);
  });
});

describe('errors', () => {
  it.each([
    ['/api/pools/wbe', "there is no pool 'wbe'; did you mean 'web'?"],
    ['/api/pools/nothing-like-it', "there is no pool 'nothing-like-it'"],
    ['/api/pools/%22%0a', "there is no pool '\"\n'"],
  ])('%s: no such pool', async (path, message) => {
    const { ask } = await start();
    const response = await ask(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: 'no-pool', message });
  });

  it.each([
    ['GET', '/nope'],
    ['GET', '/api/'],
    ['POST', '/api/status'],
    ['DELETE', '/api/pools/web'],
    ['OPTIONS', '/api/pools'],
  ])('%s %s: no such endpoint', async (method, path) => {
    const { ask } = await start();
    const response = await ask(path, { method });
    expect(response.status).toBe(404);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const message = `there is no ${method} ${path}; GET /api lists what there is`;
    expect(await response.json()).toEqual({ error: 'not-found', message });
  });

  it('does not echo a long path in full', async () => {
    const { ask } = await start();
    const { message } = (await (await ask(`/${'x'.repeat(5000)}`)).json()) as { message: string };
    expect(message).toBe(`there is no GET /${'x'.repeat(199)}; GET /api lists what there is`);
  });

  it.each(['/%zz', '/api/pools/%', `/api/pools/${'x'.repeat(256)}`])('%s cannot be read', async (path) => {
    const { ask } = await start();
    const response = await ask(path);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: 'bad-request', message: 'the path cannot be read' });
  });

  it('are logged, not shown, when they are our own', async () => {
    const broken = (): never => {
      throw new Error('the inner workings');
    };
    const { ask, errors } = await start({ source: fixedSource({ metrics: broken }) });
    const response = await ask('/metrics', { headers: { authorization: 'Bearer private' } });
    expect(response.status).toBe(500);
    const message = 'an error inside Fairlead; its log has the details';
    expect(await response.json()).toEqual({ error: 'internal', message });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ message: 'the admin server could not answer a request' });
    expect(errors[0]?.fields).toMatchObject({ path: '/metrics', err: { message: 'the inner workings' } });
    expect(JSON.stringify(errors)).not.toContain('private');
  });

  it('are our own when the source breaks its promise', async () => {
    const { ask, errors } = await start({ source: fixedSource({ status: () => ({}) as never }) });
    expect((await ask('/api/status')).status).toBe(500);
    expect(errors).toHaveLength(1);
  });

  it('are JSON for an unsupported body too', async () => {
    const { ask, errors } = await start();
    const response = await ask('/api/pools', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'bad-request', message: expect.any(String) });
    expect(errors).toEqual([]);
  });
});

describe('binding', () => {
  it('listens on several addresses, and says on which with their real ports', async () => {
    const { admin } = await start({ bind: [loopback, { ...loopback, host: '::1' }] });
    expect(admin.addresses).toMatchObject([
      { kind: 'tcp', host: '127.0.0.1' },
      { kind: 'tcp', host: '::1' },
    ]);
    const [v4, v6] = admin.addresses.map(portOf);
    expect(v4).toBeGreaterThan(0);
    expect((await fetch(`http://127.0.0.1:${v4}/healthz`)).status).toBe(200);
    expect((await fetch(`http://[::1]:${v6}/healthz`)).status).toBe(200);
  });

  it('listens on a Unix socket, whatever Host it is called by, and over the file of a dead process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fairlead-admin-'));
    const path = join(folder, 'admin.sock');
    const { admin } = await start({ bind: [{ kind: 'unix', path }] });
    expect(admin.addresses).toEqual([{ kind: 'unix', path }]);
    expect(await askUnix(path, '/healthz', 'whatever')).toEqual({ status: 200, body: '{"status":"alive"}' });
    await expect(start({ bind: [{ kind: 'unix', path }] })).rejects.toThrow(`cannot listen on unix:${path}`);
    await admin.close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
    await rm(folder, { recursive: true });
  });

  it('says clearly why it cannot, and leaves nothing open', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const taken: Address = { ...loopback, port: (blocker.address() as { port: number }).port };
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const first: Address = { ...loopback, port: (free.address() as { port: number }).port };
    await new Promise((resolve) => free.close(resolve));
    await expect(start({ bind: [first, taken] })).rejects.toThrow(
      `the admin server cannot listen on 127.0.0.1:${portOf(taken)}: another process listens there`,
    );
    await expect(fetch(`http://127.0.0.1:${portOf(first)}/healthz`)).rejects.toThrow();
    await new Promise((resolve) => blocker.close(resolve));
  });

  it('takes no other address than this machine without a token', async () => {
    const bind: Address[] = [loopback, { kind: 'tcp', host: '::', port: 0 }];
    await expect(start({ bind })).rejects.toThrow('the admin server needs a token to listen on :0: it is not loopback');
    const { admin } = await start({ bind, token: 't' });
    expect(admin.addresses).toHaveLength(2);
  });

  it('closes at once, though clients keep their connections and one is in the middle of a request', async () => {
    const { admin, ask, port } = await start();
    await (await ask('/healthz')).text();
    const { socket, closed } = await open(port);
    socket.write('GET /healthz HTTP/1.1\r\nHost: half a head');
    await (await ask('/healthz')).text();
    const startMs = performance.now();
    await admin.close();
    await closed;
    expect(performance.now() - startMs).toBeLessThan(2000);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });
});
