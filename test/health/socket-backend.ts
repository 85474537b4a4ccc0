import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Endpoint } from '../../src/health/probe.ts';
import { freePort } from '../support/kept-ports.ts';

const cleanups: (() => void)[] = [];

/** Closes every backend of the test; for `afterEach`. */
export function closeBackends(): void {
  for (const cleanup of cleanups.splice(0)) cleanup();
}

/** A path for a Unix socket in a directory of its own. */
export function socketPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-health-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  return join(directory, 'backend.sock');
}

/** What a backend saw of its connections. */
export interface SocketBackend {
  readonly to: Endpoint;
  readonly sockets: Socket[];
  /** How each connection ended, in order: 'end' for a FIN, otherwise the error's code. */
  readonly endings: string[];
  readonly listener: Server;
}

/** A real backend that does `serve` with every connection; `where` is an IP address or a socket path. */
export async function socketBackend(serve: (socket: Socket) => void, where = '127.0.0.1'): Promise<SocketBackend> {
  const sockets: Socket[] = [];
  const endings: string[] = [];
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', (error: NodeJS.ErrnoException) => endings.push(error.code ?? error.message));
    socket.on('end', () => endings.push('end'));
    serve(socket);
  });
  cleanups.push(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  listener.listen(where.includes('/') ? { path: where } : { host: where, port: 0 });
  await once(listener, 'listening');
  const bound = listener.address();
  if (typeof bound === 'string') return { to: unixAt(where), sockets, endings, listener };
  return { to: tcpAt(where, bound!.port), sockets, endings, listener };
}

/** The endpoint of a Unix socket. */
export function unixAt(path: string): Endpoint {
  return { address: { kind: 'unix', path }, port: 0 };
}

/** The endpoint of a host and port. */
export function tcpAt(host: string, port: number): Endpoint {
  return { address: { kind: 'tcp', host, port }, port: 0 };
}

/** An endpoint that refuses connections. */
export async function refusing(host = '127.0.0.1'): Promise<Endpoint> {
  return tcpAt(host, await freePort(host));
}

/** Waits, for at most 5 s, until every connection the backend took is over on the probe's side. */
export async function expectAllClosed({ sockets, endings }: SocketBackend): Promise<void> {
  for (let turns = 0; turns < 500 && endings.length < sockets.length; turns++) await sleep(10);
  expect(endings).toHaveLength(sockets.length);
}

/** Why a promise rejected; fails the test when it did not. */
export async function reasonOf(promise: Promise<void>): Promise<string> {
  const outcome = await promise.then(
    () => undefined,
    (error: Error) => error.message,
  );
  expect(outcome, 'the check should have failed').toBeTypeOf('string');
  return outcome ?? '';
}
