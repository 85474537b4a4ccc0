import { fileURLToPath } from 'node:url';
import type { Cores } from '../lib/cores.ts';
import { startFairlead } from '../lib/fairlead.ts';
import { type Answered, openLoad } from '../lib/open-load.ts';
import { freePorts, portsReady } from '../lib/ports.ts';
import { ProcessGroup } from '../lib/processes.ts';
import { percentile } from '../lib/statistics.ts';

const BACKEND = fileURLToPath(new URL('../backends/steady-backend.ts', import.meta.url));

/** Load that leaves the worker idle most of the time, as a share of what it can do. */
const LIGHT = 0.25;
/** Connections on which is counted what the worker can do: many more than it needs to be busy all the time. */
const CLOSED_CONNECTIONS = 256;
/** A request that takes longer has failed, in ms. */
const TIMEOUT_MS = 20_000;

/** How a run is made. */
export interface OverloadOptions extends Cores {
  /** How much more comes than can be served. */
  readonly times: number;
  readonly connections: number;
  /** How long the backends take, in ms. */
  readonly serviceMs: number;
  /** Conditions that each request is held against: what makes it dear. */
  readonly routes: number;
  readonly lightMs: number;
  readonly overloadMs: number;
  /** The start of the overload that is shown apart, in ms: it is then that it is noticed. */
  readonly onsetMs: number;
}

/** What came of a part of the load; times in ms. */
export interface PartResult {
  readonly requests: number;
  readonly served: number;
  readonly refused: number;
  readonly failed: number;
  readonly servedP50Ms: number;
  readonly servedP99Ms: number;
  readonly refusedP50Ms: number;
  readonly refusedP99Ms: number;
}

/** A whole run. */
export interface OverloadSample {
  /** Requests a second that are answered when there is always one more. */
  readonly capacity: number;
  /** The most that those connections could bring, were the worker infinitely fast. */
  readonly capacityBound: number;
  readonly unloaded: PartResult;
  readonly onset: PartResult;
  readonly overload: PartResult;
  /** The same light load as at first, from one second after the end of the overload. */
  readonly after: PartResult;
}

/** What came of the requests that were due in a part of the time. */
export function partOf(answers: readonly Answered[], fromMs = 0, toMs = Number.POSITIVE_INFINITY): PartResult {
  const part = answers.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const times = (wanted: number): number[] =>
    part.filter(({ status }) => status === wanted).map((each) => each.latencyMs);
  const [served, refused] = [times(200), times(503)];
  return {
    requests: part.length,
    served: served.length,
    refused: refused.length,
    failed: part.length - served.length - refused.length,
    servedP50Ms: percentile(served, 0.5),
    servedP99Ms: percentile(served, 0.99),
    refusedP50Ms: percentile(refused, 0.5),
    refusedP99Ms: percentile(refused, 0.99),
  };
}

/** The configuration: everything as it is by default, and a long list of conditions. */
export function overloadConfig(listener: number, backends: readonly number[], routes: number): string {
  const conditions = Array.from(
    { length: routes },
    (_, i) => `      - { match: { header: { host: "~^tenant-${i}\\\\.(eu|us)\\\\.example$" } }, pool: apps }`,
  );
  return `workers: 1
watch: false
admin: false
log: { level: warn }
listeners:
  web:
    protocol: http
    bind: "127.0.0.1:${listener}"
    routes:
${conditions.join('\n')}
      - pool: apps
pools:
  apps:
    backends: [${backends.map((port) => `"127.0.0.1:${port}"`).join(', ')}]
    keepAlive: { max: 4096 }
`;
}

async function start(group: ProcessGroup, options: OverloadOptions): Promise<number> {
  const [listener, ...backends] = (await freePorts(3)) as [number, number, number];
  for (const port of backends) {
    const args = [BACKEND, String(port), String(options.serviceMs), '512'];
    const backend = await group.start({ name: 'backend', command: process.execPath, args, core: options.loadCore });
    await portsReady(backend, [port]);
  }
  const config = overloadConfig(listener, backends, options.routes);
  await startFairlead(group, { config, ports: [listener], core: options.proxyCore });
  return listener;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Measures one run with backends and a Fairlead of its own; `tell` hears what it is at. */
export async function measureOverload(options: OverloadOptions, tell: (what: string) => void): Promise<OverloadSample> {
  const group = new ProcessGroup();
  try {
    const port = await start(group, options);
    const load = { port, path: '/', timeoutMs: TIMEOUT_MS, maxConnections: options.connections, openFirst: true };
    tell('warm-up');
    await openLoad({ ...load, perSecond: 500, durationMs: 2000 });
    tell('capacity');
    const closed = await openLoad({
      ...load,
      perSecond: 50_000,
      durationMs: 3000,
      maxConnections: CLOSED_CONNECTIONS,
      openFirst: true,
      timeoutMs: 3000,
    });
    const capacity =
      closed.filter(({ status, latencyMs, atMs }) => status === 200 && atMs + latencyMs < 3000).length / 3;
    await wait(1500);
    tell(`unloaded, of ${Math.round(capacity)} a second`);
    const light = { ...load, perSecond: LIGHT * capacity, durationMs: options.lightMs };
    const unloaded = partOf(await openLoad(light));
    tell(`${options.times} times the capacity`);
    const much = { ...load, perSecond: options.times * capacity, durationMs: options.overloadMs };
    const answers = await openLoad(much);
    await wait(1000);
    tell('after');
    const after = partOf(await openLoad(light));
    const { onsetMs, serviceMs } = options;
    const capacityBound = (CLOSED_CONNECTIONS * 1000) / serviceMs;
    return {
      capacity,
      capacityBound,
      unloaded,
      onset: partOf(answers, 0, onsetMs),
      overload: partOf(answers, onsetMs),
      after,
    };
  } finally {
    await group.close();
  }
}
