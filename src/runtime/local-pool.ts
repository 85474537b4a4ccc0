import type { PoolStatus } from '../admin/schema.ts';
import type { Config } from '../config/schema.ts';
import { LatencyWindow } from '../observe/latency-window.ts';
import type { Logger } from '../observe/log.ts';
import { MeterReader } from '../observe/meter-reader.ts';
import { createMeterMemory, Meters } from '../observe/meters.ts';
import { Metrics } from '../observe/metrics.ts';
import { Pool } from '../pool/pool.ts';
import { AdminState, DEFAULT_TABLE_SIZE, SharedTable } from '../pool/table.ts';
import { PoolMeters } from '../proxy/pool-meters.ts';
import { systemClock } from '../support/clock.ts';
import { createResolver } from '../support/resolve.ts';
import { version } from '../support/version.ts';
import { Changes } from './changes.ts';
import { HealthKeeper, tellAgentProblem, tellTransition } from './health-keeper.ts';
import type { PoolSitePlan } from './messages.ts';
import { hostsOf, NameBook } from './name-book.ts';
import { buildPlan, type Planned } from './plan.ts';
import { SlotBook } from './slot-book.ts';
import { StatusSource } from './status.ts';
import { TlsBook } from './tls-book.ts';

/**
 * The one pool of a config with its control plane, for use in the thread that opens it: probes, ejection, names and
 * metrics are those of an instance, but there are no listeners and no workers.
 */
export class LocalPool {
  readonly name: string;
  readonly config: Config;
  readonly meters: Meters;
  readonly poolMeters: PoolMeters;
  readonly #table = new SharedTable({ ...DEFAULT_TABLE_SIZE, lanes: 1 });
  readonly #slots = new SlotBook(this.#table.size, (slot) => this.#table.active(slot));
  readonly #reader: MeterReader;
  readonly #latency: LatencyWindow;
  readonly #names: NameBook;
  readonly #tls: TlsBook;
  readonly #health: HealthKeeper;
  readonly #metrics: Metrics;
  #planned!: Planned;
  #planNumber = 0;
  /** What requests take their leases from. */
  pool!: Pool;

  private constructor(name: string, config: Config, logger: Pick<Logger, 'info' | 'warn' | 'error'>) {
    this.name = name;
    this.config = config;
    const memory = createMeterMemory({ lanes: 1 });
    const resolver = createResolver(systemClock);
    const renew = (): void => void this.#renew().catch((error: Error) => logger.error(error.message));
    this.#reader = new MeterReader(memory);
    this.#latency = new LatencyWindow(this.#reader, systemClock);
    this.meters = new Meters(memory, 0, (claim) => this.#reader.add(0, claim));
    this.poolMeters = new PoolMeters(this.meters, name, (trouble) => this.#health.trouble(trouble));
    this.#names = new NameBook(resolver, systemClock, renew);
    this.#tls = new TlsBook({ clock: systemClock, folder: process.cwd(), logger, onChange: renew });
    this.#health = new HealthKeeper({
      table: this.#table,
      clock: systemClock,
      resolver,
      version,
      reader: this.#reader,
      tlsOf: (pool) => this.#tls.poolPlan(pool),
      random: Math.random,
      onTransition: (transition) => tellTransition(transition, this.#metrics, logger),
      onAgentProblem: (about) => tellAgentProblem(about, logger),
    });
    const gauges = {
      backends: () => this.#status.gauges(),
      queues: () => this.#status.queues(),
      generation: () => 1,
      workers: () => 0,
      restarts: () => [],
      connectionsLimit: () => 0,
      listenerLimits: () => [],
      certificates: () => [],
      bans: () => [],
    };
    this.#metrics = new Metrics({ reader: this.#reader, version, gauges });
  }

  /** Opens the pool `name` of a config; resolves when each backend has had its first probe. */
  static async open(name: string, config: Config, logger: Pick<Logger, 'info' | 'warn' | 'error'>): Promise<LocalPool> {
    const opened = new LocalPool(name, config, logger);
    try {
      await opened.#renew();
      opened.#latency.start();
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  }

  /** Plans anew, at the start and after names or certificates have changed. */
  async #renew(): Promise<void> {
    await this.#tls.load(this.config);
    await this.#names.watch(hostsOf(this.config));
    this.#planned = buildPlan(this.config, {
      generation: ++this.#planNumber,
      slots: this.#slots,
      nowMs: Date.now(),
      endpointsOf: this.#names.endpointsOf,
      ports: new Map(),
      reusePort: false,
      tracing: undefined,
      tls: this.#tls,
    });
    for (const { slot, fresh, config, poolNumber } of this.#planned.backends) {
      if (fresh) {
        this.#table.resetBackend(slot);
        this.#table.setAdmin(slot, AdminState.enabled);
      }
      this.#table.setWeight(slot, config.weight);
      this.#table.setMaxActive(slot, config.maxConnections);
      this.#table.touch(poolNumber);
    }
    const deps = {
      table: this.#table,
      lane: 0,
      observer: this.poolMeters,
      random: Math.random,
      now: () => performance.now(),
    };
    if (this.pool === undefined) this.pool = new Pool(this.plan.pool, deps);
    else this.pool.reconcile(this.plan.pool);
    await this.#health.watch(this.#planned.backends);
  }

  /** How backends are connected to, as of now. */
  get plan(): PoolSitePlan {
    return this.#planned.plan.pools.find(({ pool }) => pool.name === this.name)!;
  }

  get #status(): StatusSource {
    return new StatusSource({
      config: this.config,
      configPath: null,
      planned: this.#planned,
      generation: 1,
      open: false,
      ports: new Map(),
      workers: [],
      table: this.#table,
      health: this.#health,
      reader: this.#reader,
      latency: this.#latency,
      changes: Changes.none,
      versionOf: () => '1',
    });
  }

  /** The pool with its backends, as of now. */
  status(): PoolStatus {
    return this.#status.pool(this.name)!;
  }

  /** All metrics in Prometheus' text format. */
  async render(): Promise<string> {
    return (await this.#metrics.render()).body;
  }

  /** Ends the probes and all that runs by itself. */
  close(): void {
    this.#names.close();
    this.#tls.close();
    this.#health.close();
    this.#latency.stop();
  }
}
