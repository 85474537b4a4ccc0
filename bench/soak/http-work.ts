import http from 'node:http';
import net from 'node:net';
import { BIG_BYTES } from './backend-process.ts';
import type { Result } from './tally.ts';

/** What a piece of work found, with the reason when it is not good. */
export type Found = readonly [result: Result, detail?: string];

const PATIENCE_MS = 20_000;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

interface Asked {
  readonly port: number;
  readonly path: string;
  readonly body?: Buffer;
  readonly agent?: http.Agent;
}

function ask({ port, path, body, agent }: Asked): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const method = body === undefined ? 'GET' : 'POST';
    const options = { host: '127.0.0.1', port, path, method, agent: agent ?? false, timeout: PATIENCE_MS } as const;
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks) }));
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.end(body);
  });
}

function judge(answer: Answer | undefined, isRight: (body: Buffer) => boolean): Found {
  if (answer === undefined) return ['failed', 'cut off'];
  if ([502, 503, 504].includes(answer.status)) return ['failed', String(answer.status)];
  if (answer.status !== 200) return ['wrong', `status ${answer.status}: ${answer.body.subarray(0, 80)}`];
  return isRight(answer.body) ? ['good'] : ['wrong', `${answer.body.length} bytes that nobody sent`];
}

/** The work of L7 clients, each piece by itself; `port` is the listener's. */
export function httpWork(port: number): Record<string, () => Promise<Found>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const text = (expected: string) => (body: Buffer) => body.equals(Buffer.from(expected));
  return {
    'http, kept connections': async () => judge(await ask({ port, path: '/', agent }), text('small')),
    'http, new connections': async () => judge(await ask({ port, path: '/' }), text('small')),
    'http, slow answers': async () => judge(await ask({ port, path: '/slow', agent }), text('slow')),
    'http, big answers': async () => judge(await ask({ port, path: '/big' }), (body) => body.length === BIG_BYTES),
    'http, bodies': async () => {
      const body = Buffer.alloc(1 + Math.floor(Math.random() * 200_000), 'b');
      return judge(await ask({ port, path: '/echo', body, agent }), (back) => back.equals(body));
    },
    'http, clients that leave': () => leave(port),
  };
}

const LEAVERS = [
  'GET /slow HTTP/1.1\r\nHost: soak\r\n\r\n',
  'GET /big HTTP/1.1\r\nHost: soak\r\n\r\n',
  'GET / HTTP/1.1\r\nHo',
  'POST /echo HTTP/1.1\r\nHost: soak\r\nContent-Length: 100000\r\n\r\nhalf',
  'POST /echo HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
];

/**
 * Resolves when a socket that has nothing to read is closed. Only a refused connect is wrong: a reset can come before this
 * process has seen itself connected.
 */
export function resolveAtClose(socket: net.Socket, resolve: (found: Found) => void): void {
  let refused = false;
  socket.on('error', (error: NodeJS.ErrnoException) => (refused = error.code === 'ECONNREFUSED'));
  socket.once('close', () => resolve(refused ? ['wrong', 'the listener did not accept'] : ['good']));
}

/** Goes away somewhere in an exchange, by a FIN or a reset.  */
function leave(port: number): Promise<Found> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(LEAVERS[Math.floor(Math.random() * LEAVERS.length)]!);
      setTimeout(() => (Math.random() < 0.5 ? socket.destroy() : socket.resetAndDestroy()), Math.random() * 60);
    });
    socket.resume();
    resolveAtClose(socket, resolve);
  });
}
