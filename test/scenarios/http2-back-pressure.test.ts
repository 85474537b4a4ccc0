import type { Socket } from 'node:net';
import { afterEach, describe, it } from 'vitest';
import { runApart } from '../support/apart.ts';
import { Sink, Source } from '../support/flow.ts';
import { connectH2 } from '../support/h2-client.ts';
import { closeOpened } from '../support/opened.ts';
import { passAll, TOTAL_BYTES } from '../support/pass-all.ts';
import { webConfig } from '../support/running.ts';
import { startPeer } from '../support/tcp-peer.ts';

afterEach(closeOpened);

/** A balancer in a process of its own before a peer in this one, and a stream of HTTP/2 through both. */
async function stage(method: string, onSocket: (socket: Socket) => void) {
  const peer = await startPeer(onSocket, { halfOpen: true });
  const lb = await runApart(webConfig([peer.address], { timeouts: { idle: '20s', body: '20s' } }));
  const session = await connectH2(lb.address);
  const length = method === 'POST' ? { 'content-length': TOTAL_BYTES } : {};
  const stream = session.request({ ':path': '/', ':method': method, ...length });
  stream.on('error', () => {});
  // Both ends of a flow only need to be streams.
  return { lb, stream: stream as unknown as Socket };
}

describe('a reader that pauses holds a sender up over HTTP/2, and memory stays where it is', {
  timeout: 120_000,
}, () => {
  it('in an answer', async () => {
    const source = new Source();
    const { lb, stream } = await stage('GET', (backend) => {
      backend.once('data', () => {
        backend.write(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
        void source.send(backend, TOTAL_BYTES);
      });
    });
    await passAll({ source, sink: new Sink(stream, false), lb });
  });

  it('in the body of a request', async () => {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    const { lb, stream } = await stage('POST', resolve);
    const source = new Source();
    void source.send(stream, TOTAL_BYTES);
    await passAll({ source, sink: new Sink(await promise, true), lb });
  });
});
