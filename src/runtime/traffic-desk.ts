import type { ListenerStatus, PoolStatus, TrafficHistory } from '../admin/schema.ts';
import type {
  BackendTraffic,
  ListenerTraffic,
  PoolTraffic,
  RouteTraffic,
  Traffic,
  TrafficListener,
} from '../admin/traffic.ts';
import type { MeterReader } from '../observe/meter-reader.ts';
import { TrafficMeter } from '../observe/traffic-meter.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';

/** What the desk looks at. */
export interface TrafficDeskDeps {
  readonly reader: Pick<MeterReader, 'sumOfAll'>;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly today: () => number;
  /** What there is now. */
  readonly facts: () => { generation: number; listeners: ListenerStatus[]; pools: PoolStatus[] };
  /** Times a backend of this pool was ejected. */
  readonly ejections: (pool: string) => number;
}

const EVERY_MS = 1000;
/** Ten minutes. */
const LONGEST_HISTORY = 600;

/** Says once a second what flows, while somebody listens, and remembers it for the charts; else it does nothing. */
export class TrafficDesk {
  readonly #deps: TrafficDeskDeps;
  readonly #meter: TrafficMeter;
  readonly #listeners = new Set<TrafficListener>();
  readonly #histories = new Map<string, TrafficHistory>();
  #timer: TimerHandle | undefined;

  constructor(deps: TrafficDeskDeps) {
    this.#deps = deps;
    this.#meter = new TrafficMeter(deps.reader);
  }

  /** Adds a listener, which is told at once what there is; gives back what takes it out again. */
  listen(listener: TrafficListener): () => void {
    if (this.#timer === undefined) {
      this.#meter.restart(this.#deps.clock.now());
      this.#schedule();
    }
    this.#listeners.add(listener);
    listener(this.#traffic());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** What is remembered of a pool: at most ten minutes; empty columns when there is nothing. */
  history(pool: string): TrafficHistory {
    return this.#histories.get(pool) ?? emptyColumns();
  }

  /** Ends the timer. */
  close(): void {
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#schedule();
      this.#meter.read(this.#deps.clock.now());
      const traffic = this.#traffic();
      this.#remember(traffic);
      for (const listener of this.#listeners) listener(traffic);
    }, EVERY_MS);
    this.#timer.unref();
  }

  #remember({ at, pools }: Traffic): void {
    for (const name of this.#histories.keys())
      if (!pools.some((pool) => pool.name === name)) this.#histories.delete(name);
    for (const { name, leases, errors, failures, recentMs } of pools) {
      const columns = this.#histories.get(name) ?? emptyColumns();
      this.#histories.set(name, columns);
      columns.at.push(at);
      columns.leasesPerSecond.push(leases.perSecond);
      columns.errorsPerSecond.push(errors.perSecond);
      columns.failuresPerSecond.push(failures.perSecond);
      columns.p50Ms.push(recentMs.p50);
      columns.p99Ms.push(recentMs.p99);
      if (columns.at.length > LONGEST_HISTORY) for (const column of Object.values(columns)) column.shift();
    }
  }

  #traffic(): Traffic {
    const { generation, listeners, pools } = this.#deps.facts();
    return {
      at: this.#deps.today(),
      seconds: this.#meter.seconds,
      generation,
      listeners: listeners.map((listener) => this.#listener(listener)),
      pools: pools.map((pool) => this.#pool(pool)),
    };
  }

  #listener({ name, protocol, tls, addresses, active, routes }: ListenerStatus): ListenerTraffic {
    const meter = this.#meter;
    return {
      name,
      protocol,
      tls,
      addresses,
      active,
      connections: meter.rate('listener-connections', name),
      requests: meter.rate('listener-requests', name),
      errors: meter.rate('listener-errors', name),
      refusals: meter.rate('listener-refusals', name),
      bytesInPerSecond: meter.rate('listener-bytes-in', name).perSecond,
      bytesOutPerSecond: meter.rate('listener-bytes-out', name).perSecond,
      routes: routes.map((route) => this.#route(name, route)),
    };
  }

  #route(listener: string, { name, kind, pools }: ListenerStatus['routes'][number]): RouteTraffic {
    const meter = this.#meter;
    return {
      name,
      kind,
      hits: meter.rate('route-requests', listener, name),
      errors: meter.rate('route-errors', listener, name),
      pools: pools.map(({ pool, weight }) => {
        return { pool, weight, perSecond: meter.rate('route-pool', listener, name, pool).perSecond };
      }),
    };
  }

  #pool({ backends, ...pool }: PoolStatus): PoolTraffic {
    const meter = this.#meter;
    const { name } = pool;
    return {
      ...pool,
      leases: meter.rate('pool-leases', name),
      failures: meter.rate('pool-failures', name),
      errors: meter.rate('pool-errors', name),
      retries: meter.rate('pool-retries', name),
      ejections: this.#deps.ejections(name),
      recentMs: meter.latency(name),
      backends: backends.map((backend): BackendTraffic => {
        // Read again with the rates, so that a figure and its rate are of one moment.
        const leases = meter.rate('backend-leases', name, backend.id);
        const failures = meter.rate('backend-failures', name, backend.id);
        return {
          ...backend,
          total: leases.total,
          failures: failures.total,
          perSecond: leases.perSecond,
          failuresPerSecond: failures.perSecond,
          errors: meter.rate('backend-errors', name, backend.id),
        };
      }),
    };
  }
}

function emptyColumns(): TrafficHistory {
  return { at: [], leasesPerSecond: [], errorsPerSecond: [], failuresPerSecond: [], p50Ms: [], p99Ms: [] };
}
