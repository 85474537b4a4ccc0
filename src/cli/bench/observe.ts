import { cpus } from 'node:os';
import type { PoolStatus } from '../../admin/schema.ts';
import type { AdminClient } from '../admin-client.ts';
import { samplesOf } from './metrics-text.ts';
import { type CpuOfPort, cpuOfPorts } from './port-cpu.ts';

/** What was looked at before a run, or after it. */
export interface Look {
  readonly atMs: number;
  /** Of the machine that the generator runs on, in ms over all its cores. */
  readonly machine: { readonly busyMs: number; readonly idleMs: number };
  /** What Fairlead says of itself; undefined when it cannot be asked. */
  readonly fairlead: FairleadLook | undefined;
}

interface FairleadLook {
  readonly cpuS: number;
  readonly workers: number;
  readonly retries: number;
  /** How often every backend of a pool was at its limit, in pools with a queue. */
  readonly waits: number;
  /** Share of the last second in which the busiest worker was not waiting; undefined when it does not say. */
  readonly busiestWorker: number | undefined;
  readonly pools: readonly PoolStatus[];
  /** By pool and backend. */
  readonly picks: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** CPU time of the processes behind the backends' ports, as far as they are on this machine and ours to see. */
  readonly backends: CpuOfPort;
}

/** Looks at Fairlead, when there is a client for it, and at the machine. */
export async function look(client: AdminClient | undefined): Promise<Look> {
  const fairlead = client && (await lookAtFairlead(client));
  const times = cpus().map(({ times }) => times);
  const idleMs = times.reduce((sum, { idle }) => sum + idle, 0);
  const busyMs = times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0);
  return { atMs: performance.now(), machine: { busyMs, idleMs }, fairlead };
}

async function lookAtFairlead(client: AdminClient): Promise<FairleadLook> {
  const [text, pools] = await Promise.all([client.metrics(), client.pools()]);
  const picks = new Map<string, Map<string, number>>();
  for (const { labels, value } of samplesOf(text, 'fairlead_backend_picks_total')) {
    const { pool = '', backend = '' } = labels;
    const ofPool = picks.get(pool) ?? new Map<string, number>();
    picks.set(pool, ofPool.set(backend, value));
  }
  const total = (metric: string) => samplesOf(text, metric).reduce((sum, { value }) => sum + value, 0);
  const utilization = samplesOf(text, 'fairlead_event_loop_utilization').map(({ value }) => value);
  const addresses = pools.flatMap(({ backends }) => backends.map(({ address }) => address));
  return {
    cpuS: total('process_cpu_seconds_total'),
    workers: total('fairlead_workers'),
    retries: total('fairlead_retries_total'),
    waits: total('fairlead_queue_waits_total'),
    busiestWorker: utilization.length === 0 ? undefined : Math.max(...utilization),
    pools,
    picks,
    backends: await cpuOfPorts(addresses),
  };
}
