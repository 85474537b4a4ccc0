import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BackendFault, FaultySpec } from '../backends/faulty-backend.ts';
import { type Answered, openLoad } from '../lib/open-load.ts';
import { freePorts, portsReady } from '../lib/ports.ts';
import { ProcessGroup, type RunningProcess, searchPath } from '../lib/processes.ts';
import { percentile } from '../lib/statistics.ts';
import type { Contender } from './proxies.ts';

const BACKEND = fileURLToPath(new URL('../backends/faulty-backend.ts', import.meta.url));

/** What befalls one of the backends. */
export const faults = ['killed', '503', 'silent', 'half', 'slow', 'flapping'] as const;
export type Fault = (typeof faults)[number];

/** A request that takes so many times the median is slow. */
export const SLOW_TIMES = 10;

/** How a run is made. */
export interface ResilienceOptions {
  readonly backends: number;
  readonly serviceMs: number;
  readonly slowMs: number;
  readonly perSecond: number;
  /** From the start of the load to the fault, in ms; the first half of it warms up and is not counted. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How long clients wait for an answer, in ms. */
  readonly patienceMs: number;
}

/** What clients of one proxy saw of one fault. */
export interface ResilienceSample {
  readonly proxy: string;
  readonly fault: Fault;
  readonly requests: number;
  /** Answers of 5xx, answers that broke off, and none within the clients' patience. */
  readonly failed: number;
  /** Answered well, but late. */
  readonly slow: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** The version line a proxy prints; undefined when it is not installed. */
export function proxyVersion({ version: [command, ...args] }: Contender): string | undefined {
  const ran = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: searchPath() } });
  return ran.error === undefined && ran.status === 0 ? (ran.stdout + ran.stderr).trim().split('\n')[0] : undefined;
}

/** Counts what came of the requests that were due from `fromMs` on. */
export function seenBy(answers: readonly Answered[], fromMs: number): Omit<ResilienceSample, 'proxy' | 'fault'> {
  const counted = answers.filter(({ atMs }) => atMs >= fromMs);
  const good = counted.filter(({ status }) => status === 200).map(({ latencyMs }) => latencyMs);
  const medianMs = percentile(good, 0.5);
  return {
    requests: counted.length,
    failed: counted.length - good.length,
    slow: good.filter((ms) => ms > SLOW_TIMES * medianMs).length,
    medianMs,
    p99Ms: percentile(good, 0.99),
  };
}

async function startBackends(group: ProcessGroup, options: ResilienceOptions) {
  const ports = await freePorts(options.backends);
  const running: RunningProcess[] = [];
  for (const port of ports) {
    const spec: FaultySpec = { port, serviceMs: options.serviceMs, slowMs: options.slowMs, flapMs: 1000 };
    const args = [BACKEND, JSON.stringify(spec)];
    running.push(await group.start({ name: 'backend', command: process.execPath, args, ipc: true }));
  }
  for (const [i, port] of ports.entries()) await portsReady(running[i]!, [port]);
  return { ports, last: running.at(-1)! };
}

async function startProxy(group: ProcessGroup, proxy: Contender, backends: readonly number[]): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const directory = group.directory();
  const { command, args, env, files } = proxy.launch({ directory, port, backends });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const running = await group.start({ name: proxy.name, command, args, env });
  await portsReady(running, [port]);
  return port;
}

/** Measures one fault behind one proxy, with backends of its own. */
export async function measureFault(
  proxy: Contender,
  fault: Fault,
  options: ResilienceOptions,
): Promise<ResilienceSample> {
  const group = new ProcessGroup();
  try {
    const { ports, last } = await startBackends(group, options);
    const port = await startProxy(group, proxy, ports);
    const { perSecond, beforeMs, afterMs, patienceMs } = options;
    const load = { port, path: '/', perSecond, maxConnections: 4096, timeoutMs: patienceMs };
    const answers = openLoad({ ...load, durationMs: beforeMs + afterMs });
    setTimeout(() => {
      if (fault === 'killed') last.child.kill('SIGKILL');
      else last.child.send(fault satisfies BackendFault);
    }, beforeMs);
    return { proxy: proxy.name, fault, ...seenBy(await answers, beforeMs / 2) };
  } finally {
    await group.close();
  }
}
