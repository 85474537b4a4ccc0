import { percent } from '../../support/percent.ts';
import type { Look } from './observe.ts';

/** How a pool spread its load over its backends during a run. */
export interface Spread {
  readonly pool: string;
  readonly algorithm: string;
  readonly picks: number;
  readonly backends: readonly BackendSpread[];
  /** The largest difference from what the weights say, as a part of that: 0.01 is one percent; null when they say nothing. */
  readonly fairnessError: number | null;
}

/** The part of one backend, as fractions of the pool's picks. */
export interface BackendSpread {
  readonly id: string;
  readonly picks: number;
  readonly share: number;
  /** By its weight among those that were enabled and well when the run ended. */
  readonly expected: number;
  /** Share of one core that its process used; null when it cannot be seen. */
  readonly busy: number | null;
}

/** How busy everything was, each but `waits` as a share of what it can be: 0 to 1; null for what cannot be seen. */
export interface Loads {
  readonly generator: number;
  readonly fairlead: number | null;
  /** Of Fairlead's busiest worker, how much it was not waiting in the last second of the run. */
  readonly busiestWorker: number | null;
  /** Of the busiest backend. */
  readonly backends: number | null;
  readonly machine: number;
  /** How often every backend of a pool was at its limit of connections, so that something had to queue. */
  readonly waits: number;
}

/** What held a run back. */
export interface Limit {
  readonly part: 'generator' | 'fairlead' | 'backends' | 'machine' | 'rate' | 'connections';
  readonly why: string;
}

const FULL = 0.9;
/** Work is never spread perfectly evenly over workers, so all of them together are full a little earlier. */
const FULL_WORKERS = 0.85;
const FULL_WORKER = 0.95;
const FULL_MACHINE = 0.95;
const RATE_MET = 0.99;

/** How the pools that were used in a run spread it; a pool that was not is left out. */
export function spreadsOf({ fairlead: before, atMs: from }: Look, { fairlead: after, atMs: to }: Look): Spread[] {
  if (before === undefined || after === undefined) return [];
  return after.pools.flatMap(({ name, algorithm, backends }) => {
    const counts = backends.map(({ id }) => {
      return (after.picks.get(name)?.get(id) ?? 0) - (before.picks.get(name)?.get(id) ?? 0);
    });
    const picks = counts.reduce((sum, count) => sum + count, 0);
    if (picks === 0) return [];
    const weights = backends.map(({ weight, state, health }) =>
      state === 'enabled' && (health === 'up' || health === 'unknown') ? weight : 0,
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const rows = backends.map(({ id, address }, n) => {
      const usedMs = (after.backends.get(address) ?? Number.NaN) - (before.backends.get(address) ?? Number.NaN);
      return {
        id,
        picks: counts[n]!,
        share: counts[n]! / picks,
        expected: total === 0 ? 0 : weights[n]! / total,
        busy: Number.isNaN(usedMs) ? null : usedMs / (to - from),
      };
    });
    return [{ pool: name, algorithm, picks, backends: rows, fairnessError: fairnessError(rows) }];
  });
}

function fairnessError(rows: readonly BackendSpread[]): number | null {
  const expected = rows.filter((row) => row.expected > 0);
  if (expected.length === 0) return null;
  return Math.max(...expected.map((row) => Math.abs(row.share - row.expected) / row.expected));
}

/** How busy everything was between two looks. */
export function loadsOf(before: Look, after: Look, generator: number): Loads {
  const wallMs = after.atMs - before.atMs;
  const busyMs = after.machine.busyMs - before.machine.busyMs;
  const allMs = busyMs + after.machine.idleMs - before.machine.idleMs;
  const busiest = spreadsOf(before, after).flatMap(({ backends }) => backends.map(({ busy }) => busy ?? Number.NaN));
  const seen = busiest.filter((busy) => !Number.isNaN(busy));
  const cpuMs = ((after.fairlead?.cpuS ?? Number.NaN) - (before.fairlead?.cpuS ?? Number.NaN)) * 1000;
  const fairlead = cpuMs / wallMs / Math.max(1, after.fairlead?.workers ?? 1);
  return {
    generator,
    fairlead: Number.isNaN(fairlead) ? null : fairlead,
    busiestWorker: after.fairlead?.busiestWorker ?? null,
    backends: seen.length === 0 ? null : Math.max(...seen),
    machine: allMs === 0 ? 0 : busyMs / allMs,
    waits: (after.fairlead?.waits ?? 0) - (before.fairlead?.waits ?? 0),
  };
}

/** What a run reached. */
export interface Reached {
  /** Answers a second. */
  readonly perSecond: number;
  /** What was asked for; undefined for a closed loop. */
  readonly rate: number | undefined;
  readonly connections: number;
}

/** Which part held the run back, by how busy each was. */
export function limitOf(
  { generator, fairlead, busiestWorker, backends, machine, waits }: Loads,
  { perSecond, rate, connections }: Reached,
): Limit {
  if (rate !== undefined && perSecond >= rate * RATE_MET)
    return { part: 'rate', why: 'none: the rate that was asked for was reached' };
  if (generator >= FULL)
    return {
      part: 'generator',
      why: `the generator: ${percent(generator)} of a core; give it more --processes, or another machine`,
    };
  if (fairlead !== null && fairlead >= FULL_WORKERS)
    return { part: 'fairlead', why: `Fairlead: ${percent(fairlead)} of the cores its workers have` };
  if (backends !== null && backends >= FULL)
    return { part: 'backends', why: `a backend: ${percent(backends)} of a core` };
  if (waits > 0)
    return {
      part: 'backends',
      why: `the limits of the backends: every one of a pool was at its maxConnections ${waits} times, and something queued`,
    };
  if (machine >= FULL_MACHINE)
    return {
      part: 'machine',
      why: `the machine: ${percent(machine)} of all its cores, which everything on it shares`,
    };
  if (busiestWorker !== null && busiestWorker >= FULL_WORKER)
    return { part: 'fairlead', why: `one worker of Fairlead: its event loop was ${percent(busiestWorker)} busy` };
  const waited = rate === undefined ? `all ${connections} connections` : 'requests';
  return {
    part: 'connections',
    why: `none that can be seen: no CPU was full, so ${waited} waited for the backends; give more --connections, or see what those wait for`,
  };
}
