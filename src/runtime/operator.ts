import type { BackendChange, Changed, ChangedBy, ChangeRefusal } from '../admin/changes.ts';
import type { EventBus } from '../admin/event-bus.ts';
import type { BackendStatus, PoolStatus } from '../admin/schema.ts';
import { readBackend } from '../config/backend.ts';
import type { BackendConfig } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import type { SharedTable } from '../pool/table.ts';
import { formatAddress } from '../support/address.ts';
import type { Clock } from '../support/clock.ts';
import { closest } from '../support/suggest.ts';
import type { Applier } from './apply.ts';
import type { Changes, Setting } from './changes.ts';
import { type Draining, DrainWatch } from './drain-watch.ts';
import type { HealthKeeper } from './health-keeper.ts';

/** How long a removal that failed waits for its next try, in ms. */
const RETRY_MS = 1000;

/** What an operator works with. */
export interface OperatorDeps {
  readonly applier: Applier;
  readonly table: SharedTable;
  readonly health: Pick<HealthKeeper, 'enabled'>;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Number of the config in force. */
  generation(): number;
  /** A pool as it is shown; undefined when there is none of that name. */
  pool(name: string): PoolStatus | undefined;
}

/** What was changed, as it is told: `from` and `to` are null where there is nothing. */
interface Told {
  readonly what: 'state' | 'weight' | 'added' | 'removed';
  readonly from: string | null;
  readonly to: string | null;
}

/** Why a change is not made. */
class Refused extends Error {
  readonly refusal: ChangeRefusal;
  readonly version: string | undefined;

  constructor(refusal: ChangeRefusal, message: string, version?: string) {
    super(message);
    this.refusal = refusal;
    this.version = version;
  }
}

