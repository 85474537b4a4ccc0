import { FEWEST_REQUESTS, type Figures, type OutlierLimits, outlierReason } from '../health/outliers.ts';
import { LATENCY_CELLS, quantile } from '../observe/latency.ts';
import type { MeterReader } from '../observe/meter-reader.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';

/** A backend as this watch sees it. */
export interface Watched {
  readonly slot: number;
  readonly pool: string;
  readonly id: string;
  readonly limits: OutlierLimits;
}

/** What the watch works with. */
export interface OutlierWatchDeps {
  readonly reader: Pick<MeterReader, 'read' | 'sum'>;
  readonly clock: Clock;
  /** Those that are in use now. */
  watched(): readonly Watched[];
  eject(slot: number, reason: string): void;
}

/** How often the workers' counts are looked at, in ms; and how long few requests are added up before they are forgotten. */
const LOOK_MS = 1000;
const LOOKS_KEPT = 10;

/** The counts of a backend since its slot was first used. */
interface Counts {
  readonly requests: number;
  readonly failures: number;
  readonly latency: Float64Array;
}

/**
 * Compares the backends of a pool with each other by what the workers have counted anyway, once a second, so that it costs
 * the data path nothing. A backend with few requests is judged when enough have come together.
 */
export class OutlierWatch {
  readonly #deps: OutlierWatchDeps;
  #before = new Map<number, { readonly counts: Counts; readonly looks: number }>();
  #timer: TimerHandle | undefined;

  constructor(deps: OutlierWatchDeps) {
    this.#deps = deps;
  }

  /** Begins to look, or goes on. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#look();
      this.start();
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** Looks no more, and leaves no timer behind. */
  stop(): void {
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const watched = this.#deps.watched().filter(({ limits }) => limits.failureRate > 0 || limits.latency > 0);
    const failures = watched.length > 0 ? this.#failures() : new Map<string, number>();
    const after = new Map<number, { readonly counts: Counts; readonly looks: number }>();
    const figures = new Map<Watched, Figures>();
    for (const backend of watched) {
      const counts = this.#count(backend, failures.get(keyOf(backend.pool, backend.id)) ?? 0);
      const before = this.#before.get(backend.slot);
      const since = difference(counts, before?.counts ?? counts);
      figures.set(backend, since);
      const keep = before !== undefined && since.requests < FEWEST_REQUESTS && before.looks < LOOKS_KEPT;
      after.set(backend.slot, keep ? { counts: before.counts, looks: before.looks + 1 } : { counts, looks: 1 });
    }
    this.#before = after;
    for (const [backend, own] of figures) {
      const others = watched.filter((other) => other !== backend && other.pool === backend.pool);
      const reason = outlierReason(
        own,
        others.map((other) => figures.get(other)!),
        backend.limits,
      );
      if (reason !== undefined) this.#deps.eject(backend.slot, reason);
    }
  }

  /** Failures of all backends whatever their kind, in one pass over the series. */
  #failures(): Map<string, number> {
    const failures = new Map<string, number>();
    for (const { labels, values } of this.#deps.reader.sum('backend_failures_total')) {
      const key = keyOf(labels['pool']!, labels['backend']!);
      failures.set(key, (failures.get(key) ?? 0) + values[0]!);
    }
    return failures;
  }

  #count({ pool, id: backend }: Watched, failures: number): Counts {
    const { reader } = this.#deps;
    const latency = reader.read('backend_latency', { pool, backend }) ?? new Float64Array(LATENCY_CELLS);
    return { requests: reader.read('backend_picks_total', { pool, backend })?.[0] ?? 0, failures, latency };
  }
}

function keyOf(pool: string, backend: string): string {
  return `${pool}\n${backend}`;
}

function difference(now: Counts, before: Counts): Figures {
  return {
    requests: now.requests - before.requests,
    failures: now.failures - before.failures,
    medianUs: quantile(
      now.latency.map((count, cell) => count - before.latency[cell]!),
      0.5,
    ),
  };
}
