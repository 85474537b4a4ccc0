import { afterEach, describe, expect, it } from 'vitest';
import { type Admin, createAdmin } from '../../src/admin/admin.ts';
import type { BackendChange, Changed, ChangedBy } from '../../src/admin/changes.ts';
import { backendStatus, fixedSource } from './fixture.ts';

const running: Admin[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()));
});

/** A server whose source answers every change with `result`; `asked` has what came to it. */
async function start(result: Changed) {
  const asked: { change: BackendChange; by: ChangedBy }[] = [];
  const change = async (made: BackendChange, by: ChangedBy) => {
    asked.push({ change: made, by });
    return result;
  };
  const logger = { error: () => undefined };
  const bind = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const;
  const admin = await createAdmin({ source: fixedSource({ change }), bind, token: '', logger });
  running.push(admin);
  const [address] = admin.addresses;
  const base = `http://127.0.0.1:${address?.kind === 'tcp' ? address.port : 0}/api/pools`;
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${base}${path}`, {
      method,
      ...(body === undefined
        ? { headers }
        : {
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json', ...headers },
          }),
    });
  return { asked, send };
}

const done: Changed = { ok: true, version: 'v-2', backend: backendStatus({ id: 'a b' }), removed: false };

describe('a change', () => {
  it.each([
    [
      'PATCH',
      '/web/backends/a%2Fb',
      { state: 'draining', weight: 3 },
      { kind: 'set', pool: 'web', backend: 'a/b', to: { state: 'draining', weight: 3 } },
    ],
    [
      'POST',
      '/shop%2Feu/backends',
      { address: 'a:1', weight: 3 },
      { kind: 'add', pool: 'shop/eu', backend: { address: 'a:1', weight: 3 } },
    ],
    ['DELETE', '/web/backends/a:1', undefined, { kind: 'remove', pool: 'web', backend: 'a:1' }],
  ])('by %s comes through whole, with who makes it', async (method, path, body, change) => {
    const { asked, send } = await start(done);
    const response = await send(method, path, body);
    expect(response.ok).toBe(true);
    expect(response.headers.get('etag')).toBe('"v-2"');
    expect(asked).toEqual([{ change, by: { who: '127.0.0.1', versions: undefined } }]);
  });

  it('answers with the backend, where it is, and how many leases a removal waits for', async () => {
    const { send } = await start(done);
    expect(await (await send('PATCH', '/web/backends/a', { weight: 1 })).json()).toEqual(backendStatus({ id: 'a b' }));
    const added = await send('POST', '/web/backends', { address: 'a:1' });
    expect([added.status, added.headers.get('location')]).toEqual([201, '/api/pools/web/backends/a%20b']);
    const leaves = await send('DELETE', '/web/backends/a');
    expect([leaves.status, await leaves.json()]).toEqual([202, { id: 'a', removed: false, active: 3 }]);
    const gone = await (await start({ ...done, removed: true })).send('DELETE', '/web/backends/a');
    expect([gone.status, await gone.json()]).toEqual([200, { id: 'a', removed: true, active: 0 }]);
  });

  it.each([
    ['"v-1"', ['v-1']],
    ['"v-1", "v-2"', ['v-1', 'v-2']],
    ['*', ['*']],
    ['W/"v-1"', ['']],
    ['"*"', ['']],
    ['v-1', ['']],
    ['', ['']],
  ])('takes If-Match: %s', async (field, versions) => {
    const { asked, send } = await start(done);
    await send('DELETE', '/web/backends/a', undefined, { 'if-match': field });
    expect(asked[0]!.by.versions).toEqual(versions);
  });

  it.each([
    ['no-pool', 404],
    ['unknown-backend', 404],
    ['backend-exists', 409],
    ['last-backend', 409],
    ['pool-changed', 412],
    ['invalid', 422],
    ['not-applied', 503],
  ] as const)('that is refused as %s answers %i', async (refusal, status) => {
    const { send } = await start({ ok: false, refusal, message: 'why', version: 'v-9' });
    const response = await send('PATCH', '/web/backends/a', { weight: 1 });
    expect([response.status, await response.json()]).toEqual([status, { error: refusal, message: 'why' }]);
    expect(response.headers.get('etag')).toBe('"v-9"');
  });
});

describe('a body', () => {
  it.each([
    ['PATCH', {}, 422, 'there is nothing to change: expected state or weight'],
    ['PATCH', { wieght: 1 }, 422, "unknown key 'wieght', did you mean 'weight'?"],
    ['PATCH', { xyz: 1 }, 422, "unknown key 'xyz', expected state, weight"],
    ['PATCH', { state: 'off' }, 422, /^state: Invalid option: expected one of "enabled"\|"draining"\|"disabled"$/],
    ['PATCH', { weight: '1' }, 422, /^weight: Invalid input: expected number, received string$/],
    ['PATCH', [], 422, /^the body: Invalid input: expected object/],
    ['PATCH', '{', 400, /not valid JSON/],
    ['PATCH', '{"__proto__":{"state":"disabled"}}', 400, /./],
    ['PATCH', '{"constructor":{"prototype":{}}}', 400, /./],
    ['POST', {}, 422, /^address: Invalid input: expected string, received undefined$/],
    ['POST', { address: 1, admin: true }, 422, /address: .*; unknown key 'admin'/],
  ])('of %s that reads %j is refused, and changes nothing', async (method, body, status, message) => {
    const { asked, send } = await start(done);
    const response = await send(method, method === 'PATCH' ? '/web/backends/a' : '/web/backends', body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: status === 400 ? 'bad-request' : 'invalid',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
    expect(asked).toEqual([]);
  });

  it('in another format is refused, as one that is missing is', async () => {
    const { asked, send } = await start(done);
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'text/plain; charset=utf-8']) {
      const sent = await send('PATCH', '/web/backends/a', '{"weight":1}', { 'content-type': type });
      expect([sent.status, await sent.json()]).toMatchObject([415, { error: 'not-json' }]);
    }
    expect((await send('PATCH', '/web/backends/a')).status).toBe(422);
    expect(asked).toEqual([]);
  });
});
