import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { type Admin, createAdmin } from '../admin/admin.ts';
import type { AdminSource } from '../admin/source.ts';
import type { Config } from '../config/schema.ts';
import { LatencyWindow } from '../observe/latency-window.ts';
import type { Logger } from '../observe/log.ts';
import { MeterReader } from '../observe/meter-reader.ts';
import { createMeterMemory } from '../observe/meters.ts';
import { Metrics } from '../observe/metrics.ts';
import { AdminState, DEFAULT_TABLE_SIZE, SharedTable } from '../pool/table.ts';
import { formatAddress } from '../support/address.ts';
import { systemClock } from '../support/clock.ts';
import { createResolver } from '../support/resolve.ts';
import { version } from '../support/version.ts';
import { checkBind } from './bind-check.ts';
import { Fleet } from './fleet.ts';
import { HealthKeeper, type Transition, tellTransition } from './health-keeper.ts';
import type { BindPlan, FromWorker, ToWorker, WorkerPlan } from './messages.ts';
import { hostsOf, NameBook } from './name-book.ts';
import { buildPlan, type Planned, releaseSlots, union } from './plan.ts';
import { RecordDesk } from './record-desk.ts';
import { SlotBook } from './slot-book.ts';
import { StatusSource } from './status.ts';
import { TlsBook } from './tls-book.ts';
import { workerCount } from './worker-count.ts';

/** What an instance is started with. */
export interface StartOptions {
  readonly config: Config;
  /** Where the config came from; null when it is not from a file. */
  readonly configPath: string | null;
  readonly logger: Logger;
  /** Where the access log goes; standard output unless said otherwise. */
  readonly accessStream?: Writable;
  /** Told of every change of a backend's health. */
  readonly onTransition?: (transition: Transition) => void;
}

/** A listener that is open. */
export interface OpenListener {
  readonly name: string;
  readonly protocol: 'http' | 'tcp' | 'udp';
  /** True where clients are to speak TLS. */
  readonly tls: boolean;
  /** Its addresses with the real ports. */
  readonly addresses: readonly string[];
}

/** A running instance. */
export interface Running {
  readonly listeners: readonly OpenListener[];
  readonly adminAddresses: readonly string[];
  /** Number of the config in force; 1 at the start. */
  readonly generation: number;
  readonly workerCount: number;
  /** What it has to show, as of the moment of each call. */
  readonly source: AdminSource;
  /** Brings another config into force, or rejects and leaves everything as it is. One at a time; more wait their turn. */
  reload(config: Config): Promise<void>;
  /** Notes that a config was refused before it came here, for the metrics. */
  reloadRejected(): void;
  /** Stops accepting and waits for what is under way; true when all of it ended within the config's grace. */
  drain(): Promise<boolean>;
  /** Ends everything at once. */
  close(): Promise<void>;
  /** Kills one worker as a crash would, to see that it is replaced. */
  crashWorker(lane: number): Promise<void>;
}

/** Starts an instance; resolves when its listeners are open. Rejects, with nothing left open, when it cannot. */
export async function startFairlead(options: StartOptions): Promise<Running> {
  const control = new Control(options);
  try {
    await control.start();
  } catch (error) {
    await control.close();
    throw error;
  }
  return control;
}

/** Platforms where several sockets may listen on one port and the kernel spreads connections over them. */
const REUSE_PORT_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'freebsd']);

