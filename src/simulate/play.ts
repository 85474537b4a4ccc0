import { type AlgorithmName, algorithms } from '../pick/algorithms.ts';
import type { Lease } from '../pool/lease.ts';
import { Pool, type PoolPlan } from '../pool/pool.ts';
import { AdminState, Health, SharedTable } from '../pool/table.ts';
import { Agenda } from './agenda.ts';
import { seededRandom } from './seeded-random.ts';

/** The algorithms that can be played. */
export const algorithmNames = Object.keys(algorithms) as readonly AlgorithmName[];

/** Whether an algorithm goes by a key, and picks as another one does when there is none. */
export function goesByKey(algorithm: AlgorithmName): boolean {
  return algorithm === 'hash' || algorithm === 'maglev';
}

/** A backend of the model: so many requests at a time, the rest wait in line. */
export interface ModelBackend {
  /** Mean time a request takes once it is its turn, in ms; times are exponentially distributed. */
  readonly serviceMs: number;
  /** Requests it works on at a time. */
  readonly slots: number;
  readonly weight?: number;
  /** Leases it may hold at a time; 0 for no limit. */
  readonly maxConnections?: number;
  /** Used only while no other backend can be. */
  readonly backup?: boolean;
  /** Fails every request at once. */
  readonly failsFast?: boolean;
}

/** What happens, on virtual time. */
export interface Scenario {
  readonly backends: readonly ModelBackend[];
  /** Requests a second, arriving at random (Poisson). */
  readonly perSecond: number;
  readonly requests: number;
  /** Backends that are there from this request on, and not before. */
  readonly joining?: { readonly index: number; readonly atRequest: number };
  /** A backend that is down from this request on. */
  readonly leaving?: { readonly index: number; readonly atRequest: number };
  /** Distinct keys, drawn evenly; without it, requests have no key. */
  readonly keys?: number;
  /** See `BalancerContext`. */
  readonly loadFactor?: number | undefined;
  readonly seed?: number;
}

/** What came of it. */
export interface Played {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Picks by backend, as shares of all. */
  readonly shares: readonly number[];
  readonly failed: number;
  /** Requests for which no backend was free. */
  readonly refused: number;
  /** The backends in the order they were picked. */
  readonly picks: readonly number[];
}

/** Fails after this long, where a backend fails fast. */
const FAST_FAILURE_MS = 0.1;

/** A request on its way. */
interface Sent {
  readonly lease: Lease;
  readonly atMs: number;
  readonly index: number;
}

/** Plays requests against the real pool, table and algorithm; only backends and time are models. */
export function play(algorithm: AlgorithmName, scenario: Scenario): Played {
  const random = seededRandom(scenario.seed ?? 1);
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;
  const agenda = new Agenda();
  let nowMs = 0;
  const { table, pool } = stage(algorithm, scenario, random, () => nowMs);
  const waiting: Sent[][] = scenario.backends.map(() => []);
  const busy = scenario.backends.map(() => 0);
  const latencies: number[] = [];
  const picks: number[] = [];
  let failed = 0;
  let refused = 0;

  const work = (index: number): void => {
    const { serviceMs, slots } = scenario.backends[index]!;
    while (busy[index]! < slots && waiting[index]!.length > 0) {
      const sent = waiting[index]!.shift()!;
      busy[index]!++;
      agenda.add(nowMs + exponential(serviceMs), () => {
        busy[index]!--;
        sent.lease.answered((nowMs - sent.atMs) * 1000);
        sent.lease.release('served');
        latencies.push(nowMs - sent.atMs);
        work(index);
      });
    }
  };
  const arrive = (number: number): void => {
    if (number + 1 < scenario.requests)
      agenda.add(nowMs + exponential(1000 / scenario.perSecond), () => arrive(number + 1));
    if (scenario.joining?.atRequest === number) turn(table, scenario.joining.index, Health.up);
    if (scenario.leaving?.atRequest === number) turn(table, scenario.leaving.index, Health.down);
    const key = scenario.keys === undefined ? undefined : `key-${Math.floor(random() * scenario.keys)}`;
    const acquired = pool.acquire({ key });
    if (!acquired.ok) {
      refused++;
      return;
    }
    const index = acquired.lease.backend.slot;
    picks.push(index);
    if (scenario.backends[index]!.failsFast !== true) {
      waiting[index]!.push({ lease: acquired.lease, atMs: nowMs, index });
      return work(index);
    }
    failed++;
    agenda.add(nowMs + FAST_FAILURE_MS, () => acquired.lease.release('backend-reset'));
  };

  agenda.add(0, () => arrive(0));
  for (let event = agenda.next(); event !== undefined; event = agenda.next()) {
    nowMs = event.atMs;
    event.run();
  }
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
  const counts = scenario.backends.map(() => 0);
  for (const pick of picks) counts[pick]!++;
  const shares = counts.map((count) => count / Math.max(1, picks.length));
  return { p50Ms: quantile(0.5), p99Ms: quantile(0.99), shares, failed, refused, picks };
}

function turn(table: SharedTable, slot: number, health: Health): void {
  table.setHealth(slot, health);
  table.touch(0);
}

function stage(algorithm: AlgorithmName, scenario: Scenario, random: () => number, now: () => number) {
  const { backends, joining, loadFactor } = scenario;
  const table = new SharedTable({ backends: backends.length, pools: 1, splits: 1, listeners: 1, lanes: 1 });
  for (const [slot, { weight, maxConnections }] of backends.entries()) {
    table.setAdmin(slot, AdminState.enabled);
    table.setWeight(slot, weight ?? 1);
    table.setMaxActive(slot, maxConnections ?? 0);
    if (slot !== joining?.index) table.setHealth(slot, Health.up);
  }
  const plan: PoolPlan = {
    number: 0,
    name: 'model',
    algorithm,
    backends: backends.map(({ backup = false }, slot) => {
      return { slot, id: `b${slot}`, address: `b${slot}:80`, backup, endpoints: [] };
    }),
    loadFactor,
    ejectAfter: 0,
    probed: false,
  };
  const observer = { picked() {}, failed() {}, trouble() {} };
  return { table, pool: new Pool(plan, { table, lane: 0, observer, random, now }) };
}
