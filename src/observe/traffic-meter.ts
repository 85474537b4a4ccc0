import { LATENCY_CELLS, quantile } from './latency.ts';
import type { LatencyPercentiles } from './latency-window.ts';
import type { MeterReader, SeriesSum } from './meter-reader.ts';
import type { Labels } from './meters.ts';

/** A count that only grows, as it was at two readings one after the other. */
interface Figure {
  now: number;
  before: number;
}

/** What is counted of a thing so far, and each second of the time between the last two readings. */
export interface Rate {
  readonly total: number;
  readonly perSecond: number;
}

/** Readings that a latency figure goes back. */
const LATENCY_READINGS = 10;
const nothing: Rate = { total: 0, perSecond: 0 };
const FIRST_ERROR = '5';

/** The sums that each series goes into, by meter. An answer of 500 and above is an error too. */
const sums = {
  requests_total: ({ listener, route, pool, backend, code }: Labels) => {
    const requests = [
      ['listener-requests', listener],
      ['route-requests', listener, route],
      ['route-pool', listener, route, pool],
    ];
    if (code! < FIRST_ERROR) return requests;
    const errors = [
      ['listener-errors', listener],
      ['route-errors', listener, route],
    ];
    if (pool !== '') errors.push(['pool-errors', pool]);
    if (backend !== '') errors.push(['backend-errors', pool, backend]);
    return [...requests, ...errors];
  },
  connections_routed_total: ({ listener, route, pool }: Labels) => [
    ['route-requests', listener, route],
    ['route-pool', listener, route, pool],
  ],
  connections_total: ({ listener }: Labels) => [['listener-connections', listener]],
  refusals_total: ({ listener }: Labels) => [['listener-refusals', listener]],
  bytes_total: ({ listener, direction }: Labels) => [[`listener-bytes-${direction}`, listener]],
  backend_picks_total: ({ pool, backend }: Labels) => [
    ['pool-leases', pool],
    ['backend-leases', pool, backend],
  ],
  backend_failures_total: ({ pool, backend }: Labels) => [
    ['pool-failures', pool],
    ['backend-failures', pool, backend],
  ],
  retries_total: ({ pool }: Labels) => [['pool-retries', pool]],
} as const;

/** What is summed up: of a listener, a route of a listener, a pool, a backend of a pool. */
export type FigureName =
  | `listener-${'requests' | 'errors' | 'connections' | 'refusals' | 'bytes-in' | 'bytes-out'}`
  | `route-${'requests' | 'errors' | 'pool'}`
  | `pool-${'leases' | 'errors' | 'failures' | 'retries'}`
  | `backend-${'leases' | 'errors' | 'failures'}`;

/** Turns what workers count into rates: everything is read once a reading, and compared with the reading before. */
export class TrafficMeter {
  readonly #reader: Pick<MeterReader, 'sumOfAll'>;
  readonly #figures = new Map<string, Figure>();
  /** The figures that a series counts for, by its labels, which are the same object at every reading. */
  readonly #targets = new WeakMap<Labels, readonly Figure[]>();
  /** By pool: the sums of its backends' latencies at the last readings, the oldest first. */
  readonly #latencies = new Map<string, Float64Array[]>();
  #readAt = 0;
  #seconds = 0;

  /** Reads the workers' cells whenever it is told to. */
  constructor(reader: Pick<MeterReader, 'sumOfAll'>) {
    this.#reader = reader;
  }

  /** Takes a first reading: rates are 0 until the next. */
  restart(nowMs: number): void {
    this.#latencies.clear();
    this.read(nowMs);
    for (const figure of this.#figures.values()) figure.before = figure.now;
    this.#seconds = 0;
  }

  /** Takes another reading, some time after the last. */
  read(nowMs: number): void {
    this.#seconds = (nowMs - this.#readAt) / 1000;
    this.#readAt = nowMs;
    for (const figure of this.#figures.values()) {
      figure.before = figure.now;
      figure.now = 0;
    }
    for (const name of Object.keys(sums) as (keyof typeof sums)[])
      for (const series of this.#reader.sumOfAll(name))
        for (const figure of this.#targetsOf(name, series)) figure.now += series.values[0]!;
    this.#readLatencies();
  }

  #targetsOf(name: keyof typeof sums, { labels }: SeriesSum): readonly Figure[] {
    let targets = this.#targets.get(labels);
    if (targets === undefined) {
      targets = sums[name](labels).map((key) => this.#figure(JSON.stringify(key)));
      this.#targets.set(labels, targets);
    }
    return targets;
  }

  #figure(key: string): Figure {
    const figure = this.#figures.get(key) ?? { now: 0, before: 0 };
    this.#figures.set(key, figure);
    return figure;
  }

  #readLatencies(): void {
    const now = new Map<string, Float64Array>();
    for (const { labels, values } of this.#reader.sumOfAll('backend_latency')) {
      const pool = labels['pool']!;
      const sum = now.get(pool);
      if (sum === undefined) now.set(pool, values);
      else for (let cell = 0; cell < LATENCY_CELLS; cell++) sum[cell]! += values[cell]!;
    }
    for (const [pool, sum] of now) {
      const readings = this.#latencies.get(pool) ?? [];
      readings.push(sum);
      if (readings.length > LATENCY_READINGS + 1) readings.shift();
      this.#latencies.set(pool, readings);
    }
  }

  /** Time between the last two readings, in s; 0 after the first. */
  get seconds(): number {
    return this.#seconds;
  }

  /** A figure of the thing that these names are of. */
  rate(figure: FigureName, ...names: readonly string[]): Rate {
    const found = this.#figures.get(JSON.stringify([figure, ...names]));
    if (found === undefined) return nothing;
    // What a backend counts that has left and is back begins at 0 again.
    const perSecond = this.#seconds > 0 ? Math.max(0, found.now - found.before) / this.#seconds : 0;
    return { total: found.now, perSecond: Math.round(perSecond * 100) / 100 };
  }

  /** The latency of a pool's backends over the last ten readings, in ms; nulls when nothing was measured in them. */
  latency(pool: string): LatencyPercentiles {
    const readings = this.#latencies.get(pool) ?? [];
    const [oldest, newest] = [readings[0], readings.at(-1)];
    if (oldest === undefined || newest === undefined) return { p50: null, p99: null };
    const recent = newest.map((count, cell) => count - oldest[cell]!);
    return { p50: toMs(quantile(recent, 0.5)), p99: toMs(quantile(recent, 0.99)) };
  }
}

function toMs(micros: number | undefined): number | null {
  return micros === undefined ? null : Math.round(micros) / 1000;
}
