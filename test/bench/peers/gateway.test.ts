import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessGroup } from '../../../bench/lib/processes.ts';
import { peers, startPeer } from '../../../bench/peers/start.ts';

const group = new ProcessGroup();
const backends: Server[] = [];
let gatewayPort = 0;

beforeAll(async () => {
  for (const name of ['one', 'two', 'three']) {
    const backend = createServer((_request, response) => response.end(name));
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    backends.push(backend);
  }
  const running = await startPeer(group, peers['gateway']!, {
    backends: backends.map((backend, i) => ({ name: `b${i}`, port: (backend.address() as { port: number }).port })),
    balance: 'round-robin',
    workers: 1,
    forwarded: false,
    nodeFlags: [],
  });
  gatewayPort = running.l7Port;
});
afterAll(async () => {
  await group.close();
  for (const backend of backends) backend.close();
});

describe('the fastify gateway, started as a peer', () => {
  it('gives its backends equal turns', async () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 9; i++) {
      const body = await (await fetch(`http://127.0.0.1:${gatewayPort}/x`)).text();
      counts.set(body, (counts.get(body) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ one: 3, two: 3, three: 3 });
  });

  it('closes for a client that asks for it, and says so', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(gatewayPort, '127.0.0.1');
      socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
      socket.once('end', () => resolve(text)).once('error', reject);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    });
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).not.toMatch(/keep-alive/i);
  });
});
