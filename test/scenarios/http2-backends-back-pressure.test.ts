import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import net, { type Socket } from 'node:net';
import { afterEach, describe, it } from 'vitest';
import { type ApartFairlead, runApart } from '../support/apart.ts';
import { Sink, Source } from '../support/flow.ts';
import { startH2Backend } from '../support/h2-backend.ts';
import { connectH2 } from '../support/h2-client.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { passAll, TOTAL_BYTES } from '../support/pass-all.ts';
import { requestText } from '../support/requests.ts';
import { webConfig } from '../support/running.ts';

afterEach(closeOpened);

/** What a client sends and reads: the stream of its request. */
interface Asked {
  readonly stream: Socket;
  /** A head comes before the bytes of the answer. */
  readonly hasHead: boolean;
}

/** A balancer in a process of its own before a backend over HTTP/2 in this one. */
async function stage(onStream: (stream: Socket) => void): Promise<ApartFairlead> {
  // Both ends of a flow only need to be streams.
  const { address } = await startH2Backend((stream) => onStream(stream as unknown as Socket));
  const timeouts = { idle: '20s', body: '20s' };
  return runApart(webConfig([address], { timeouts }, { connect: { http2: true } }));
}

async function askOverHttp1(lb: ApartFairlead, method: string): Promise<Asked> {
  const stream = net.connect({ host: '127.0.0.1', port: Number(lb.address.split(':').at(-1)), allowHalfOpen: true });
  remember({ close: () => stream.destroy() });
  await once(stream, 'connect');
  stream.write(requestText(`${method} / HTTP/1.1`, method === 'POST' ? [`Content-Length: ${TOTAL_BYTES}`] : []));
  return { stream, hasHead: true };
}

async function askOverHttp2(lb: ApartFairlead, method: string): Promise<Asked> {
  const length = method === 'POST' ? { 'content-length': TOTAL_BYTES } : {};
  const stream = (await connectH2(lb.address)).request({ ':path': '/', ':method': method, ...length });
  stream.on('error', () => {});
  return { stream: stream as unknown as Socket, hasHead: false };
}

const clients: [string, typeof askOverHttp1][] = [
  ['HTTP/1.1', askOverHttp1],
  ['HTTP/2', askOverHttp2],
];

describe.each(clients)('a reader that pauses holds up a sender of %s and HTTP/2', { timeout: 120_000 }, (_, ask) => {
  it('in an answer', async () => {
    const source = new Source();
    const lb = await stage((stream) => {
      (stream as unknown as ServerHttp2Stream).respond({ ':status': 200, 'content-length': TOTAL_BYTES });
      void source.send(stream, TOTAL_BYTES);
    });
    const { stream, hasHead } = await ask(lb, 'GET');
    await passAll({ source, sink: new Sink(stream, hasHead), lb });
  });

  it('in the body of a request', async () => {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    const lb = await stage(resolve);
    const { stream } = await ask(lb, 'POST');
    const source = new Source();
    void source.send(stream, TOTAL_BYTES);
    await passAll({ source, sink: new Sink(await promise, false), lb });
  });
});
