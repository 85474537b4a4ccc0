import type { PoolConfig } from '../config/schema.ts';
import { ownHeaders } from '../connect/proxy-header.ts';
import { createProbe } from '../health/create-probe.ts';
import { type HealthChange, HealthMonitor } from '../health/monitor.ts';
import type { ProbeConnect } from '../health/policy.ts';
import type { Logger } from '../observe/log.ts';
import type { MeterReader } from '../observe/meter-reader.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Trouble } from '../pool/pool.ts';
import { AdminState, Health, type SharedTable } from '../pool/table.ts';
import type { Address } from '../support/address.ts';
import type { Clock, TimerHandle } from '../support/clock.ts';
import { lookupThrough, type Resolver } from '../support/resolve.ts';
import type { ConnectTlsPlan } from '../support/tls-client.ts';
import { AgentDesk, type AgentTarget } from './agent-desk.ts';
import { OutlierWatch } from './outlier-watch.ts';
import type { PlannedBackend } from './plan.ts';
import { SlowStart } from './slow-start.ts';

/** Each ejection is longer by one `eject.for`, up to this many; as long a good time makes them short again. */
const LONGEST_EJECTION = 10;

/** What of a backend is known, as the admin API words it. */
export type HealthWord = 'up' | 'down' | 'ejected' | 'unknown';

/** A change of a backend's health, for the log and the metrics. */
export interface Transition {
  readonly pool: string;
  readonly backend: string;
  /** What was told of it last. */
  readonly from: HealthWord;
  readonly to: HealthWord;
  readonly reason: string;
}

/** Counts a change and says it in the log. */
export function tellTransition(
  { pool, backend, to, reason }: Transition,
  metrics: Pick<Metrics, 'healthTransition'>,
  logger: Pick<Logger, 'info' | 'warn'>,
): void {
  metrics.healthTransition(pool, backend, to);
  logger[to === 'up' ? 'info' : 'warn']({ pool, backend, reason }, `backend is ${to}`);
}

/** Says in the log that an agent is of no use for now. */
export function tellAgentProblem(
  { pool, backend, problem }: { readonly pool: string; readonly backend: string; readonly problem: string },
  logger: Pick<Logger, 'warn'>,
): void {
  logger.warn({ pool, backend, problem }, 'the agent of a backend cannot be asked, or understood: nothing changes');
}

/** What the keeper needs, and whom it tells. */
export interface HealthKeeperDeps {
  readonly table: SharedTable;
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly version: string;
  /** What the workers count, by which backends are compared with each other. */
  readonly reader: Pick<MeterReader, 'read' | 'sum'>;
  /** How connections of a pool are encrypted, and so its probes. */
  tlsOf(pool: PoolConfig): ConnectTlsPlan | undefined;
  random(): number;
  onTransition(transition: Transition): void;
  /** The agent beside a backend cannot be asked, or understood; what it said before stays. Told once for each cause. */
  onAgentProblem(about: { readonly pool: string; readonly backend: string; readonly problem: string }): void;
}

/** One backend under watch. */
interface Ward {
  readonly key: string;
  readonly slot: number;
  readonly pool: string;
  readonly poolNumber: number;
  readonly id: string;
  readonly address: Address;
  readonly policy: PoolConfig;
  /** Set while it is ejected and gets nothing. */
  ejection: TimerHandle | undefined;
  ejectionReason: string;
  /** Ejections one after another, with too little good time between them to forget any. */
  ejections: number;
  /** When the last one ended, in ms of the clock. */
  readmittedAt: number;
  /** What was last told of it: one line of the log for each change. */
  told: HealthWord;
  /** It came to a pool that was there before it. */
  readonly joined: boolean;
}

/**
 * Decides who may be picked: joins what the probes find with what workers report, and writes it into the shared table.
 * It is the only writer of health and ejection, so there is nothing to race; workers set only the mark of a refused
 * connect, which the next successful probe clears.
 */
export class HealthKeeper {
  readonly #deps: HealthKeeperDeps;
  readonly #monitor: HealthMonitor;
  readonly #outliers: OutlierWatch;
  readonly #slowStart: SlowStart;
  readonly #agents: AgentDesk;
  #wards = new Map<string, Ward>();
  #bySlot = new Map<number, Ward>();

