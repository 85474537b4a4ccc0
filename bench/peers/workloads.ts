import { BULK_PATH, startFastBackend } from '../backends/fast-backend.ts';
import { runBulk } from '../lib/bulk.ts';
import { runH2load } from '../lib/h2load.ts';
import type { ProcessGroup } from '../lib/processes.ts';
import { runWrk } from '../lib/wrk.ts';
import type { Entry } from './peer.ts';

/** What a workload measured, before CPU time and memory are added. */
export interface Work {
  /** Requests answered; for bulk, GiB that arrived. */
  readonly units: number;
  /** Requests per second; for bulk, Gbit/s. */
  readonly rate: number;
  /** NaN for bulk, which has no requests of its own, and for the generators that print no percentiles. */
  readonly p99Ms: number;
  readonly errors: number;
}

/** How a workload is driven. */
export interface Drive {
  readonly port: number;
  readonly connections: number;
  readonly durationS: number;
  readonly core: number | undefined;
}

/** A kind of traffic through one layer. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly layer: Entry;
  readonly kind: 'requests' | 'bulk';
  /** Starts what stands behind the proxy; resolves with the ports of the backends. */
  startBackends(group: ProcessGroup, core: number | undefined): Promise<readonly number[]>;
  run(group: ProcessGroup, drive: Drive): Promise<Work>;
}

const BACKENDS = 3;

async function webBackends(group: ProcessGroup, core: number | undefined): Promise<readonly number[]> {
  return (await startFastBackend(group, BACKENDS, core)).ports;
}

// The bulk run is about bytes: more connections only add switching between them.
const BULK_CONNECTIONS = 4;

function requests(name: string, title: string, layer: Entry, newConnections: boolean): Workload {
  const run = async (group: ProcessGroup, { port, ...drive }: Drive): Promise<Work> => {
    const result = await runWrk(group, {
      ...drive,
      url: `${layer === 'l7-tls' ? 'https' : 'http'}://127.0.0.1:${port}/`,
      newConnections,
    });
    const { requests: units, requestsPerSecond: rate, p99Ms, errors } = result;
    return { units, rate, p99Ms, errors };
  };
  return { name, title, layer, kind: 'requests', startBackends: webBackends, run };
}

// As many requests under way as the other L7 workloads have.
const HTTP2_CONNECTIONS = 8;

async function http2(group: ProcessGroup, { port, connections, ...drive }: Drive): Promise<Work> {
  const count = Math.min(connections, HTTP2_CONNECTIONS);
  const streams = Math.max(1, Math.round(connections / count));
  const spec = { ...drive, url: `https://127.0.0.1:${port}/`, connections: count, streams };
  const { requests: units, requestsPerSecond: rate, errors } = await runH2load(group, spec);
  return { units, rate, p99Ms: Number.NaN, errors };
}

async function bulk(group: ProcessGroup, drive: Drive): Promise<Work> {
  const result = await runBulk(group, { ...drive, path: BULK_PATH, connections: BULK_CONNECTIONS });
  return {
    units: result.bytes / 2 ** 30,
    rate: (result.bytes * 8) / result.durationMs / 1e6,
    p99Ms: Number.NaN,
    errors: result.errors,
  };
}

/** Every workload of `bench:peers`, in the order of the report. L4 carries the same HTTP as bytes. */
export const workloads: readonly Workload[] = [
  requests('l7-keepalive', 'L7, keep-alive connections', 'l7', false),
  requests('l7-new-connections', 'L7, a new connection for each request', 'l7', true),
  requests('l7-tls-keepalive', 'L7 over TLS, keep-alive connections', 'l7-tls', false),
  {
    name: 'l7-http2',
    title: 'L7, HTTP/2 over TLS, 8 connections',
    layer: 'l7-tls',
    kind: 'requests',
    startBackends: webBackends,
    run: http2,
  },
  requests('l4-keepalive', 'L4, keep-alive connections', 'l4', false),
  requests('l4-new-connections', 'L4, a new connection for each request', 'l4', true),
  {
    name: 'l4-bulk',
    title: 'L4, bulk download over 4 connections',
    layer: 'l4',
    kind: 'bulk',
    startBackends: webBackends,
    run: bulk,
  },
];
