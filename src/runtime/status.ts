import type { ShownConfig } from '../admin/config-schema.ts';
import type { BackendStatus, ListenerStatus, PoolStatus, Readiness, Status, WorkerStatus } from '../admin/schema.ts';
import { showConfig } from '../config/redact.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import type { LatencyWindow } from '../observe/latency-window.ts';
import type { MeterReader } from '../observe/meter-reader.ts';
import type { ControlGauges } from '../observe/metrics.ts';
import { AdminState, type SharedTable } from '../pool/table.ts';
import { type Address, formatAddress } from '../support/address.ts';
import { version } from '../support/version.ts';
import type { Changes } from './changes.ts';
import type { WorkerView } from './fleet.ts';
import type { HealthKeeper } from './health-keeper.ts';
import { bindKey, type NamedListener, type Planned, type PlannedBackend } from './plan.ts';

/** What is shown, as of one moment. */
export interface StatusFacts {
  readonly config: Config;
  readonly configPath: string | null;
  readonly planned: Planned | undefined;
  readonly generation: number;
  /** True when the listeners are open. */
  readonly open: boolean;
  readonly ports: ReadonlyMap<string, number>;
  readonly workers: readonly WorkerView[];
  readonly table: SharedTable;
  readonly health: HealthKeeper;
  readonly reader: MeterReader;
  readonly latency: LatencyWindow;
  /** What was changed at run time. */
  readonly changes: Changes;
  /** Which of all versions of a pool this one is. */
  versionOf(pool: string): string;
}

const stateWords: Readonly<Record<AdminState, BackendStatus['state']>> = {
  [AdminState.enabled]: 'enabled',
  [AdminState.draining]: 'draining',
  [AdminState.disabled]: 'disabled',
};

const workerWords: Readonly<Record<WorkerView['state'], WorkerStatus['state']>> = {
  starting: 'starting',
  running: 'serving',
  restarting: 'starting',
  draining: 'draining',
};

/** Puts what the control plane knows into the words of the admin API. */
export class StatusSource {
  readonly #facts: StatusFacts;

  constructor(facts: StatusFacts) {
    this.#facts = facts;
  }

  status(): Status {
    const { generation, configPath } = this.#facts;
    const uptimeMs = Math.round(process.uptime() * 1000);
    return {
      version,
      node: process.version,
      pid: process.pid,
      startedAt: new Date(Date.now() - uptimeMs).toISOString(),
      uptimeMs,
      generation,
      configPath,
      workers: this.#workers(),
      listeners: this.listeners(),
    };
  }

