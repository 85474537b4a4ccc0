import type { LatencyCounts } from './latencies.ts';

/** What one process of a load test sends: plain data. */
export interface LoadSpec {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly connections: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly timeoutMs: number;
  /** Requests a second of an open loop; undefined for a closed one. */
  readonly rate: number | undefined;
}

/** What one process measured. */
export interface LoadResult {
  /** Answers of any status. */
  readonly answered: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer, by what happened. */
  readonly failures: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly durationMs: number;
  readonly latencies: LatencyCounts;
  /** Answers in each SLICE_MS of the run. */
  readonly slices: readonly number[];
  /** Share of one core that its main thread used, 0 to 1. */
  readonly busy: number;
}

/** What a process that sends load says. */
export type FromLoad =
  | { readonly kind: 'warm' }
  | { readonly kind: 'progress'; readonly answered: number }
  | { readonly kind: 'done'; readonly result: LoadResult };

/** The word that begins the measured run. */
export const GO = 'go';

/** How fine the course of a run is recorded. */
export const SLICE_MS = 500;
