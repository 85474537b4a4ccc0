import { dirname } from 'node:path';
import { type Admin, createAdmin } from '../admin/admin.ts';
import { EventBus } from '../admin/event-bus.ts';
import { EventStreams } from '../admin/event-stream.ts';
import type { AdminSource } from '../admin/source.ts';
import { redactEdits } from '../config/redact.ts';
import type { Config } from '../config/schema.ts';
import { LatencyWindow } from '../observe/latency-window.ts';
import type { Logger } from '../observe/log.ts';
import { MeterReader } from '../observe/meter-reader.ts';
import { createMeterMemory } from '../observe/meters.ts';
import { Metrics } from '../observe/metrics.ts';
import { DEFAULT_TABLE_SIZE, SharedTable } from '../pool/table.ts';
import { formatAddress } from '../support/address.ts';
import { systemClock } from '../support/clock.ts';
import { createResolver } from '../support/resolve.ts';
import { version } from '../support/version.ts';
import { Applier } from './apply.ts';
import { BanDesk } from './ban-desk.ts';
import { explainRequest } from './explain/explain.ts';
import { Fleet } from './fleet.ts';
import { HealthKeeper, type Transition, tellAgentProblem, tellTransition } from './health-keeper.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { NameBook } from './name-book.ts';
import { Operator } from './operator.ts';
import { RecordDesk } from './record-desk.ts';
import type { OpenListener, Running, StartOptions } from './running.ts';
import { SaidLately } from './said-lately.ts';
import { SlotBook } from './slot-book.ts';
import { StatusSource } from './status.ts';
import { TlsBook } from './tls-book.ts';
import { TrafficDesk } from './traffic-desk.ts';
import { workerCount } from './worker-count.ts';

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

function listenerLimits({ listeners }: Config): { listener: string; limit: number }[] {
  return Object.entries(listeners).map(([listener, { limits }]) => ({ listener, limit: limits.connections }));
}

/** Platforms where several sockets may listen on one port and the kernel spreads connections over them. */
const REUSE_PORT_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'freebsd']);

