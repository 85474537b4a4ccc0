import type { ModelBackend, Played } from '../simulate/play.ts';
import { percent } from '../support/percent.ts';
import { counted } from './report.ts';
import { type Column, tableLines } from './table.ts';

/** A backend of the model by its name. */
export interface NamedBackend extends ModelBackend {
  readonly id: string;
}

/** What was played, and what came of it. */
export interface Simulation {
  readonly backends: readonly NamedBackend[];
  readonly perSecond: number;
  /** Requests a second that the backends can do together. */
  readonly capacity: number;
  readonly requests: number;
  readonly keys: number;
  readonly seed: number;
  /** The algorithm that the pool has in the config; without one, none is marked. */
  readonly configured: string | undefined;
  readonly results: readonly (Omit<Played, 'picks'> & { readonly algorithm: string })[];
}

/** Backends that have a column of their own each; of more, the least and the largest share are shown. */
const MOST_COLUMNS = 6;

/** A simulation for people. */
export function simulationText({
  backends,
  perSecond,
  capacity,
  requests,
  seed,
  configured,
  results,
}: Simulation): string {
  const each = backends.length <= MOST_COLUMNS;
  const columns: Column[] = [
    { title: 'ALGORITHM' },
    { title: 'P50', right: true },
    { title: 'P99', right: true },
    { title: 'FAILED', right: true },
    { title: 'REFUSED', right: true },
    ...(each ? backends.map(({ id }) => ({ title: id, right: true })) : [{ title: 'SHARES', right: true }]),
  ];
  const rows = results.map(({ algorithm, p50Ms, p99Ms, failed, refused, shares }) => [
    algorithm === configured ? `${algorithm} *` : algorithm,
    inUnits(p50Ms),
    inUnits(p99Ms),
    String(failed),
    String(refused),
    ...(each ? shares.map(percent) : [`${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}`]),
  ]);
  const load = capacity === 0 ? '' : ` (${percent(perSecond / capacity)} of what they can do)`;
  const head = `${counted(backends.length, 'backend')}, ${Math.round(perSecond)} requests a second${load}, ${requests} in all, seed ${seed}`;
  const mark = configured === undefined ? [] : ['', '* what the pool has'];
  return `${[head, '', ...tableLines(columns, rows), ...mark].join('\n')}\n`;
}

/** Milliseconds, or seconds where a backend cannot keep up. */
function inUnits(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
