import type { ProcessGroup } from './processes.ts';

/** What one run of redis-benchmark measured. */
export interface RedisBenchmarkResult {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

/** How to run redis-benchmark. It knows no duration, only a number of requests. */
export interface RedisBenchmarkSpec {
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
  /** Requests that are sent before the first answer is waited for. */
  readonly pipeline: number;
  readonly core?: number | undefined;
}

/** Parses the one line of its CSV report, by the titles above it. Throws on anything else, with the text in the message. */
export function parseRedisBenchmark(text: string): RedisBenchmarkResult {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('"'))
    .map((line) => line.split(',').map((cell) => cell.replaceAll('"', '')));
  const [titles, values] = rows;
  const read = (title: string) => Number(values?.[titles?.indexOf(title) ?? -1]);
  const [requestsPerSecond, p99Ms] = [read('rps'), read('p99_latency_ms')];
  if (Number.isNaN(requestsPerSecond + p99Ms)) throw new Error(`redis-benchmark printed no report:\n${text}`);
  return { requestsPerSecond, p99Ms };
}

/** Runs redis-benchmark with GET alone; it ends with an error, and this rejects, when a connection is cut. */
export async function runRedisBenchmark(group: ProcessGroup, spec: RedisBenchmarkSpec): Promise<RedisBenchmarkResult> {
  const to = ['-h', '127.0.0.1', '-p', String(spec.port), '--csv', '-t', 'get'];
  const how = ['-c', String(spec.connections), '-n', String(spec.requests), '-P', String(spec.pipeline)];
  const ran = await group.run({
    name: 'redis-benchmark',
    command: 'redis-benchmark',
    args: [...to, ...how],
    core: spec.core,
  });
  return parseRedisBenchmark(ran);
}
