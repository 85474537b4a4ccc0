import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { runApart } from '../support/apart.ts';
import { TestAuthority } from '../support/certificates.ts';
import { Sink, Source } from '../support/flow.ts';
import { closeOpened } from '../support/opened.ts';
import { passAll, TOTAL_BYTES } from '../support/pass-all.ts';
import { answerText } from '../support/recording-backend.ts';
import { get, requestText } from '../support/requests.ts';
import { openTls } from '../support/tls-client.ts';
import { startTlsPeer } from '../support/tls-peer.ts';

afterEach(closeOpened);

/** TLS on both sides of a balancer in a process of its own: a client's socket, and the backend's once it is there. */
async function stage(protocol: 'http' | 'tcp', onSocket: (socket: Socket) => void) {
  const authority = new TestAuthority();
  const files = authority.for('127.0.0.1');
  const peer = await startTlsPeer(files, onSocket);
  const connect = { tls: { ca: authority.root.files.cert } };
  const timeouts = protocol === 'http' ? { timeouts: { idle: '30s', body: '30s' } } : {};
  const lb = await runApart({
    listeners: { web: { protocol, bind: '127.0.0.1:0', pool: 'web', tls: files, ...timeouts } as never },
    pools: { web: { backends: [peer.address], health: { type: 'off' }, connect } },
  });
  const socket = await openTls(lb.address, { ca: authority.root.certPem });
  return { lb, socket };
}

describe('over TLS, a reader that pauses holds the sender up, and memory stays where it is', {
  timeout: 240_000,
}, () => {
  it('in an answer', async () => {
    const source = new Source();
    const { lb, socket } = await stage('http', (backend) => {
      backend.once('data', async () => {
        backend.write(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
        await source.send(backend, TOTAL_BYTES);
      });
    });
    const sink = new Sink(socket, true);
    socket.write(get());
    await passAll({ source, sink, lb });
  });

  it('in the body of a request', async () => {
    const source = new Source();
    const { promise, resolve } = Promise.withResolvers<Socket>();
    const { lb, socket } = await stage('http', resolve);
    socket.write(requestText('PUT / HTTP/1.1', [`Content-Length: ${TOTAL_BYTES}`]));
    const backend = await promise;
    const sink = new Sink(backend, true);
    void source.send(socket, TOTAL_BYTES);
    await passAll({ source, sink, lb });
    const answered = new Promise((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    backend.write(answerText('taken'));
    expect(await answered).toBe(answerText('taken'));
  });

  it.each(['client', 'backend'])('in an L4 connection, with the %s sending', async (sender) => {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    const { lb, socket } = await stage('tcp', resolve);
    const backend = await promise;
    const source = new Source();
    const sink = new Sink(sender === 'client' ? backend : socket, false);
    void source.send(sender === 'client' ? socket : backend, TOTAL_BYTES);
    await passAll({ source, sink, lb });
  });
});
