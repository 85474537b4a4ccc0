import { afterEach, describe, expect, it } from 'vitest';
import type { PoolInput } from '../../src/fastify/index.ts';
import { closeOpened } from '../support/opened.ts';
import { backend, gateway, type Handler, poolOf } from './gateway.ts';

afterEach(closeOpened);

/** An app before two backends, whose answers are their names. */
async function pair(key: string) {
  const named = (name: string): Handler => {
    return (_, response) => response.end(name);
  };
  const [a, b] = [await backend(named('a')), await backend(named('b'))];
  const balance = { algorithm: 'hash', key } as PoolInput['balance'];
  const pool = await poolOf({ backends: [a.address, b.address], balance });
  const { url } = await gateway({ pool });
  const ask = async (headers: Record<string, string>) => (await fetch(`${url}/api/`, { headers })).text();
  return { pool, ask };
}

describe('fairleadProxy, before a pool that hashes', () => {
  it.each(['header:X-Session', 'cookie:session'])('spreads requests without %s', async (key) => {
    const { pool, ask } = await pair(key);
    for (let n = 0; n < 4; n++) await ask({ cookie: 'other=1' });
    expect(pool.status().backends.map(({ total }) => total)).toEqual([2, 2]);
  });

  it.each([
    ['header:X-Session', (session: string) => ({ 'x-session': session })],
    ['cookie:session', (session: string) => ({ cookie: `other=1; session=${session}` })],
  ])('keeps together what is alike in %s', async (key, fieldsOf) => {
    const { ask } = await pair(key);
    const names = new Set<string>();
    for (let session = 0; session < 32; session++) {
      const name = await ask(fieldsOf(`s${session}`));
      expect(await ask(fieldsOf(`s${session}`))).toBe(name);
      names.add(name);
    }
    expect(names.size).toBe(2);
  });

  it('reads a cookie as listeners do', async () => {
    const { ask } = await pair('cookie:session');
    for (let session = 0; session < 16; session++) {
      const name = await ask({ cookie: `session=s${session}` });
      expect(await ask({ cookie: `other=1;\tsession = "s${session}"` })).toBe(name);
    }
  });
});
