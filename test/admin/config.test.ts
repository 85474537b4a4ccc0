import { afterEach, describe, expect, it } from 'vitest';
import { type Admin, createAdmin } from '../../src/admin/admin.ts';
import type { AdminSource } from '../../src/admin/source.ts';
import { fixedSource } from './fixture.ts';

const running: Admin[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()));
});

async function start(changed: Partial<AdminSource>) {
  const logger = { error: () => undefined };
  const bind = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const;
  const admin = await createAdmin({ source: fixedSource(changed), bind, token: '', logger });
  running.push(admin);
  const [address] = admin.addresses;
  return async (request: string, body?: object) => {
    const [method, path] = request.split(' ') as [string, string];
    const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const url = `http://127.0.0.1:${address?.kind === 'tcp' ? address.port : 0}${path}`;
    const response = await fetch(url, { method, ...(body === undefined ? {} : json) });
    return { status: response.status, body: (await response.json()) as unknown };
  };
}

describe('the config', () => {
  it('is shown whole, whatever is in it', async () => {
    const shown = { generation: 3, path: 'f.yaml', config: { pools: { a: [{ b: null }] } }, changes: { a: ['x'] } };
    const ask = await start({ config: () => shown });
    expect(await ask('GET /api/config')).toEqual({ status: 200, body: shown });
  });

  it('is loaded again, or its problems are told', async () => {
    const applied = await start({ reload: async () => ({ ok: true, generation: 4, replaced: ['x'] }) });
    expect(await applied('POST /api/reload')).toEqual({ status: 200, body: { generation: 4, replaced: ['x'] } });
    const problems = ['f.yaml:1:1: pools: missing', 'f.yaml:2:1: listeners: missing'];
    const refused = await start({ reload: async () => ({ ok: false, problems }) });
    const message = 'the config was refused for 2 problems; the one in force stays';
    expect(await refused('POST /api/reload')).toEqual({
      status: 422,
      body: { error: 'config-refused', message, problems },
    });
    const none = await start({ reload: async () => undefined });
    expect(await none('POST /api/reload')).toMatchObject({ status: 409, body: { error: 'no-config-file' } });
  });
});

describe('an explanation', () => {
  it('is asked for what was sent', async () => {
    const asked: unknown[] = [];
    const ask = await start({
      explain: (request) => {
        asked.push(request);
        return { ok: false, problem: 'why' };
      },
    });
    const request = { url: '/a', headers: { 'x-a': ['1', '2'] }, source: '10.0.0.1' };
    expect(await ask('POST /api/explain', request)).toEqual({
      status: 422,
      body: { error: 'invalid', message: 'why' },
    });
    expect(asked).toEqual([request]);
    expect(await ask('POST /api/explain', { urI: '/a' })).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining("unknown key 'urI', did you mean 'url'?") },
    });
    expect(asked).toHaveLength(1);
  });
});
