import type { BackendStatus, PoolStatus } from '../../admin/schema.ts';
import { type AdminClient, AdminProblem } from '../admin-client.ts';
import { UsageProblem } from '../args.ts';
import { measure, type Run } from './measure.ts';
import type { BenchReport } from './report.ts';

/** A run with so many backends. */
export interface ScaleStep {
  readonly backends: number;
  /** The one that was enabled for it. */
  readonly added: string;
  readonly perSecond: number;
  /** Throughput as a part of so many times that of the first backend. */
  readonly efficiency: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests without an answer, and answers from 500 on. */
  readonly failed: number;
  readonly limit: BenchReport['limit']['part'];
}

/** How the throughput grows with the backends. */
export interface ScaleReport {
  readonly url: string;
  readonly pool: string;
  readonly startedAt: string;
  readonly connections: number;
  readonly durationMs: number;
  readonly steps: readonly ScaleStep[];
  /** After so many backends another one brings less than half of what the first did; null when there is no such number. */
  readonly knee: number | null;
}

const WORTH = 0.5;

/**
 * Measures with one backend of a pool, with two, and so on; the pool is as before then, also when it was interrupted.
 * Throws UsageProblem when it cannot be told which pool is meant, and AdminProblem.
 */
export async function measureScale(
  run: Run & { readonly client: AdminClient },
  wanted: string | undefined,
): Promise<ScaleReport> {
  const { client, io, spec } = run;
  const pool = await poolToScale(client, wanted);
  const usable = pool.backends.filter(isUsable);
  if (usable.length < 2)
    throw new AdminProblem(`pool ${pool.name} has fewer than two backends that are enabled and well`);
  const startedAt = new Date().toISOString();
  const steps: ScaleStep[] = [];
  const set = (id: string, state: BackendStatus['state']) => client.change({ pool: pool.name, backend: id }, { state });
  try {
    for (const { id } of usable.slice(1)) await set(id, 'disabled');
    for (const [n, { id }] of usable.entries()) {
      if (n > 0) await set(id, 'enabled');
      const report = await measure({ ...run, label: `${n + 1}/${usable.length} backends  ` });
      steps.push(stepOf(report, { backends: n + 1, added: id }, steps[0]?.perSecond));
    }
  } finally {
    for (const { id } of usable.slice(1)) {
      await set(id, 'enabled').catch((error: Error) => {
        io.stderr.write(`${pool.name}/${id} could not be enabled again: ${error.message}\n`);
      });
    }
  }
  const { url, connections, durationMs } = spec;
  return { url, pool: pool.name, startedAt, connections, durationMs, steps, knee: kneeOf(steps) };
}

function isUsable({ state, health, weight }: BackendStatus): boolean {
  return state === 'enabled' && (health === 'up' || health === 'unknown') && weight > 0;
}

async function poolToScale(client: AdminClient, wanted: string | undefined): Promise<PoolStatus> {
  const pools = await client.pools();
  const names = pools.map(({ name }) => name).join(', ');
  const named = pools.find(({ name }) => name === wanted);
  if (wanted !== undefined && named === undefined)
    throw new AdminProblem(`there is no pool '${wanted}'; there is ${names}`);
  if (named !== undefined) return named;
  if (pools.length !== 1) throw new UsageProblem(`which pool is to be scaled? --pool is missing: ${names}`);
  return pools[0]!;
}

function stepOf(
  { perSecond, latencyMs, failures, statuses, limit }: BenchReport,
  about: Pick<ScaleStep, 'backends' | 'added'>,
  first = perSecond,
): ScaleStep {
  const errors = Object.entries(statuses).filter(([status]) => Number(status) >= 500);
  const failed = [...Object.entries(failures), ...errors].reduce((sum, [, count]) => sum + count, 0);
  const efficiency = first === 0 ? 0 : perSecond / (about.backends * first);
  return { ...about, perSecond, efficiency, p50Ms: latencyMs.p50, p99Ms: latencyMs.p99, failed, limit: limit.part };
}

/** The last number of backends before one that was not worth it. */
export function kneeOf(steps: readonly Pick<ScaleStep, 'perSecond'>[]): number | null {
  const [first] = steps;
  if (first === undefined) return null;
  const next = steps.findIndex(
    (step, n) => n > 0 && step.perSecond - steps[n - 1]!.perSecond < WORTH * first.perSecond,
  );
  return next < 0 ? null : next;
}
