import type { Config } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import { AdminState, type SharedTable } from '../pool/table.ts';
import { checkBind, checkNewBinds } from './bind-check.ts';
import { type BackendState, Changes } from './changes.ts';
import type { Fleet } from './fleet.ts';
import type { HealthKeeper } from './health-keeper.ts';
import type { BindPlan } from './messages.ts';
import { hostsOf, type NameBook } from './name-book.ts';
import { buildPlan, type Planned, type PlannedBackend, releaseSlots, union } from './plan.ts';
import type { RecordDesk } from './record-desk.ts';
import type { SlotBook } from './slot-book.ts';
import type { TlsBook } from './tls-book.ts';

/** What a config is brought into force upon. */
export interface ApplierDeps {
  readonly table: SharedTable;
  readonly slots: SlotBook;
  readonly names: NameBook;
  readonly tls: TlsBook;
  readonly health: HealthKeeper;
  readonly fleet: Fleet;
  readonly records: RecordDesk;
  readonly logger: Logger;
  /** True where several workers can listen on one port. */
  readonly reusePort: boolean;
}

const adminStates: Readonly<Record<BackendState, AdminState>> = AdminState;

/** The config in force, and the one way to another: whole, or not at all. One at a time; more wait their turn. */
export class Applier {
  readonly #deps: ApplierDeps;
  readonly #ports = new Map<string, number>();
  #loaded: Config;
  #changes = Changes.none;
  #config: Config;
  #planned: Planned | undefined;
  #planNumber = 0;
  #ended = false;
  /** The tail of the queue of changes: plans are applied one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  /** `config` is the one to begin with; it is in force after the first `apply`. */
  constructor(config: Config, deps: ApplierDeps) {
    this.#loaded = config;
    this.#config = config;
    this.#deps = deps;
  }

  /** The config that was loaded last and came into force. */
  get loaded(): Config {
    return this.#loaded;
  }

  /** What was changed at run time. */
  get changes(): Changes {
    return this.#changes;
  }

  /** What is in force: the config that was loaded, with the changes over it. */
  get config(): Config {
    return this.#config;
  }

  /** The plan in force; undefined until there is one. */
  get planned(): Planned | undefined {
    return this.#planned;
  }

  /** A backend of the plan in force; undefined when there is none of that id. */
  plannedBackend(pool: string, id: string): PlannedBackend | undefined {
    return this.#planned?.backends.find((backend) => backend.pool === pool && backend.config.id === id);
  }

  /** Ports that the system chose for binds with port 0, by bind key. */
  get ports(): ReadonlyMap<string, number> {
    return this.#ports;
  }

  /** Runs changes one after another, so that two reloads cannot mix. */
  change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Brings the config in force into force again, after something outside of it has changed. */
  renew(): void {
    this.change(() => this.apply(this.#loaded)).catch((error: Error) => {
      if (!this.#ended) this.#deps.logger.error(error.message);
    });
  }

  /** Refuses whatever comes from now on; resolves when what is under way is done. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#queue;
  }

  /**
   * build → probe what is new → prepare on all workers → commit. Rejects with everything as it was. To be called within
   * `change`.
   */
  async apply(loaded: Config, changes = this.#changes): Promise<void> {
    if (this.#ended) throw new Error('Fairlead is shutting down');
    const { health, fleet, records, logger } = this.#deps;
    const before = this.#planned;
    const config = changes.over(loaded);
    let next: Planned;
    try {
      next = await this.#prepare(config);
      this.#writeTable(next.backends, changes);
      await health.watch(union(next, before));
      await checkNewBinds(next.plan, before?.plan);
      await fleet.apply(next.plan, (ports) => {
        for (const [key, port] of ports) if (port !== 0) this.#ports.set(key, port);
        return { ...next.plan, binds: this.#plan(config).plan.binds };
      });
    } catch (error) {
      if (before !== undefined) {
        this.#writeTable(before.backends, this.#changes);
        await health.watch(before.backends);
      }
      this.#keepOnly(this.#config);
      throw error;
    }
    this.#loaded = loaded;
    this.#changes = changes;
    this.#config = config;
    this.#planned = next;
    records.open(config);
    logger.level = config.log.level;
    await health.watch(next.backends);
    this.#keepOnly(config);
  }

  /** Reads and resolves what a config names, beside what the one in force does, and plans it. */
  async #prepare(config: Config): Promise<Planned> {
    const { tls, names } = this.#deps;
    await tls.load(config);
    await names.watch(hostsOf(config));
    const next = this.#plan(config);
    this.#clearFreshSlots(next);
    return next;
  }

  /** Lets go of what the config in force does not need. */
  #keepOnly(config: Config): void {
    const { tls, names, slots } = this.#deps;
    tls.keepOnly(config);
    names.keepOnly(hostsOf(config));
    releaseSlots(config, slots, Date.now());
  }

  /** Takes changes of a pool that are of states and weights only, which workers see at once. To be called within `change`. */
  adopt(pool: string, changes: Changes): void {
    this.#changes = changes;
    this.#config = changes.over(this.#loaded);
    const backends = new Map(this.#config.pools[pool]?.backends.map((backend) => [backend.id, backend]));
    const planned = this.#planned!;
    this.#planned = {
      ...planned,
      backends: planned.backends.map((backend) =>
        backend.pool === pool ? { ...backend, config: backends.get(backend.config.id) ?? backend.config } : backend,
      ),
    };
    this.#writeTable(
      this.#planned.backends.filter((backend) => backend.pool === pool),
      changes,
    );
  }

  #plan(config: Config): Planned {
    const { slots, names, records, tls, reusePort } = this.#deps;
    return buildPlan(config, {
      generation: ++this.#planNumber,
      slots,
      nowMs: Date.now(),
      endpointsOf: names.endpointsOf,
      ports: this.#ports,
      reusePort,
      tracing: records.tracing,
      tls,
    });
  }

  /** A slot that is new to its backend starts empty. */
  #clearFreshSlots({ backends }: Planned): void {
    const { table } = this.#deps;
    for (const { slot } of backends.filter(({ fresh }) => fresh)) table.resetBackend(slot);
  }

  /** Writes states, weights and limits where workers read them. */
  #writeTable(backends: Planned['backends'], changes: Changes): void {
    const { table } = this.#deps;
    for (const { slot, pool, config, poolNumber } of backends) {
      table.setAdmin(slot, adminStates[changes.settingOf(pool, config.id).state]);
      table.setWeight(slot, config.weight);
      table.setMaxActive(slot, config.maxConnections);
      table.touch(poolNumber);
    }
  }

  /** A worker that was killed leaves its Unix sockets behind, which its successor must be able to bind. */
  async clearSockets(lane: number): Promise<void> {
    const own = (this.#planned?.plan.binds ?? []).filter((bind: BindPlan) => lane === 0 && !bind.shared);
    for (const bind of own) await checkBind(bind);
  }
}
