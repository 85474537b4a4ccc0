import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { PoolInput } from '../../src/fastify/index.ts';
import { closeOpened } from '../support/opened.ts';
import { backend, gateway, poolOf } from './gateway.ts';

afterEach(closeOpened);

/** The address of a backend that says its name: in answers, and to WebSockets in their first message. */
async function named(name: string): Promise<string> {
  const { address, server } = await backend((_, response) => response.end(name));
  new WebSocketServer({ server }).on('connection', (socket) => socket.send(name));
  return address;
}

/** An app before two backends that hash; which of them a request and a WebSocket come to. */
async function pair(key: string) {
  const balance = { algorithm: 'hash', key } as PoolInput['balance'];
  const pool = await poolOf({ backends: [await named('a'), await named('b')], balance });
  const { url } = await gateway({ pool, websocket: true });
  const ask = async (headers: Record<string, string>) => (await fetch(`${url}/api/`, { headers })).text();
  const dial = async (headers: Record<string, string>) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/`, { headers });
    const [name] = await once(socket, 'message');
    socket.close();
    return String(name);
  };
  return { pool, ask, dial };
}

describe('fairleadProxy, before a pool that hashes', () => {
  it.each(['header:X-Session', 'cookie:session'])('spreads requests and WebSockets without %s', async (key) => {
    const { pool, ask, dial } = await pair(key);
    for (let n = 0; n < 4; n++) await ask({ cookie: 'other=1' });
    expect(pool.status().backends.map(({ total }) => total)).toEqual([2, 2]);
    for (let n = 0; n < 4; n++) await dial({ cookie: 'other=1' });
    expect(pool.status().backends.map(({ total }) => total)).toEqual([4, 4]);
  });

  it.each([
    ['header:X-Session', (session: string) => ({ 'x-session': session })],
    ['cookie:session', (session: string) => ({ cookie: `other=1; session=${session}` })],
  ])('keeps requests and WebSockets together that are alike in %s', async (key, fieldsOf) => {
    const { ask, dial } = await pair(key);
    const names = new Set<string>();
    for (let session = 0; session < 32; session++) {
      const name = await ask(fieldsOf(`s${session}`));
      expect(await ask(fieldsOf(`s${session}`))).toBe(name);
      expect(await dial(fieldsOf(`s${session}`))).toBe(name);
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
