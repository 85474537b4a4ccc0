import type { TrafficHistory } from '../schema.ts';
import type { PoolTraffic } from '../traffic.ts';

/** What a chart draws: times in s since 1970, then for each line its values, with null for a gap. */
export interface Columns {
  readonly seconds: number[];
  readonly leases: (number | null)[];
  readonly errors: (number | null)[];
  readonly failures: (number | null)[];
  readonly p50: (number | null)[];
  readonly p99: (number | null)[];
}

/** Seconds that a chart goes back. */
export const CHART_SECONDS = 600;
const LONGEST_PAUSE_S = 3;

/** Columns with nothing in them. */
export function emptyColumns(): Columns {
  return { seconds: [], leases: [], errors: [], failures: [], p50: [], p99: [] };
}

/** Adds a point behind the last; one that does not come right after it leaves a gap between them. */
function add(columns: Columns, second: number, values: readonly (number | null)[]): void {
  const last = columns.seconds.at(-1);
  if (last !== undefined && second <= last) return;
  if (last !== undefined && second - last > LONGEST_PAUSE_S) put(columns, last + 1, []);
  put(columns, second, values);
  const from = columns.seconds.findIndex((at) => at > second - CHART_SECONDS);
  if (from > 0) for (const column of Object.values(columns)) column.splice(0, from);
}

/** A line without a value has a gap. */
function put(columns: Columns, second: number, values: readonly (number | null)[]): void {
  const { seconds, leases, errors, failures, p50, p99 } = columns;
  seconds.push(second);
  for (const [n, column] of [leases, errors, failures, p50, p99].entries()) column.push(values[n] ?? null);
}

/** Adds how a pool stands at a time in ms. */
export function addPoint(columns: Columns, atMs: number, pool: PoolTraffic): void {
  const { leases, errors, failures, recentMs } = pool;
  const { perSecond } = failures;
  add(columns, atMs / 1000, [leases.perSecond, errors.perSecond, perSecond, recentMs.p50, recentMs.p99]);
}

/** What the server remembers, followed by what has been added here since. */
export function joinHistory(history: TrafficHistory, here: Columns): Columns {
  const joined = emptyColumns();
  const { leasesPerSecond, errorsPerSecond, failuresPerSecond, p50Ms, p99Ms } = history;
  const kept = [leasesPerSecond, errorsPerSecond, failuresPerSecond, p50Ms, p99Ms];
  for (const [n, at] of history.at.entries())
    add(
      joined,
      at / 1000,
      kept.map((column) => column[n] ?? null),
    );
  const { seconds, ...added } = here;
  for (const [n, second] of seconds.entries())
    add(
      joined,
      second,
      Object.values(added).map((column) => column[n] ?? null),
    );
  return joined;
}