/** The control plane of one instance: everything that is not traffic. */
class Control implements Running {
  readonly #logger: Logger;
  readonly #records: RecordDesk;
  readonly #configPath: string | null;
  readonly #onTransition: StartOptions['onTransition'];
  readonly #table: SharedTable;
  readonly #slots: SlotBook;
  readonly #reader: MeterReader;
  readonly #latency: LatencyWindow;
  readonly #metrics: Metrics;
  readonly #names: NameBook;
  readonly #tls: TlsBook;
  readonly #health: HealthKeeper;
  readonly #fleet: Fleet;
  readonly #ports = new Map<string, number>();
  readonly #reusePort = REUSE_PORT_PLATFORMS.has(process.platform);
  readonly workerCount: number;
  #config: Config;
  #planned: Planned | undefined;
  #planNumber = 0;
  generation = 0;
  #admin: Admin | undefined;
  #state: 'starting' | 'open' | 'draining' | 'closed' = 'starting';
  /** The tail of the queue of changes: plans are applied one after another. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor({ config, configPath, logger, accessStream = process.stdout, onTransition }: StartOptions) {
    this.#onTransition = onTransition;
    this.#config = config;
    this.#configPath = configPath;
    this.#logger = logger;
    this.#records = new RecordDesk({ stream: accessStream, logger });
    this.workerCount = this.#reusePort ? workerCount(config.workers) : 1;
    const size = { ...DEFAULT_TABLE_SIZE, lanes: this.workerCount };
    const meters = createMeterMemory({ lanes: this.workerCount });
    const resolver = createResolver(systemClock);
    this.#table = new SharedTable(size);
    this.#slots = new SlotBook(size, (slot) => this.#table.active(slot));
    this.#reader = new MeterReader(meters);
    this.#latency = new LatencyWindow(this.#reader, systemClock);
    this.#names = new NameBook(resolver, systemClock, () => this.#renew());
    this.#tls = new TlsBook({
      clock: systemClock,
      folder: configPath === null ? process.cwd() : dirname(configPath),
      logger,
      onChange: () => this.#renew(),
    });
    this.#health = new HealthKeeper({
      table: this.#table,
      clock: systemClock,
      resolver,
      version,
      reader: this.#reader,
      tlsOf: (pool) => this.#tls.poolPlan(pool),
      random: Math.random,
      onTransition: (transition) => this.#transition(transition),
    });
    this.#metrics = new Metrics({ reader: this.#reader, version, gauges: this.#gauges() });
    this.#fleet = new Fleet(
      {
        table: this.#table,
        meters,
        claimsOf: (lane) => this.#reader.claims(lane),
        onMessage: (lane, message, reply) => this.#heard(lane, message, reply),
        onCrash: (lane, error) => this.#crashed(lane, error),
        beforeRestart: (lane) => this.#clearSockets(lane),
      },
      this.workerCount,
    );
  }

  async start(): Promise<void> {
    await this.#records.startTracing(process.env);
    await this.#change(() => this.#apply(this.#config));
    this.generation = 1;
    this.#latency.start();
    this.#state = 'open';
    await this.#openAdmin();
  }

  /** Runs changes one after another, so that two reloads cannot mix. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(work);
    this.#changes = result.catch(() => undefined);
    return result;
  }

  /** Brings the config in force into force again, after something outside of it has changed. */
  #renew(): void {
    this.#change(() => this.#apply(this.#config)).catch((error: Error) => {
      if (this.#state !== 'draining' && this.#state !== 'closed') this.#logger.error(error.message);
    });
  }

  /** build → probe what is new → prepare on all workers → commit. Rejects with everything as it was. */
  async #apply(config: Config): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'closed') throw new Error('Fairlead is shutting down');
    const before = this.#planned;
    await this.#tls.load(config);
    await this.#names.watch(hostsOf(config));
    const next = this.#plan(config);
    this.#clearFreshSlots(next);
    this.#writeTable(next);
    try {
      await this.#health.watch(union(next, before));
      await this.#checkNewBinds(next.plan, before?.plan);
      await this.#fleet.apply(next.plan, (ports) => {
        for (const [key, port] of ports) if (port !== 0) this.#ports.set(key, port);
        return { ...next.plan, binds: this.#plan(config).plan.binds };
      });
    } catch (error) {
      if (before !== undefined) {
        this.#writeTable(before);
        await this.#health.watch(before.backends);
      }
      releaseSlots(this.#config, this.#slots, Date.now());
      throw error;
    }
    this.#config = config;
    this.#planned = next;
    this.#records.open(config);
    this.#logger.level = config.log.level;
    await this.#health.watch(next.backends);
    releaseSlots(config, this.#slots, Date.now());
  }

  #plan(config: Config): Planned {
    return buildPlan(config, {
      generation: ++this.#planNumber,
      slots: this.#slots,
      nowMs: Date.now(),
      endpointsOf: this.#names.endpointsOf,
      ports: this.#ports,
      reusePort: this.#reusePort,
      tracing: this.#records.tracing,
      tls: this.#tls,
    });
  }

  /** A slot that is new to its backend starts empty. */
  #clearFreshSlots({ backends }: Planned): void {
    for (const { slot } of backends.filter(({ fresh }) => fresh)) {
      this.#table.resetBackend(slot);
      this.#table.setAdmin(slot, AdminState.enabled);
    }
  }

  /** Writes weights and limits where workers read them. */
  #writeTable({ backends }: Planned): void {
    for (const { slot, config, poolNumber } of backends) {
      this.#table.setWeight(slot, config.weight);
      this.#table.setMaxActive(slot, config.maxConnections);
      this.#table.touch(poolNumber);
    }
  }

  async #checkNewBinds(plan: WorkerPlan, before: WorkerPlan | undefined): Promise<void> {
    const bound = new Set(before?.binds.map(({ key }) => key));
    for (const bind of plan.binds) if (!bound.has(bind.key)) await checkBind(bind);
  }

  /** A worker that was killed leaves its Unix sockets behind, which its successor must be able to bind. */
  async #clearSockets(lane: number): Promise<void> {
    const own = (this.#planned?.plan.binds ?? []).filter((bind: BindPlan) => lane === 0 && !bind.shared);
    for (const bind of own) await checkBind(bind);
  }

  async reload(config: Config): Promise<void> {
    try {
      await this.#change(async () => {
        this.#refuseFixedChanges(config);
        await this.#apply(config);
      });
    } catch (error) {
      this.#metrics.configReload('rejected');
      throw error;
    }
    this.generation++;
    this.#metrics.configReload('applied');
    this.#logger.info({ generation: this.generation }, 'config reloaded');
  }

  /** Some settings are fixed when the process starts: better to say so than to ignore them. */
  #refuseFixedChanges(config: Config): void {
    const now = this.#config;
    if (workerCount(config.workers) !== workerCount(now.workers))
      throw new Error('workers cannot change without a restart');
    if (JSON.stringify(config.admin) !== JSON.stringify(now.admin))
      throw new Error('admin cannot change without a restart');
  }

  reloadRejected(): void {
    this.#metrics.configReload('rejected');
  }

  #transition(transition: Transition): void {
    tellTransition(transition, this.#metrics, this.#logger);
    this.#onTransition?.(transition);
  }

  #heard(lane: number, message: FromWorker, reply: (message: ToWorker) => void): void {
    switch (message.type) {
      case 'trouble':
        return this.#health.trouble(message.trouble);
      case 'claim':
        return this.#reader.add(lane, message.claim);
      case 'access':
      case 'spans':
        return reply(this.#records.take(message));
      case 'tls-failure':
        return this.#logger.warn({ pool: message.pool, backend: message.name }, `no TLS connection: ${message.cause}`);
      case 'accept-error':
        this.#logger.error({ listener: message.listener, error: message.error }, 'a connection could not be accepted');
        return;
      default:
    }
  }

  #crashed(lane: number, error: Error | undefined): void {
    this.#table.clearLane(lane);
    this.#reader.clearGauges(lane);
    this.#logger.error(
      { worker: lane, ...(error === undefined ? {} : { err: error }) },
      'worker died; starting another',
    );
  }

  #gauges() {
    return {
      backends: () => this.#status.gauges(),
      generation: () => this.generation,
      certificates: () => this.#tls.expiries(this.#config),
      workers: () => this.#fleet.views().filter(({ state }) => state === 'running').length,
    };
  }

  get #status(): StatusSource {
    return new StatusSource({
      config: this.#config,
      configPath: this.#configPath,
      planned: this.#planned,
      generation: this.generation,
      open: this.#state === 'open',
      ports: this.#ports,
      workers: this.#fleet.views(),
      table: this.#table,
      health: this.#health,
      reader: this.#reader,
      latency: this.#latency,
    });
  }

  async #openAdmin(): Promise<void> {
    const { admin } = this.#config;
    if (admin === false) return;
    this.#admin = await createAdmin({
      bind: admin.bind,
      token: admin.token,
      logger: this.#logger,
      source: this.source,
    });
  }

  readonly source: AdminSource = {
    status: () => this.#status.status(),
    listeners: () => this.#status.listeners(),
    pools: () => this.#status.pools(),
    pool: (name) => this.#status.pool(name),
    connections: (limit) => this.#fleet.connections(limit),
    readiness: () => this.#status.readiness(),
    metrics: () => this.#metrics.render(),
  };

  get listeners(): readonly OpenListener[] {
    return this.#status.listeners().map(({ name, protocol, addresses }) => {
      return { name, protocol, tls: this.#config.listeners[name]?.tls !== undefined, addresses };
    });
  }

  get adminAddresses(): readonly string[] {
    return this.#admin?.addresses.map(formatAddress) ?? [];
  }

  async drain(): Promise<boolean> {
    this.#state = 'draining';
    await this.#changes;
    const { grace } = this.#config.shutdown;
    this.#logger.info({ graceMs: grace }, 'draining');
    const cut = await this.#fleet.drain(grace);
    if (cut > 0) this.#logger.warn({ connections: cut }, 'the grace is over: the connections that were left were cut');
    await this.close();
    return cut === 0;
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#names.close();
    this.#tls.close();
    this.#health.close();
    this.#latency.stop();
    await this.#fleet.close();
    await this.#admin?.close();
    await this.#records.close();
  }

  crashWorker(lane: number): Promise<void> {
    return this.#fleet.crash(lane);
  }
}