  constructor(deps: HealthKeeperDeps) {
    this.#deps = deps;
    this.#slowStart = new SlowStart(deps.table, deps.clock);
    this.#outliers = new OutlierWatch({
      reader: deps.reader,
      clock: deps.clock,
      watched: () =>
        [...this.#wards.values()]
          .filter(({ slot }) => this.isAvailable(slot))
          .map(({ slot, pool, id, policy }) => ({ slot, pool, id, limits: policy.eject })),
      eject: (slot, reason) => this.#eject(this.#bySlot.get(slot)!, reason),
    });
    const lookup = lookupThrough(deps.resolver);
    this.#agents = new AgentDesk({
      ...deps,
      lookup,
      onChange: (key, ended) => this.#agentSaid(key, ended),
      onProblem: (key, problem) => this.#agentSilent(key, problem),
    });
    this.#monitor = new HealthMonitor({
      clock: deps.clock,
      random: deps.random,
      probeFor: (policy, connect) => createProbe(policy, { clock: deps.clock, lookup, version: deps.version }, connect),
      onChange: (change) => this.#changed(change),
      onResult: (key, ok, reason) => this.#result(key, ok, reason),
    });
  }

  /**
   * Takes the backends to watch, those of a config that is not in force yet included, and resolves when each new one has
   * had its first probe. Unchanged ones keep what is known of them.
   */
  async watch(backends: readonly PlannedBackend[]): Promise<void> {
    const before = this.#wards;
    const pools = new Set([...before.values()].map(({ pool }) => pool));
    this.#wards = new Map();
    this.#bySlot = new Map();
    for (const { slot, pool, poolNumber, policy, config: backend } of backends) {
      const key = wardKey(slot, pool, backend.id);
      const known = before.get(key);
      const ward: Ward = {
        key,
        slot,
        pool,
        poolNumber,
        id: backend.id,
        address: backend.address,
        policy,
        ejection: known?.ejection,
        ejectionReason: known?.ejectionReason ?? '',
        ejections: known?.ejections ?? 0,
        readmittedAt: known?.readmittedAt ?? 0,
        told: known?.told ?? 'unknown',
        joined: known?.joined ?? pools.has(pool),
      };
      this.#wards.set(key, ward);
      this.#bySlot.set(slot, ward);
    }
    for (const [key, ward] of before) {
      if (this.#wards.has(key)) continue;
      if (ward.ejection !== undefined) this.#deps.clock.clearTimeout(ward.ejection);
      this.#slowStart.end(ward.slot);
    }
    this.#monitor.set(
      backends.map(({ slot, pool, policy, config: backend }) => ({
        key: wardKey(slot, pool, backend.id),
        address: backend.address,
        policy: policy.health,
        tls: this.#deps.tlsOf(policy),
        opening: openingOf(policy),
        local: policy.connect.local,
      })),
    );
    this.#outliers.start();
    await Promise.all([this.#agents.set([...this.#wards.values()].flatMap(agentOf)), this.#monitor.settled()]);
  }

  #changed({ key, status, reason }: HealthChange): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    this.#pardon(ward);
    this.#judge(ward, status, reason);
  }

  /** A backend is up when its probes and its agent agree on that. */
  #judge(ward: Ward, probed: 'up' | 'down', reason: string): void {
    const down = this.#agents.downReason(ward.key);
    const status = down === '' ? probed : 'down';
    this.#deps.table.setHealth(ward.slot, status === 'up' ? Health.up : Health.down);
    this.#publish(ward, status, down || reason);
  }

  #agentSaid(key: string, ended: boolean): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    const probed = this.#monitor.state(key);
    if (ended) this.enabled(ward.slot);
    if (probed !== undefined && probed.status !== 'unknown') this.#judge(ward, probed.status, probed.reason);
    this.#touch(ward);
  }

  #agentSilent(key: string, problem: string): void {
    const { pool, id: backend } = this.#wards.get(key)!;
    this.#deps.onAgentProblem({ pool, backend, problem });
  }

  /** Any success takes back the mark of a refused connect: the backend accepts connections again. */
  #result(key: string, ok: boolean, reason: string): void {
    const ward = this.#wards.get(key);
    if (ward === undefined || !ok || !this.#deps.table.clearRefused(ward.slot)) return;
    this.#pardon(ward);
    const isUp = this.#deps.table.health(ward.slot) === Health.up;
    if (isUp) this.#publish(ward, 'up', reason);
    else this.#touch(ward);
  }

  #publish(ward: Ward, to: HealthWord, reason: string): void {
    if (to === 'up' && ward.told !== 'up') this.#start(ward);
    this.#touch(ward);
    if (ward.told === to) return;
    const from = ward.told;
    ward.told = to;
    this.#deps.onTransition({ pool: ward.pool, backend: ward.id, from, to, reason });
  }

  /** Comes into play: slowly when others can carry the load meanwhile, which they cannot when the whole pool starts. */
  #start({ slot, told, joined, policy }: Ward): void {
    if (told !== 'unknown' || joined) this.#slowStart.begin(slot, policy.slowStart);
  }

  /** An operator has put a backend to work again that had been taken out. */
  enabled(slot: number): void {
    const ward = this.#bySlot.get(slot);
    if (ward === undefined) return;
    this.#slowStart.begin(slot, ward.policy.slowStart);
    this.#touch(ward);
  }

  #touch(ward: Ward): void {
    this.#deps.table.touch(ward.poolNumber);
  }

  /** A worker reports a backend whose connect was refused, or that failed too often in a row. */
  trouble({ slot, kind }: Trouble): void {
    const ward = this.#bySlot.get(slot);
    if (ward === undefined) return;
    if (kind === 'refused') {
      if (this.#deps.table.refused(slot)) this.#publish(ward, 'down', 'connection refused');
      this.#monitor.hurry(ward.key);
    } else if (kind === 'failing') {
      if (this.#deps.table.streak(slot) >= ward.policy.eject.failures)
        this.#eject(ward, `${this.#deps.table.streak(slot)} failures in a row`);
    } else if (this.#deps.table.onTrial(slot)) {
      if (kind === 'trial-passed') this.#readmit(ward);
      else this.#keepOut(ward);
    }
  }

  /** Takes a failing backend out for a while, unless too many of its pool are out already. */
  #eject(ward: Ward, reason: string): void {
    const { table, clock } = this.#deps;
    if (table.ejected(ward.slot) || !this.#mayEject(ward)) return;
    if (clock.now() - ward.readmittedAt > ward.policy.eject.for * LONGEST_EJECTION) ward.ejections = 0;
    ward.ejectionReason = reason;
    this.#keepOut(ward);
    this.#publish(ward, 'ejected', reason);
  }

  /** Out, for longer each time; and then a trial. */
  #keepOut(ward: Ward): void {
    const { table, clock } = this.#deps;
    ward.ejections = Math.min(ward.ejections + 1, LONGEST_EJECTION);
    table.setEjected(ward.slot, true);
    ward.ejection = clock.setTimeout(() => this.#openTrial(ward.key), ward.policy.eject.for * ward.ejections);
    ward.ejection.unref();
  }

  /** Never the last one that is left, and never more than the pool's `eject.max`. */
  #mayEject(ward: Ward): boolean {
    const { table } = this.#deps;
    const pool = [...this.#wards.values()].filter((other) => other.pool === ward.pool);
    const ejected = pool.filter((other) => table.ejected(other.slot)).length;
    const left = pool.filter((other) => other !== ward && this.isAvailable(other.slot) && table.weight(other.slot) > 0);
    return left.length > 0 && (ejected + 1) / pool.length <= ward.policy.eject.max;
  }

  /** Ends an ejection and forgets the failures so far: for when it is over, and when probes have decided anew. */
  #pardon(ward: Ward): void {
    if (ward.ejection !== undefined) this.#deps.clock.clearTimeout(ward.ejection);
    ward.ejection = undefined;
    this.#deps.table.endStreak(ward.slot);
    this.#deps.table.setEjected(ward.slot, false);
  }

  /**
   * The time of an ejection is up: one lease decides, whichever worker has the next. Probes do not, though there may be
   * some: they have found nothing all the while that traffic did.
   */
  #openTrial(key: string): void {
    const ward = this.#wards.get(key);
    if (ward === undefined) return;
    ward.ejection = undefined;
    this.#deps.table.openTrial(ward.slot);
    this.#touch(ward);
  }

  /** It has passed its trial. */
  #readmit(ward: Ward): void {
    this.#pardon(ward);
    ward.readmittedAt = this.#deps.clock.now();
    const { word, reason } = this.describe(ward.slot);
    this.#publish(ward, word, reason);
  }

  /** True when this backend may be given work. */
  isAvailable(slot: number): boolean {
    return this.describe(slot).word === 'up' && this.#deps.table.admin(slot) === AdminState.enabled;
  }

  /** What is known of a backend, and why. */
  describe(slot: number): { readonly word: HealthWord; readonly reason: string } {
    const { table } = this.#deps;
    const ward = this.#bySlot.get(slot);
    if (ward === undefined) return { word: 'unknown', reason: 'not watched' };
    const probed = this.#monitor.state(ward.key)?.reason ?? 'not probed yet';
    if (table.health(slot) === Health.down)
      return { word: 'down', reason: this.#agents.downReason(ward.key) || probed };
    if (table.refused(slot)) return { word: 'down', reason: 'connection refused' };
    if (table.onTrial(slot)) return { word: 'ejected', reason: `${ward.ejectionReason}; the next lease decides` };
    if (table.ejected(slot)) return { word: 'ejected', reason: ward.ejectionReason };
    return { word: table.health(slot) === Health.up ? 'up' : 'unknown', reason: probed };
  }

  close(): void {
    this.#monitor.close();
    this.#outliers.stop();
    this.#slowStart.close();
    this.#agents.close();
    for (const { ejection } of this.#wards.values())
      if (ejection !== undefined) this.#deps.clock.clearTimeout(ejection);
  }
}

/** Probes speak as connections of the pool do; on a port of their own nobody expects a PROXY header. */
function openingOf({ connect: { proxyProtocol }, health }: PoolConfig): ProbeConnect['opening'] {
  if (proxyProtocol === 'off' || health.type === 'off' || health.port !== 0) return undefined;
  return ownHeaders[proxyProtocol];
}

/** The agent beside a backend, if it has one. */
function agentOf({ key, slot, address, policy }: Ward): AgentTarget[] {
  const { agent } = policy.health;
  return agent === undefined ? [] : [{ key, slot, address, policy: { ...agent, local: policy.connect.local } }];
}

function wardKey(slot: number, pool: string, id: string): string {
  return `${slot} ${pool}/${id}`;
}
