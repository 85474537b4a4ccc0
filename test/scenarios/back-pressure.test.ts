import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type ApartFairlead, runApart } from '../support/apart.ts';
import { Sink, Source } from '../support/flow.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { passAll, TOTAL_BYTES } from '../support/pass-all.ts';
import { answerText } from '../support/recording-backend.ts';
import { get, requestText } from '../support/requests.ts';
import { webConfig } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

interface Stage {
  readonly lb: ApartFairlead;
  /** A client's socket. */
  readonly socket: net.Socket;
}

function webOver(backend: string): ConfigInput {
  return webConfig([backend], { timeouts: { idle: '20s', body: '20s' } });
}

function tcpOver(backend: string): ConfigInput {
  return {
    listeners: { web: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'web' } },
    pools: { web: { backends: [backend], health: { type: 'off' } } },
  };
}

/** A balancer in a process of its own before a peer in this one. */
async function stage(onSocket: (socket: net.Socket) => void, config = webOver): Promise<Stage> {
  const peer = await startPeer(onSocket, { halfOpen: true });
  const lb = await runApart(config(peer.address));
  const port = Number(lb.address.split(':').at(-1));
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  remember({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return { lb, socket };
}

describe('a reader that pauses holds the sender up, and memory stays where it is', { timeout: 120_000 }, () => {
  it.each(['client', 'backend'])('in L4, with the %s sending', async (sender) => {
    const { promise, resolve } = Promise.withResolvers<net.Socket>();
    const { lb, socket } = await stage(resolve, tcpOver);
    const backend = await promise;
    const source = new Source();
    const sink = new Sink(sender === 'client' ? backend : socket, false);
    void source.send(sender === 'client' ? socket : backend, TOTAL_BYTES);
    await passAll({ source, sink, lb });
  });

  it.each([
    ['of known length', 'HTTP/1.1', `Content-Length: ${TOTAL_BYTES}`],
    ['until the connection ends', 'HTTP/1.1', 'X-Length: unknown'],
  ])('in an answer %s', async (_name, version, field) => {
    const source = new Source();
    const { lb, socket } = await stage((backend) => {
      backend.once('data', async () => {
        backend.write(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`);
        await source.send(backend, TOTAL_BYTES);
        backend.end();
      });
    });
    const sink = new Sink(socket, true);
    socket.write(requestText(`GET / ${version}`));
    await passAll({ source, sink, lb });
  });

  it('in the body of a request', async () => {
    const source = new Source();
    const { promise, resolve } = Promise.withResolvers<net.Socket>();
    const { lb, socket } = await stage(resolve);
    socket.write(requestText('PUT / HTTP/1.1', [`Content-Length: ${TOTAL_BYTES}`]));
    const backend = await promise;
    const sink = new Sink(backend, true);
    void source.send(socket, TOTAL_BYTES);
    await passAll({ source, sink, lb });
    backend.write(answerText('taken'));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toBe(answerText('taken'));
  });

  it.each(['client', 'backend'])('in a tunnel, with the %s sending', async (sender) => {
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    const { promise, resolve } = Promise.withResolvers<net.Socket>();
    const { lb, socket } = await stage((backend) =>
      backend.once('data', () => {
        backend.write(switched);
        resolve(backend);
      }),
    );
    socket.write(get('/', 'Connection: Upgrade', 'Upgrade: x'));
    await once(socket, 'readable');
    expect(String(socket.read())).toBe(switched);
    const backend = await promise;
    const source = new Source();
    const sink = new Sink(sender === 'client' ? backend : socket, false);
    void source.send(sender === 'client' ? socket : backend, TOTAL_BYTES);
    await passAll({ source, sink, lb });
  });
});