/** The control plane of one instance: everything that is not traffic. */
class Control implements Running {
  readonly #logger: Logger;
  readonly #records: RecordDesk;
  readonly #configPath: string | null;
  readonly #loadAgain: StartOptions['loadAgain'];
  readonly #onTransition: StartOptions['onTransition'];
  readonly #table: SharedTable;
  readonly #reader: MeterReader;
  readonly #latency: LatencyWindow;
  readonly #metrics: Metrics;
  readonly #traffic: TrafficDesk;
  readonly #names: NameBook;
  readonly #tls: TlsBook;
  readonly #health: HealthKeeper;
  readonly #fleet: Fleet;
  readonly #applier: Applier;
  readonly #operator: Operator;
  readonly #events = new EventBus(systemClock);
  readonly #listenerErrors = new SaidLately(systemClock, 5000);
  readonly #bans: BanDesk;
  readonly workerCount: number;
  generation = 0;
  #admin: Admin | undefined;
  #state: 'starting' | 'open' | 'draining' | 'closed' = 'starting';
  constructor(options: StartOptions) {
    const { config, configPath, logger, accessStream = process.stdout, onTransition, loadAgain } = options;
    this.#loadAgain = loadAgain;
    this.#onTransition = onTransition;
    this.#configPath = configPath;
    this.#logger = logger;
    this.#records = new RecordDesk({ stream: accessStream, logger });
    const reusePort = REUSE_PORT_PLATFORMS.has(process.platform);
    this.workerCount = reusePort ? workerCount(config.workers) : 1;
    const size = { ...DEFAULT_TABLE_SIZE, lanes: this.workerCount };
    const meters = createMeterMemory({ lanes: this.workerCount });
    const resolver = createResolver(systemClock);
    this.#table = new SharedTable(size);
    this.#reader = new MeterReader(meters);
    this.#latency = new LatencyWindow(this.#reader, systemClock);
    this.#names = new NameBook(resolver, systemClock, () => this.#applier.renew());
    this.#tls = new TlsBook({
      clock: systemClock,
      folder: configPath === null ? process.cwd() : dirname(configPath),
      logger,
      onChange: () => this.#applier.renew(),
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
      onAgentProblem: (about) => tellAgentProblem(about, logger),
    });
    this.#metrics = new Metrics({ reader: this.#reader, version, gauges: this.#gauges() });
    this.#traffic = this.#trafficDesk();
    this.#fleet = new Fleet(
      {
        table: this.#table,
        meters,
        claimsOf: (lane) => this.#reader.claims(lane),
        onMessage: (lane, message, reply) => this.#heard(lane, message, reply),
        onCrash: (lane, error) => this.#crashed(lane, error),
        onReplaced: (worker) => this.#events.publish({ kind: 'worker', worker, to: 'replaced', reason: '' }),
        beforeRestart: (lane) => this.#applier.clearSockets(lane),
        onObstacle: (worker, { message }) => logger.error({ worker }, `no worker takes its place yet: ${message}`),
      },
      this.workerCount,
    );
    this.#bans = new BanDesk({
      memory: this.#fleet.limits,
      lane: this.workerCount,
      listeners: () => this.#config.listeners,
      metrics: this.#metrics,
      events: this.#events,
      logger,
      cut: (listener, network) => this.#fleet.cutSource(listener, network),
    });
    this.#applier = new Applier(config, {
      table: this.#table,
      slots: new SlotBook(size, (slot) => this.#table.active(slot)),
      names: this.#names,
      tls: this.#tls,
      health: this.#health,
      fleet: this.#fleet,
      records: this.#records,
      logger,
      reusePort,
    });
    this.#operator = this.#makeOperator();
  }

  #makeOperator(): Operator {
    return new Operator({
      applier: this.#applier,
      table: this.#table,
      health: this.#health,
      events: this.#events,
      logger: this.#logger,
      clock: systemClock,
      generation: () => this.generation,
      pool: (name) => this.#status.pool(name),
    });
  }

  async start(): Promise<void> {
    await this.#records.startTracing(process.env);
    await this.#applier.change(() => this.#applier.apply(this.#config));
    this.generation = 1;
    this.#latency.start();
    this.#state = 'open';
    this.#events.publish({ kind: 'instance', to: 'open' });
    await this.#openAdmin();
  }

  async reload(config: Config): Promise<readonly string[]> {
    let replaced: readonly string[];
    try {
      replaced = await this.#applier.change(async () => {
        this.#refuseFixedChanges(config);
        const rebased = this.#applier.changes.rebase(config);
        await this.#applier.apply(config, rebased.changes);
        this.generation++;
        return rebased.replaced;
      });
    } catch (error) {
      this.reloadRejected([(error as Error).message]);
      throw error;
    }
    this.#metrics.configReload('applied');
    const { generation } = this;
    this.#events.publish({ kind: 'reload', result: 'applied', generation, problems: [], replaced: [...replaced] });
    this.#logger.info({ generation, ...(replaced.length === 0 ? {} : { replaced }) }, 'config reloaded');
    return replaced;
  }

  /** Some settings are fixed when the process starts: better to say so than to ignore them. */
  #refuseFixedChanges(config: Config): void {
    const now = this.#config;
    if (workerCount(config.workers) !== workerCount(now.workers))
      throw new Error('workers cannot change without a restart');
    if (JSON.stringify(config.admin) !== JSON.stringify(now.admin))
      throw new Error('admin cannot change without a restart');
  }

  reloadRejected(problems: readonly string[]): void {
    this.#metrics.configReload('rejected');
    const { generation } = this;
    this.#events.publish({ kind: 'reload', result: 'refused', generation, problems: [...problems], replaced: [] });
  }

  #transition(transition: Transition): void {
    tellTransition(transition, this.#metrics, this.#logger);
    this.#events.publish({ kind: 'health', ...transition });
    this.#onTransition?.(transition);
  }

  #heard(lane: number, message: FromWorker, reply: (message: ToWorker) => void): void {
    switch (message.type) {
      case 'trouble':
        return this.#health.trouble(message.trouble);
      case 'claim':
        return this.#reader.add(lane, message.claim);
      case 'released':
        this.#reader.release(lane, message.cells);
        return reply({ type: 'reuse', cells: message.cells });
      case 'access':
      case 'spans':
        return reply(this.#records.take(message));
      case 'io-uring':
        return this.#usesIoUring(lane, message);
      case 'overload':
        return this.#overload(lane, message.shedding);
      case 'banned':
        return this.#bans.heard(message.ban);
      case 'tls-failure':
        return this.#logger.warn({ pool: message.pool, backend: message.name }, `no TLS connection: ${message.cause}`);
      case 'listener-error':
        return this.#listenerFailed(message);
      default:
    }
  }

  /** Workers have the same troubles at the same time: it is said once for all of them. */
  #listenerFailed({ listener, what, error }: Extract<FromWorker, { type: 'listener-error' }>): void {
    if (!this.#listenerErrors.isNew(`${listener} ${what} ${error}`)) return;
    this.#logger.error({ listener, error }, what);
    this.#events.publish({ kind: 'listener', listener, trouble: `${what}: ${error}` });
  }

  /** Said once for all workers: what one of them can have, the others can, too. */
  #usesIoUring(worker: number, { set, obstacle }: Extract<FromWorker, { type: 'io-uring' }>): void {
    if (worker !== 0) return;
    if (obstacle === undefined) return this.#logger.info('connections use io_uring');
    const level = set === true ? 'warn' : 'info';
    this.#logger[level]({ obstacle }, 'io_uring cannot be had: connections are read and written without it');
  }

  #overload(worker: number, shedding: boolean): void {
    this.#events.publish({ kind: 'worker', worker, to: shedding ? 'overloaded' : 'at-ease', reason: '' });
    if (shedding) this.#logger.warn({ worker }, 'worker is overloaded: a part of new work is refused');
    else this.#logger.info({ worker }, 'worker is no longer overloaded');
  }

  #crashed(lane: number, error: Error | undefined): void {
    this.#table.clearLane(lane);
    this.#reader.clearGauges(lane);
    this.#logger.error(
      { worker: lane, ...(error === undefined ? {} : { err: error }) },
      'worker died; starting another',
    );
    this.#events.publish({ kind: 'worker', worker: lane, to: 'died', reason: error?.message ?? '' });
  }

  #trafficDesk(): TrafficDesk {
    return new TrafficDesk({
      reader: this.#reader,
      clock: systemClock,
      today: Date.now,
      facts: () => {
        const status = this.#status;
        return { generation: this.generation, listeners: status.listeners(), pools: status.pools() };
      },
      ejections: (pool) => this.#metrics.ejections(pool),
    });
  }

  #gauges() {
    return {
      backends: () => this.#status.gauges(),
      queues: () => this.#status.queues(),
      generation: () => this.generation,
      bans: () => this.#bans.gauges(),
      certificates: () => this.#tls.expiries(this.#config),
      workers: () => this.#fleet.views().filter(({ state }) => state === 'running').length,
      restarts: () => this.#fleet.views().map(({ id, restarts }) => ({ worker: String(id), restarts })),
      connectionsLimit: () => this.#config.limits.connections,
      listenerLimits: () => listenerLimits(this.#config),
    };
  }

  get #status(): StatusSource {
    return new StatusSource({
      config: this.#config,
      configPath: this.#configPath,
      planned: this.#applier.planned,
      generation: this.generation,
      open: this.#state === 'open',
      ports: this.#applier.ports,
      workers: this.#fleet.views(),
      table: this.#table,
      health: this.#health,
      reader: this.#reader,
      latency: this.#latency,
      changes: this.#applier.changes,
      versionOf: (pool) => this.#operator.versionOf(pool),
    });
  }

  get #config(): Config {
    return this.#applier.config;
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
    change: (change, by) => this.#operator.change(change, by),
    config: () => this.#status.config(this.#applier.loaded),
    reload: async () => this.#loadAgain?.(),
    explain: (request) => explainRequest(redactEdits(this.#config), request),
    connections: (wanted) => this.#fleet.connections(wanted),
    events: new EventStreams(this.#events, {}, (listener) => this.#traffic.listen(listener)),
    bans: {
      list: () => this.#bans.list(),
      ban: (order, who) => this.#bans.ban(order, who),
      lift: (address, who) => this.#bans.lift(address, who),
    },
    trafficHistory: (pool) => this.#traffic.history(pool),
    readiness: () => this.#status.readiness(),
    metrics: () => this.#metrics.render(),
  };

  get listeners(): readonly OpenListener[] {
    return this.#status.listeners().map(({ name, protocol, tls, addresses }) => ({ name, protocol, tls, addresses }));
  }

  get adminAddresses(): readonly string[] {
    return this.#admin?.addresses.map(formatAddress) ?? [];
  }

  async drain(): Promise<boolean> {
    this.#state = 'draining';
    this.#events.publish({ kind: 'instance', to: 'draining' });
    await this.#applier.end();
    const { grace } = this.#config.shutdown;
    this.#logger.info({ graceMs: grace }, 'draining');
    const cut = await this.#fleet.drain(grace);
    if (cut > 0) this.#logger.warn({ connections: cut }, 'the grace is over: the connections that were left were cut');
    await this.close();
    return cut === 0;
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    void this.#applier.end();
    this.#names.close();
    this.#tls.close();
    this.#health.close();
    this.#latency.stop();
    this.#operator.close();
    this.#events.close();
    this.#traffic.close();
    await this.#fleet.close();
    await this.#admin?.close();
    await this.#records.close();
  }

  crashWorker(lane: number): Promise<void> {
    return this.#fleet.crash(lane);
  }
}
