import { backendName } from '../backends/fleet.ts';
import { type Capacity, requestsPerSecond } from '../backends/slots.ts';
import type { LoadResult } from '../lib/load.ts';
import { ratio } from '../lib/statistics.ts';
import type { Layer } from '../peers/peer.ts';
import type { ScalePoint } from './measure.ts';

/** One line of the report. */
export interface ScaleRow {
  readonly layer: Layer;
  readonly backends: number;
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Throughput over that of one backend through the same layer; NaN without a run with one. */
  readonly factor: number;
  /** The factor over the number of backends: 1 is ideal. */
  readonly efficiency: number;
  /** Throughput over the capacity the backends are built to have. */
  readonly ofCapacity: number;
  /** Share of the answers of each backend, by name, from the answers themselves. */
  readonly shares: Readonly<Record<string, number>>;
  readonly errors: number;
  /** Whether the proxy's own count of picks agrees; undefined when it keeps none. */
  readonly picksAgree: boolean | undefined;
  readonly proxyBusy: number;
}

/**
 * Whether the proxy counted what the client saw. In L7 a pick is a request: each backend's picks are its answers, or at
 * most the connections' number more, one for each request under way when the run ended. In L4 a pick is a connection:
 * together they are exactly the run's connections, since a connection that failed would be an error of the run.
 */
export function picksAgree(point: ScalePoint, connections: number): boolean | undefined {
  if (point.picks === undefined) return undefined;
  const picks = Object.values(point.picks).reduce((sum, count) => sum + count, 0);
  if (point.layer === 'l4') return picks === connections;
  if (picks > point.load.answered + connections) return false;
  return Object.entries(point.load.byBody).every(([name, answers]) => (point.picks?.[name] ?? 0) >= answers);
}

/** Turns the measured points into rows; those with one backend are what the others are compared with. */
export function scaleRows(
  points: readonly ScalePoint[],
  capacity: Capacity,
  connectionsPerBackend: number,
): ScaleRow[] {
  const throughputOf = ({ load }: ScalePoint) => (load.answered * 1000) / load.durationMs;
  return points.map((point) => {
    const { layer, backends, load, proxyBusy } = point;
    const one = points.find((other) => other.layer === layer && other.backends === 1);
    const throughput = throughputOf(point);
    const factor = ratio(throughput, one && throughputOf(one));
    return {
      layer,
      backends,
      throughput,
      p50Ms: load.p50Ms,
      p99Ms: load.p99Ms,
      factor,
      efficiency: factor / backends,
      ofCapacity: throughput / (backends * requestsPerSecond(capacity)),
      shares: sharesOf(load, backends),
      errors: load.errors + load.lost,
      picksAgree: picksAgree(point, backends * connectionsPerBackend),
      proxyBusy,
    };
  });
}

// A backend that answered nothing has a share of 0, which is the one a reader most needs to see.
function sharesOf({ byBody, answered }: LoadResult, backends: number): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(
    Array.from({ length: backends }, (_, i) => [backendName(i), 0]),
  );
  Object.assign(counts, byBody);
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, ratio(count, answered)]));
}

/** Least factor over one backend that Fairlead is held to, by number of backends. */
export const LEAST_FACTOR: Readonly<Record<number, number>> = { 3: 2.9, 8: 7.5 };

/** What is wrong with a row, in words; empty when nothing is. */
export function complaints(row: ScaleRow): string[] {
  const where = `${row.layer.toUpperCase()} with ${row.backends}`;
  const least = LEAST_FACTOR[row.backends];
  const found: string[] = [];
  if (least !== undefined && row.factor < least)
    found.push(`${where}: factor ${row.factor.toFixed(2)} is below ${least}`);
  if (row.errors > 0) found.push(`${where}: ${row.errors} requests failed`);
  if (row.picksAgree === false) found.push(`${where}: the proxy's count of picks differs from the answers`);
  return found;
}
