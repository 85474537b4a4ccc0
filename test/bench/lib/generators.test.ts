import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { runBulk } from '../../../bench/lib/bulk.ts';
import { runLoad } from '../../../bench/lib/load.ts';
import { ProcessGroup } from '../../../bench/lib/processes.ts';

const group = new ProcessGroup();
const open: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();
afterAll(async () => {
  await group.close();
  for (const socket of sockets) socket.destroy();
  for (const listening of open) listening.close();
});

async function listen(listening: Server | TcpServer): Promise<number> {
  open.push(listening);
  listening.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', () => resolve()));
  return (listening.address() as { port: number }).port;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

describe('runLoad', () => {
  it('counts answers by their body, measures latency, and sees no error where there is none', async () => {
    let turn = 0;
    const port = await listen(
      createHttpServer((_request, response) => {
        const name = `app-${(turn++ % 2) + 1}`;
        setTimeout(() => response.end(name), 20);
      }),
    );
    const result = await runLoad(group, { url: `http://127.0.0.1:${port}/`, connections: 4, durationS: 1 });
    expect(Object.keys(result.byBody).sort()).toEqual(['app-1', 'app-2']);
    expect(sum(result.byBody)).toBe(result.answered);
    expect(Math.abs(result.byBody['app-1']! - result.byBody['app-2']!)).toBeLessThanOrEqual(4);
    expect(result.answered).toBeGreaterThan(20);
    expect(result.p50Ms).toBeGreaterThanOrEqual(19);
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
    expect(result.durationMs).toBeGreaterThanOrEqual(1000);
    expect([result.errors, result.lost]).toEqual([0, 0]);
  });

  it('counts bad statuses as errors and requests that were cut off as lost', async () => {
    let turn = 0;
    const port = await listen(
      createHttpServer((request, response) => {
        turn++;
        setTimeout(() => {
          if (turn % 10 === 0) request.socket.end();
          else response.writeHead(turn % 3 === 0 ? 503 : 200).end('x');
        }, 5);
      }),
    );
    const result = await runLoad(group, { url: `http://127.0.0.1:${port}/`, connections: 2, durationS: 1 });
    expect(result.errors).toBeGreaterThan(5);
    expect(result.lost).toBeGreaterThan(3);
  });
});

describe('runBulk', () => {
  it('counts the bytes that arrive in the time', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    const asked: string[] = [];
    const port = await listen(
      createServer((socket) => {
        socket.once('data', (data) => asked.push(data.toString('latin1').split('\r\n')[0]!));
        const pump = () => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', pump).on('error', () => undefined);
        pump();
      }),
    );
    const result = await runBulk(group, { port, path: '/big', connections: 2, durationS: 0.5 });
    expect(asked).toEqual(['GET /big HTTP/1.1', 'GET /big HTTP/1.1']);
    expect(result.bytes).toBeGreaterThan(10_000_000);
    expect(result.durationMs).toBeGreaterThanOrEqual(499);
    expect(result.errors).toBe(0);
  });

  it('counts connections that end before the time is over', async () => {
    const port = await listen(createServer((socket) => socket.resume().end('short')));
    const result = await runBulk(group, { port, path: '/', connections: 3, durationS: 0.2 });
    expect(result).toMatchObject({ bytes: 15, errors: 3 });
  });
});