  #workers(): WorkerStatus[] {
    const { workers, table } = this.#facts;
    return workers.map(({ id, state, restarts }) => ({
      id,
      state: workerWords[state],
      restarts,
      connections: table.openInLane(id),
      ...this.#loop(id),
    }));
  }

  #loop(id: number): Pick<WorkerStatus, 'loopUtilization' | 'loopLagMs' | 'overloaded'> {
    const worker = String(id);
    const [utilization, lag, overloaded] = (
      ['event_loop_utilization', 'event_loop_lag_seconds', 'overloaded'] as const
    ).map((name) => this.#facts.reader.read(name, { worker })?.[0] ?? 0);
    return { loopUtilization: utilization!, loopLagMs: lag! * 1000, overloaded: overloaded === 1 };
  }

  /** The config that was loaded, with what was changed since. */
  config(loaded: Config): ShownConfig {
    const { generation, configPath, changes } = this.#facts;
    const words = Object.keys(loaded.pools).map((pool) => [pool, changes.inWords(pool)] as const);
    return {
      generation,
      path: configPath,
      config: showConfig(loaded),
      changes: Object.fromEntries(words.filter(([, each]) => each.length > 0)),
    };
  }

  listeners(): ListenerStatus[] {
    return Object.entries(this.#facts.config.listeners).map(([name, listener]) => ({
      name,
      protocol: listener.protocol,
      tls: listener.tls !== undefined,
      bind: listener.bind.map(formatAddress),
      addresses: this.#facts.open
        ? listener.bind.map((address) => this.#realAddress({ name, protocol: listener.protocol }, address))
        : [],
      active: this.#sum('connections_active', name),
      total: this.#sum('connections_total', name),
      routes: routesOf(listener),
    }));
  }

  #realAddress(listener: NamedListener, address: Address): string {
    if (address.kind === 'unix' || address.port !== 0) return formatAddress(address);
    return formatAddress({ ...address, port: this.#facts.ports.get(bindKey(listener, address)) ?? 0 });
  }

  #sum(name: 'connections_active' | 'connections_total', listener: string): number {
    return this.#facts.reader.read(name, { listener })?.[0] ?? 0;
  }

  pools(): PoolStatus[] {
    return Object.keys(this.#facts.config.pools).map((name) => this.pool(name)!);
  }

  pool(name: string): PoolStatus | undefined {
    const pool = Object.hasOwn(this.#facts.config.pools, name) ? this.#facts.config.pools[name] : undefined;
    if (pool === undefined) return undefined;
    const members = this.#backends().filter((backend) => backend.pool === name);
    const failures = this.#failures(name);
    const backends = members.map((backend) => this.#backend(backend, failures.get(backend.config.id) ?? 0));
    return {
      name,
      algorithm: pool.balance.algorithm,
      healthy: members.filter(({ slot }) => this.#mayBePicked(slot)).length,
      active: backends.reduce((sum, { active }) => sum + active, 0),
      version: this.#facts.versionOf(name),
      changes: this.#facts.changes.inWords(name),
      leaving: backends.filter(({ id }) => this.#facts.changes.settingOf(name, id).leaving).map(({ id }) => id),
      backends,
    };
  }

  #mayBePicked(slot: number): boolean {
    const { health, table } = this.#facts;
    return health.isAvailable(slot) && table.weight(slot) * table.weightShare(slot) > 0;
  }

  #backends(): readonly PlannedBackend[] {
    return this.#facts.planned?.backends ?? [];
  }

  #backend({ slot, pool, config }: PlannedBackend, failures: number): BackendStatus {
    const { table, health, latency } = this.#facts;
    const { word, reason } = health.describe(slot);
    return {
      id: config.id,
      address: formatAddress(config.address),
      weight: table.weight(slot),
      state: stateWords[table.admin(slot)],
      health: word,
      healthReason: reason,
      active: table.active(slot),
      total: this.#picks(pool, config.id),
      failures,
      latencyMs: latency.percentiles(pool, config.id),
      effectiveWeight: roundShare(table.weight(slot) * table.weightShare(slot) * table.ramp(slot)),
    };
  }

  #picks(pool: string, backend: string): number {
    return this.#facts.reader.read('backend_picks_total', { pool, backend })?.[0] ?? 0;
  }

  /** Failed attempts of a pool's backends, of those that had any. */
  #failures(pool: string): Map<string, number> {
    const failures = new Map<string, number>();
    for (const { labels, values } of this.#facts.reader.sum('backend_failures_total')) {
      if (labels['pool'] !== pool) continue;
      const backend = labels['backend']!;
      failures.set(backend, (failures.get(backend) ?? 0) + values[0]!);
    }
    return failures;
  }

  readiness(): Readiness {
    const reasons: string[] = [];
    if (!this.#facts.open) reasons.push('the listeners are not open');
    for (const { name, healthy, backends } of this.pools()) {
      if (healthy > 0) continue;
      const up = backends.some(({ health }) => health === 'up');
      reasons.push(`pool ${name} has no healthy backend${up ? ' that is enabled and has a weight above 0' : ''}`);
    }
    return { ready: reasons.length === 0, reasons };
  }

  /** What the gauges of backends read. */
  *gauges(): ReturnType<ControlGauges['backends']> {
    const { health, table } = this.#facts;
    for (const { slot, pool, config } of this.#backends()) {
      yield {
        pool,
        backend: config.id,
        up: health.describe(slot).word === 'up',
        enabled: table.admin(slot) === AdminState.enabled,
        active: table.active(slot),
        limit: table.maxActive(slot),
      };
    }
  }

  /** How many wait, in each pool that has a queue. */
  *queues(): Iterable<{ pool: string; length: number }> {
    for (const { pool } of this.#facts.planned?.plan.pools ?? []) {
      if (pool.queue !== undefined) yield { pool: pool.name, length: this.#facts.table.queues.waiting(pool.number) };
    }
  }
}

/** To thousandths: further digits say nothing. */
function roundShare(weight: number): number {
  return Math.round(weight * 1000) / 1000;
}

function routesOf(listener: ListenerConfig): ListenerStatus['routes'] {
  if (listener.protocol === 'udp') {
    return [{ name: 'route-1', kind: 'pool', pools: [{ pool: listener.pool, weight: 1 }] }];
  }
  if (listener.protocol === 'tcp') {
    return listener.routes.map(({ pool }, index) => ({
      name: `route-${index + 1}`,
      kind: 'pool',
      pools: [{ pool, weight: 1 }],
    }));
  }
  return listener.routes.map(({ name, action }) => ({
    name,
    kind: action.kind,
    pools: action.kind === 'pool' ? action.split.map(({ pool, weight }) => ({ pool, weight })) : [],
  }));
}
