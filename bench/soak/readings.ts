import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readResidentBytes } from '../lib/cpu-time.ts';
import { Inspector, inspectorUrl } from '../lib/inspector.ts';
import { readMetrics, sumByLabel } from '../lib/metrics.ts';
import { openSockets } from '../lib/open-sockets.ts';
import type { RunningProcess } from '../lib/processes.ts';

/** What a Fairlead holds at rest, after a full collection in every thread. */
export interface Reading {
  /** Sum of what is under way on all backends. */
  readonly leases: number;
  /** Client connections and flows of all listeners. */
  readonly connections: number;
  readonly files: number;
  /** Handles, requests and timers of libuv in all threads, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** TCP connections, as `local > remote STATE`. */
  readonly sockets: readonly string[];
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** How long what is over may still be held, in ms. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 250;
const READINGS = 5;
const BETWEEN_READINGS_MS = 330;

function total(text: string, metric: string, label: string): number {
  return Object.values(sumByLabel(text, metric, label)).reduce((sum, value) => sum + value, 0);
}

/** Open files of a process. */
export function countFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Leases and client connections, from the metrics. */
export async function readUse(adminPort: number): Promise<{ leases: number; connections: number }> {
  const text = await readMetrics(adminPort);
  return {
    leases: total(text, 'fairlead_backend_active', 'backend'),
    connections: total(text, 'fairlead_connections_active', 'listener'),
  };
}

/**
 * Waits until nothing is under way, or too long; then until kept connections have had their idle time, and reads. A health
 * probe may be under way just then, so that of a few readings the one with the fewest files and handles counts.
 */
export async function readAtRest(process: RunningProcess, adminPort: number, keptMs: number): Promise<Reading> {
  const deadline = performance.now() + PATIENCE_MS;
  let use = await readUse(adminPort);
  while (use.leases + use.connections > 0 && performance.now() < deadline) {
    await wait(LOOK_MS);
    use = await readUse(adminPort);
  }
  await wait(keptMs);
  const readings: Reading[] = [];
  for (let i = 0; i < READINGS; i++) {
    readings.push(await read(process, adminPort));
    await wait(BETWEEN_READINGS_MS);
  }
  return readings.reduce((least, each) => (held(each) < held(least) ? each : least));
}

/** What there is of all that can be counted. */
function held({ files, resources }: Reading): number {
  return Object.values(resources).reduce((sum, count) => sum + count, files);
}

async function read(process: RunningProcess, adminPort: number): Promise<Reading> {
  const inspector = await Inspector.connect(inspectorUrl(process.output()));
  await inspector.collect();
  const heaps = await inspector.heapUsed();
  const kinds = (await inspector.evaluate('process.getActiveResourcesInfo()')) as string[][];
  inspector.close();
  const resources: Record<string, number> = {};
  for (const kind of kinds.flat()) resources[kind] = (resources[kind] ?? 0) + 1;
  return {
    ...(await readUse(adminPort)),
    files: countFiles(process.pid),
    resources,
    sockets: openSockets(process.pid),
    heapBytes: heaps.reduce((sum, bytes) => sum + bytes, 0),
    residentBytes: readResidentBytes(process.pid),
  };
}
