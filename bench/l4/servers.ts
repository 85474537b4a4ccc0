import { POSTGRES_USER, startPostgresBackend } from '../backends/postgres-backend.ts';
import { startRedisBackend } from '../backends/redis-backend.ts';
import { runPgbench } from '../lib/pgbench.ts';
import { runRedisBenchmark } from '../lib/redis-benchmark.ts';
import type { Workload } from '../peers/workloads.ts';

// redis-benchmark wants a number of requests; these take about a second where nothing else is the limit.
const REQUESTS_PER_S = 50_000;
const PIPELINED_PER_S = 400_000;
const PIPELINE = 16;

function redis(name: string, title: string, pipeline: number, perSecond: number): Workload {
  return {
    name,
    title,
    layer: 'l4',
    kind: 'requests',
    startBackends: async (group, core) => [await startRedisBackend(group, core)],
    run: async (group, { durationS, ...drive }) => {
      const requests = Math.round(perSecond * durationS);
      const { requestsPerSecond, p99Ms } = await runRedisBenchmark(group, { ...drive, requests, pipeline });
      return { units: requests, rate: requestsPerSecond, p99Ms, errors: 0 };
    },
  };
}

// Each is a process of the server, which takes its time to start.
const POSTGRES_CONNECTIONS = 8;

const postgres: Workload = {
  name: 'postgres',
  title: 'PostgreSQL, pgbench reading through prepared statements',
  layer: 'l4',
  kind: 'requests',
  startBackends: async (group, core) => [await startPostgresBackend(group, core)],
  run: async (group, drive) => {
    const result = await runPgbench(group, {
      ...drive,
      connections: Math.min(drive.connections, POSTGRES_CONNECTIONS),
      user: POSTGRES_USER,
    });
    const { transactions: units, transactionsPerSecond: rate, errors } = result;
    return { units, rate, p99Ms: Number.NaN, errors };
  },
};

/** Real servers behind a TCP listener, each driven by its own benchmark. */
export const serverWorkloads: readonly Workload[] = [
  postgres,
  redis('redis', 'Redis, redis-benchmark with GET', 1, REQUESTS_PER_S),
  redis('redis-pipeline', `Redis, GET in pipelines of ${PIPELINE}`, PIPELINE, PIPELINED_PER_S),
];
