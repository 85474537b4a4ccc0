import { Server } from 'socket.io';
import { io, type ManagerOptions, type SocketOptions } from 'socket.io-client';
import { afterAll, describe, expect, it } from 'vitest';
import { closeOpened, remember } from '../support/opened.ts';
import { runSticky, startAttached } from '../support/socket-backends.ts';

afterAll(closeOpened);

function startServers() {
  return startAttached(['a', 'b', 'c'], (server, name) => {
    const sockets = new Server(server);
    sockets.on('connection', (socket) => socket.on('ask', (text, answer) => answer(`${name} ${text}`)));
    return () => sockets.disconnectSockets(true);
  });
}

/** Connects, asks twice over the transport it began with or has changed to, and tells who answered over which. */
async function converse(address: string, options: Partial<ManagerOptions & SocketOptions>) {
  const socket = io(`http://${address}`, { forceNew: true, reconnection: false, ...options });
  remember({ close: () => socket.disconnect() });
  await new Promise((resolve, reject) =>
    socket.once('connect', () => resolve(undefined)).once('connect_error', reject),
  );
  const { engine } = socket.io;
  const answers = [await socket.emitWithAck('ask', 'one')];
  if (options.transports?.length === 2 && engine.transport.name === 'polling') {
    await new Promise((resolve) => engine.once('upgrade', resolve));
  }
  answers.push(await socket.emitWithAck('ask', 'two'));
  const transport = engine.transport.name;
  socket.disconnect();
  return { answers, transport };
}

describe('socket.io', () => {
  it.each([
    ['its own id, without a cookie', { query: 'sid' }, {}],
    ["Fairlead's cookie", { cookie: 'fl' }, { withCredentials: true }],
  ])('finds its backend by %s: polling, then WebSocket', async (_by, sticky, options) => {
    const lb = await runSticky(await startServers(), sticky);
    const talks = [];
    for (let client = 0; client < 6; client++) {
      talks.push(await converse(lb.address(), { ...options, transports: ['polling', 'websocket'] }));
    }
    for (const { answers, transport } of talks) {
      const [name] = String(answers[0]);
      expect([answers, transport]).toEqual([[`${name} one`, `${name} two`], 'websocket']);
    }
    expect(new Set(talks.map(({ answers }) => String(answers[0])[0])).size).toBeGreaterThan(1);
  });

  it.each([['polling'], ['websocket']])('talks over %s alone', async (transport) => {
    const lb = await runSticky(await startServers(), { query: 'sid' });
    const { answers } = await converse(lb.address(), { transports: [transport] });
    const [name] = String(answers[0]);
    expect(answers).toEqual([`${name} one`, `${name} two`]);
  });

  it('stays where it is over a reload', async () => {
    const servers = await startServers();
    const lb = await runSticky(servers, { query: 'sid' });
    const socket = io(`http://${lb.address()}`, { transports: ['polling'], reconnection: false });
    remember({ close: () => socket.disconnect() });
    const first = await socket.emitWithAck('ask', 'x');
    for (let reload = 0; reload < 3; reload++) {
      const backends = servers
        .map(({ address }) => address)
        .slice(0, 3)
        .reverse();
      await lb.reloadWith({
        workers: 2,
        listeners: {
          web: { protocol: 'http', bind: '127.0.0.1:0', routes: [{ pool: 'web', sticky: { query: 'sid' } }] },
        },
        pools: { web: { backends, health: { type: 'off' } } },
      });
      expect(await socket.emitWithAck('ask', 'x')).toBe(first);
    }
  });
});
