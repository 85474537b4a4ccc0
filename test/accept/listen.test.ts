import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { listen } from '../../src/accept/listen.ts';

const host = '127.0.0.1';
const shared = test.runIf(process.platform === 'linux');

const noAcceptor = { onHandle: () => expect.unreachable(), onAcceptError: () => expect.unreachable() };

/** Opens `count` connections before the event loop turns, and counts the turns in which they are accepted. */
async function turnsToAccept(count: number, reusePort: boolean): Promise<number> {
  const handles: { close(): void }[] = [];
  let turns = 0;
  let counted = false;
  const onHandle = (handle: object) => {
    handles.push(handle as { close(): void });
    if (counted) return;
    counted = true;
    turns++;
    setImmediate(() => {
      counted = false;
    });
  };
  const bound = await listen({ host, port: 0 }, reusePort, { ...noAcceptor, onHandle });
  const clients = Array.from({ length: count }, () => connect(bound.port, host));
  await vi.waitFor(() => expect(handles).toHaveLength(count));
  bound.close();
  for (const handle of handles) handle.close();
  for (const client of clients) client.destroy();
  return turns;
}

shared('a port that workers share accepts several connections in a turn', async () => {
  expect(await turnsToAccept(64, true)).toBeLessThanOrEqual(32);
});

test('a port of one socket accepts all connections too', async () => {
  expect(await turnsToAccept(64, false)).toBeGreaterThan(0);
});

shared('after closing, none of the sockets of a shared port listens', async () => {
  const bound = await listen({ host, port: 0 }, true, noAcceptor);
  bound.close();
  for (let i = 0; i < 20; i++) {
    const client = connect(bound.port, host);
    await expect(once(client, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }
});
