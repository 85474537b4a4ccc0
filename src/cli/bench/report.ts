import type { Limit, Loads, Spread } from './findings.ts';
import type { Measured } from './generate.ts';
import type { Bar } from './latencies.ts';
import { type LoadSpec, SLICE_MS } from './load.ts';

/** What a load test found, as `--json` prints it. Times in ms, shares as fractions. */
export interface BenchReport {
  readonly url: string;
  readonly startedAt: string;
  readonly loop: 'closed' | 'open';
  readonly connections: number;
  readonly processes: number;
  /** What was asked for; null for a closed loop. */
  readonly rate: number | null;
  readonly durationMs: number;
  readonly answered: number;
  readonly perSecond: number;
  /** Of bodies; with the heads in a closed loop. */
  readonly bytesPerSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer, by what happened. */
  readonly failures: Readonly<Record<string, number>>;
  readonly latencyMs: LatencyReport;
  readonly histogram: readonly Bar[];
  /** Answers a second over the course of the run, every half a second. */
  readonly course: readonly number[];
  readonly loads: Loads;
  readonly limit: Limit;
  /** Of the pools that took part; empty when Fairlead could not be asked. */
  readonly pools: readonly Spread[];
  /** Attempts made again during the run; null when Fairlead could not be asked. */
  readonly retries: number | null;
}

/** Percentiles by their names. */
export type LatencyReport = Readonly<Record<(typeof percentiles)[number][0] | 'mean' | 'min' | 'max', number>>;

/** The percentiles that are reported, by name and share. */
export const percentiles = [
  ['p50', 0.5],
  ['p75', 0.75],
  ['p90', 0.9],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p99.9', 0.999],
  ['p99.99', 0.9999],
] as const;

const MOST_BARS = 16;

/** What was found beside what the processes measured. */
export interface Found extends Pick<BenchReport, 'loads' | 'limit' | 'pools' | 'retries' | 'startedAt' | 'processes'> {
  readonly spec: LoadSpec;
}

/** Puts a report together. */
export function reportOf(measured: Measured, { spec, ...found }: Found): BenchReport {
  const { answered, durationMs, latencies, bytes, statuses, failures, slices } = measured;
  const shares = percentiles.map(([name, share]) => [name, latencies.percentileMs(share)] as const);
  const latencyMs = {
    min: latencies.minMs,
    mean: latencies.meanMs,
    ...Object.fromEntries(shares),
    max: latencies.maxMs,
  };
  return {
    url: spec.url,
    loop: spec.rate === undefined ? 'closed' : 'open',
    connections: spec.connections,
    rate: spec.rate ?? null,
    durationMs,
    answered,
    perSecond: perSecond(measured),
    bytesPerSecond: (bytes * 1000) / durationMs,
    statuses,
    failures,
    latencyMs: latencyMs as LatencyReport,
    histogram: latencies.bars(MOST_BARS),
    course: slices.map((count) => (count * 1000) / SLICE_MS),
    ...found,
  };
}

/** Answers a second. */
export function perSecond({ answered, durationMs }: Pick<Measured, 'answered' | 'durationMs'>): number {
  return (answered * 1000) / durationMs;
}
