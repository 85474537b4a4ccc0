import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { EventBus } from '../../src/admin/event-bus.ts';
import { EventStreams } from '../../src/admin/event-stream.ts';
import type { BackendStatus, ListenerStatus, PoolStatus, Status } from '../../src/admin/schema.ts';
import type { AdminSource } from '../../src/admin/source.ts';
import { systemClock } from '../../src/support/clock.ts';

/** A backend as the API shows it; tests change what they are about. */
export function backendStatus(changed: Partial<BackendStatus> = {}): BackendStatus {
  return {
    id: 'a',
    address: '127.0.0.1:3001',
    weight: 2,
    effectiveWeight: 2,
    state: 'enabled',
    health: 'up',
    healthReason: 'probe: 200',
    active: 3,
    total: 100,
    failures: 1,
    latencyMs: { p50: 1.25, p99: null },
    ...changed,
  };
}

/** A pool of two backends. */
export function poolStatus(name = 'web'): PoolStatus {
  const backends = [backendStatus(), backendStatus({ id: 'b', health: 'down', latencyMs: { p50: null, p99: null } })];
  return {
    name,
    algorithm: 'round-robin',
    healthy: 1,
    active: 3,
    version: 'v-1',
    changes: ['b is draining'],
    leaving: [],
    backends,
  };
}

/** A listener with a route of each kind. */
export function listenerStatus(): ListenerStatus {
  return {
    name: 'public',
    protocol: 'http',
    tls: true,
    bind: [':0', 'unix:/run/web.sock'],
    addresses: [':8080', 'unix:/run/web.sock'],
    active: 5,
    total: 500,
    routes: [
      { name: 'canary', kind: 'pool', pools: [{ pool: 'web', weight: 9 }] },
      { name: 'route-2', kind: 'redirect', pools: [] },
      { name: 'route-3', kind: 'respond', pools: [] },
    ],
  };
}

/** The process as a whole. */
export function status(): Status {
  return {
    version: '1.2.3',
    node: 'v26.0.0',
    pid: 42,
    startedAt: '2026-02-03T04:05:06.000Z',
    uptimeMs: 1234.5,
    generation: 7,
    configPath: null,
    workers: [
      { id: 0, state: 'serving', restarts: 1, connections: 5, loopUtilization: 0.5, loopLagMs: 2, overloaded: false },
    ],
    listeners: [listenerStatus()],
  };
}

/** A source that gives the above. */
export function fixedSource(changed: Partial<AdminSource> = {}): AdminSource {
  const pools = [poolStatus('web'), poolStatus('shop/eu')];
  return {
    status,
    listeners: () => [listenerStatus()],
    pools: () => pools,
    pool: (name) => pools.find((pool) => pool.name === name),
    config: () => ({ generation: 7, path: null, config: { workers: 2 }, changes: { web: ['b is draining'] } }),
    reload: async () => undefined,
    explain: () => ({ ok: false, problem: 'nothing is explained here' }),
    bans: { list: () => [], ban: () => 'no listener has a guard', lift: () => [] },
    change: async () => ({ ok: false, refusal: 'not-applied', message: 'nothing changes here' }),
    connections: async () => ({ total: 0, open: [], ended: [], silent: [] }),
    events: new EventStreams(new EventBus(systemClock)),
    trafficHistory: () => ({
      at: [],
      leasesPerSecond: [],
      errorsPerSecond: [],
      failuresPerSecond: [],
      p50Ms: [],
      p99Ms: [],
    }),
    readiness: () => ({ ready: true, reasons: [] }),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: '# HELP x y\nx 1\n' }),
    ...changed,
  };
}

/** An answer read off a bare socket. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** The first answer in what a socket was sent; status 0 when there is none. */
export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: end < 0 ? '' : text.slice(end + 4) };
}

/** Opens a bare connection; what it is sent gathers in `received()`. */
export async function open(port: number): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  return { socket, received: () => text, closed };
}

/** Sends bytes as they are on a connection of their own and waits until the other side closes it. */
export async function exchange(port: number, request: string): Promise<RawAnswer> {
  const { socket, received, closed } = await open(port);
  socket.write(request, 'latin1');
  await closed;
  return parseAnswer(received());
}

/** A GET whose connection ends with the answer, with header lines of one's own. */
export function get(path: string, ...lines: string[]): string {
  return [`GET ${path} HTTP/1.1`, ...lines, 'Connection: close', '', ''].join('\r\n');
}