/** Changes pools at run time, one change after another, and tells who did what. */
export class Operator {
  readonly #deps: OperatorDeps;
  readonly #epoch = Date.now().toString(36);
  /** Changes so far, by pool. */
  readonly #counts = new Map<string, number>();
  readonly #drains: DrainWatch;

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
    this.#drains = new DrainWatch({
      clock: deps.clock,
      activeOf: (draining) => this.#activeOf(draining),
      onLeft: (draining, active) => {
        if (deps.events.wants('drain')) deps.events.pass({ kind: 'drain', ...draining, active });
      },
      onDrained: (draining) => void this.#drained(draining),
    });
  }

  /** Tells how a pool was configured and changed from all other ways it ever was. */
  versionOf(pool: string): string {
    return `${this.#epoch}-${this.#deps.generation()}-${this.#counts.get(pool) ?? 0}`;
  }

  /** Makes a change, or says why not. Rejects only on a bug. */
  async change(change: BackendChange, by: ChangedBy): Promise<Changed> {
    try {
      return await this.#deps.applier.change(() => this.#make(change, by));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { refusal, message, version } = error;
      return { ok: false, refusal, message, ...(version === undefined ? {} : { version }) };
    }
  }

  close(): void {
    this.#drains.close();
  }

  #make(change: BackendChange, by: ChangedBy): Promise<Changed> {
    const { applier } = this.#deps;
    const pools = Object.keys(applier.loaded.pools);
    if (!pools.includes(change.pool)) throw new Refused('no-pool', `there is no pool ${named(change.pool, pools)}`);
    const version = this.versionOf(change.pool);
    if (by.versions !== undefined && !by.versions.includes(version) && !by.versions.includes('*')) {
      const message = `pool '${change.pool}' has changed since that version of it: look at it again`;
      throw new Refused('pool-changed', message, version);
    }
    if (change.kind === 'add') return this.#add(change, by);
    return change.kind === 'set' ? this.#set(change, by) : this.#remove(change, by);
  }

  async #set({ pool, backend: id, to }: BackendChange & { kind: 'set' }, by: ChangedBy): Promise<Changed> {
    const { applier, health } = this.#deps;
    const backend = this.#listed(pool, id);
    const before = this.#shown(pool, id);
    const weight = to.weight === undefined ? undefined : valid(pool, { ...written(backend), weight: to.weight }).weight;
    const setting: Partial<Setting> = {
      ...(to.state === undefined ? {} : { state: to.state }),
      ...(to.state === 'enabled' ? { leaving: false } : {}),
      ...(weight === undefined ? {} : { weight }),
    };
    // Before it comes into play: it may have to start slowly.
    if (to.state === 'enabled' && before.state !== 'enabled') health.enabled(applier.plannedBackend(pool, id)!.slot);
    applier.adopt(pool, applier.changes.set(pool, backend, setting));
    const changed = this.#made(pool, id);
    const { state, weight: now } = changed.backend;
    if (state !== before.state) this.#tell(by, { pool, backend: id }, { what: 'state', from: before.state, to: state });
    if (now !== before.weight)
      this.#tell(by, { pool, backend: id }, { what: 'weight', from: String(before.weight), to: String(now) });
    if (state === 'draining') this.#drains.add({ pool, backend: id });
    return changed;
  }

  async #add({ pool, backend: given }: BackendChange & { kind: 'add' }, by: ChangedBy): Promise<Changed> {
    const { applier } = this.#deps;
    const listed = applier.changes.listed(applier.loaded, pool);
    const backend = valid(pool, { maxConnections: commonLimit(listed), ...defined(given) });
    const { id } = backend;
    const udp = Object.entries(applier.loaded.listeners).find(([, one]) => one.protocol === 'udp' && one.pool === pool);
    if (udp !== undefined && backend.address.kind === 'unix') {
      const message = `got ${formatAddress(backend.address)}, expected a host and port, because listener ${udp[0]} is for UDP`;
      throw new Refused('invalid', `address: ${message}`);
    }
    if (listed.some((other) => other.id === id)) {
      const leaving = applier.changes.settingOf(pool, id).leaving ? ', and is being removed' : '';
      throw new Refused('backend-exists', `pool '${pool}' has a backend '${id}'${leaving}`);
    }
    await this.#apply(applier.changes.add(pool, backend));
    this.#tell(by, { pool, backend: id }, { what: 'added', from: null, to: formatAddress(backend.address) });
    return this.#made(pool, id);
  }

  async #remove({ pool, backend: id }: BackendChange & { kind: 'remove' }, by: ChangedBy): Promise<Changed> {
    const { applier } = this.#deps;
    const backend = this.#listed(pool, id);
    const { changes } = applier;
    const { state, leaving } = changes.settingOf(pool, id);
    const staying = changes.listed(applier.loaded, pool).filter((other) => !changes.settingOf(pool, other.id).leaving);
    if (!leaving && staying.length === 1) {
      const message = `'${id}' is the last backend of pool '${pool}', which cannot be without: disable it instead`;
      throw new Refused('last-backend', message);
    }
    if (!leaving) {
      // One that is disabled stays so: draining would let its sessions back in.
      const setting = { state: state === 'enabled' ? 'draining' : state, leaving: true } as const;
      applier.adopt(pool, changes.set(pool, backend, setting));
      this.#count(pool);
      this.#tell(by, { pool, backend: id }, { what: 'removed', from: formatAddress(backend.address), to: null });
    }
    const before = this.#shown(pool, id);
    if (before.active > 0) {
      this.#drains.add({ pool, backend: id });
      return { ok: true, version: this.versionOf(pool), backend: before, removed: false };
    }
    await this.#takeOut(pool, id);
    return { ok: true, version: this.versionOf(pool), backend: before, removed: true };
  }

  /** Removes a backend that holds no leases any more. */
  async #takeOut(pool: string, id: string): Promise<void> {
    const { applier, events } = this.#deps;
    await this.#apply(applier.changes.remove(pool, this.#listed(pool, id)));
    this.#count(pool);
    events.publish({ kind: 'drained', pool, backend: id, removed: true });
  }

  async #apply(changes: Changes): Promise<void> {
    const { applier } = this.#deps;
    await applier.apply(applier.loaded, changes).catch((error: Error) => {
      throw new Refused('not-applied', error.message);
    });
  }

  #activeOf({ pool, backend }: Draining): number | undefined {
    const { state, leaving } = this.#deps.applier.changes.settingOf(pool, backend);
    const slot = this.#deps.applier.plannedBackend(pool, backend)?.slot;
    return slot !== undefined && (state === 'draining' || leaving) ? this.#deps.table.active(slot) : undefined;
  }

  async #drained(draining: Draining): Promise<void> {
    const { applier, events, logger, clock } = this.#deps;
    const { pool, backend } = draining;
    if (!applier.changes.settingOf(pool, backend).leaving) {
      events.publish({ kind: 'drained', pool, backend, removed: false });
      return;
    }
    await applier
      .change(async () => {
        if (applier.changes.settingOf(pool, backend).leaving) await this.#takeOut(pool, backend);
      })
      .catch((error: Error) => {
        logger.error({ pool, backend }, `a drained backend could not be removed yet: ${error.message}`);
        clock.setTimeout(() => this.#drains.add(draining), RETRY_MS).unref();
      });
  }

  #listed(pool: string, id: string): BackendConfig {
    const { applier } = this.#deps;
    const listed = applier.changes.listed(applier.loaded, pool);
    const backend = listed.find((each) => each.id === id);
    if (backend !== undefined) return backend;
    const ids = listed.map((each) => each.id);
    throw new Refused('unknown-backend', `pool '${pool}' has no backend ${named(id, ids)}`);
  }

  #shown(pool: string, id: string): BackendStatus {
    return this.#deps.pool(pool)!.backends.find((backend) => backend.id === id)!;
  }

  #made(pool: string, id: string): Changed & { ok: true } {
    this.#count(pool);
    return { ok: true, version: this.versionOf(pool), backend: this.#shown(pool, id), removed: false };
  }

  #count(pool: string): void {
    this.#counts.set(pool, (this.#counts.get(pool) ?? 0) + 1);
  }

  #tell({ who }: ChangedBy, at: Draining, told: Told): void {
    this.#deps.logger.info(
      { who, ...at, from: told.from, to: told.to },
      `backend changed by an operator: ${told.what}`,
    );
    this.#deps.events.publish({ kind: 'change', who, ...at, ...told });
  }
}

/** A name in quotes, with the one that was probably meant. */
function named(name: string, known: readonly string[]): string {
  const meant = closest(name, known);
  return `'${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`;
}

/** A backend as it is written in a config. */
function written({ id, address, ...rest }: BackendConfig): object {
  const place = formatAddress(address);
  return { ...rest, address: place, ...(id === place ? {} : { name: id }) };
}

/** The limit of all backends of a pool, where they have the same: a new one has it too. */
function commonLimit(backends: readonly BackendConfig[]): number {
  const [first] = backends;
  const same = backends.every(({ maxConnections }) => maxConnections === first?.maxConnections);
  return same ? (first?.maxConnections ?? 0) : 0;
}

function defined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function valid(pool: string, backend: object): BackendConfig {
  const read = readBackend(pool, backend);
  if (!read.ok) throw new Refused('invalid', read.problems.join('; '));
  return read.backend;
}
