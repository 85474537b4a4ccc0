import { CLIENT_CERTIFICATE_FIELDS } from '../accept/client-certificate.ts';
import type { BindTarget } from '../accept/listen.ts';
import type { Config, HttpListenerConfig, ListenerConfig, PoolConfig, RouteConfig } from '../config/schema.ts';
import { keyedAlgorithms } from '../config/schema-pool.ts';
import { backendName } from '../observe/meters.ts';
import type { TracingPlan } from '../observe/trace-record.ts';
import type { Endpoint } from '../pool/backend.ts';
import type { SourcePlan } from '../proxy/source-gate.ts';
import type { GuardPlan } from '../proxy/source-guard.ts';
import { type Address, formatAddress } from '../support/address.ts';
import type { BindPlan, PoolSitePlan, WorkerPlan } from './messages.ts';
import { routePlan } from './plan-route.ts';
import type { SlotBook } from './slot-book.ts';
import type { TlsBook } from './tls-book.ts';

/** Deadlines are looked at this often, in ms, unless a shorter time limit asks for more. */
const TICK_MS = { longest: 100, shortest: 10 };

/** What a plan is made from besides the config. */
export interface PlanInputs {
  /** Tells this plan from all others of the process. */
  readonly generation: number;
  readonly slots: SlotBook;
  readonly nowMs: number;
  /** The addresses behind a backend's host, as far as they are known. */
  readonly endpointsOf: (address: Address) => readonly Endpoint[];
  /** Ports that the system chose for binds with port 0, by bind key. */
  readonly ports: ReadonlyMap<string, number>;
  /** True where several workers can listen on one port. */
  readonly reusePort: boolean;
  /** How requests are traced; undefined when they are not. */
  readonly tracing: TracingPlan | undefined;
  /** The certificates that the config names. */
  readonly tls: Pick<TlsBook, 'listenerPlan' | 'poolPlan'>;
}

/** A backend of the plan with the slot it has; `fresh` when the slot is new to it. */
export interface PlannedBackend {
  readonly slot: number;
  readonly fresh: boolean;
  readonly pool: string;
  readonly poolNumber: number;
  readonly config: PoolConfig['backends'][number];
  readonly policy: PoolConfig;
}

/** A plan, and what the control plane must know of it. */
export interface Planned {
  readonly plan: WorkerPlan;
  readonly backends: readonly PlannedBackend[];
}

/** Turns a config into what workers need: names become numbers in the shared table and addresses to dial. */
export function buildPlan(config: Config, inputs: PlanInputs): Planned {
  const backends = Object.entries(config.pools).flatMap(([pool, policy]) => {
    const poolNumber = inputs.slots.pools.of(pool, inputs.nowMs).number;
    return policy.backends.map((backend): PlannedBackend => {
      const { number, fresh } = inputs.slots.backends.of(backendKey(pool, backend), inputs.nowMs);
      return { slot: number, fresh, pool, poolNumber, config: backend, policy };
    });
  });
  const listeners = Object.entries(config.listeners);
  const { access } = config.log;
  const unforgeable = unforgeableFields(config);
  const tellsNames = Object.values(config.pools).some(({ connect }) => connect.proxyProtocol === 'v2');
  return {
    backends,
    plan: {
      generation: inputs.generation,
      pools: Object.entries(config.pools).map(([name, pool]) => poolPlan(name, pool, backends, inputs)),
      countedBackends: inputs.slots.backends.known(inputs.nowMs).map(nameInKey),
      listeners: listeners.map(([name, listener]) =>
        listenerPlan(name, listener, { ...inputs, unforgeable, tellsNames }),
      ),
      binds: listeners.flatMap(([name, { bind, protocol }]) =>
        bind.map((address) => bindPlan({ name, protocol }, address, inputs)),
      ),
      maxConnections: config.limits.connections,
      ioUring: config.ioUring,
      accessSample: access === false ? 0 : access.sample,
      tracing: inputs.tracing,
      tickMs: tickFor(config),
    },
  };
}

/** What makes a backend the same over reloads: its pool, name and address. */
export function backendKey(pool: string, backend: PoolConfig['backends'][number]): string {
  return `${backendName(pool, backend.id)}\n${formatAddress(backend.address)}`;
}

/** The `backendName` of who has a backend key. */
function nameInKey(key: string): string {
  return key.slice(0, key.lastIndexOf('\n'));
}

function poolPlan(
  name: string,
  pool: PoolConfig,
  backends: readonly PlannedBackend[],
  inputs: PlanInputs,
): PoolSitePlan {
  const { algorithm, key, loadFactor } = pool.balance;
  return {
    pool: {
      number: inputs.slots.pools.of(name, inputs.nowMs).number,
      name,
      algorithm,
      backends: backends
        .filter((backend) => backend.pool === name)
        .map(({ slot, config }) => ({
          slot,
          id: config.id,
          address: formatAddress(config.address),
          backup: config.backup,
          endpoints: inputs.endpointsOf(config.address),
        })),
      loadFactor,
      panicBelow: pool.panic,
      ejectAfter: pool.eject.failures,
      probed: pool.health.type !== 'off',
      queue: pool.queue.max === 0 ? undefined : { max: pool.queue.max, timeoutMs: pool.queue.timeout },
    },
    connect: {
      timeoutMs: pool.connect.timeout,
      local: pool.connect.local,
      keepAliveMax: pool.keepAlive.max,
      keepAliveIdleMs: pool.keepAlive.idle,
      tls: inputs.tls.poolPlan(pool),
      proxyProtocol: pool.connect.proxyProtocol,
      http2: pool.connect.http2,
    },
    hashKey: keyedAlgorithms.some((name) => name === algorithm) ? key : undefined,
  };
}

/**
 * Fields that no client may send: where any listener checks certificates, all drop what tells of one, because a backend
 * may be behind several.
 */
export function unforgeableFields({ listeners }: Config): readonly string[] {
  const some = Object.values(listeners).some(({ tls }) => tls !== undefined && tls.clientCa !== '');
  return some ? CLIENT_CERTIFICATE_FIELDS : [];
}

function listenerPlan(
  name: string,
  listener: ListenerConfig,
  inputs: PlanInputs & { readonly unforgeable: readonly string[]; readonly tellsNames: boolean },
): WorkerPlan['listeners'][number] {
  // The protocol is part of the name here: a listener that changes it is another one.
  const { number } = inputs.slots.listeners.of(`${listener.protocol} ${name}`, inputs.nowMs);
  if (listener.protocol === 'udp') {
    const { timeouts, limits, pool } = listener;
    const maxConnections = limits.connections;
    return {
      protocol: 'udp',
      name,
      number,
      idleMs: timeouts.idle,
      maxConnections,
      sources: sourcePlan(listener),
      pool,
    };
  }
  if (listener.protocol === 'tcp') {
    const { timeouts, limits, routes, proxyProtocol } = listener;
    return {
      protocol: 'tcp',
      name,
      number,
      timeouts: { openingMs: timeouts.opening, idleMs: timeouts.idle, halfCloseMs: timeouts.halfClose },
      maxConnections: limits.connections,
      sources: sourcePlan(listener),
      guard: guardPlan(listener.guard),
      proxyProtocol,
      routes,
      tls: inputs.tls.listenerPlan(name, listener, inputs.tellsNames || routes.some(({ match }) => match.sni)),
    };
  }
  const { timeouts, limits, trustProxies, routes, proxyProtocol } = listener;
  return {
    protocol: 'http',
    name,
    number,
    proxyProtocol,
    timeouts,
    limits,
    sources: sourcePlan(listener),
    guard: guardPlan(listener.guard),
    trustProxies,
    tls: inputs.tls.listenerPlan(name, listener, inputs.tellsNames),
    routes: routes.map((route) => ({
      match: route.match,
      plan: routePlan(route, splitNumber(name, route, inputs), inputs),
    })),
  };
}

/** Over UDP there are flows only, whose sources can be forged: they are not counted by source. */
function sourcePlan({ allow, deny, limits }: ListenerConfig): SourcePlan {
  const { connectionsPerIp = 0, connectionRatePerIp } = limits as Partial<HttpListenerConfig['limits']>;
  return { allow, deny, connectionsPerIp, connectionRatePerIp: connectionRatePerIp || undefined };
}

function guardPlan(guard: HttpListenerConfig['guard']): GuardPlan | undefined {
  if (!guard) return undefined;
  return { bad: guard.bad || undefined, notFound: guard.notFound || undefined, banMs: guard.ban };
}

/** The cursor of a route's split in the shared table; a route without one needs none. */
function splitNumber(listener: string, { name, action }: RouteConfig, { slots, nowMs }: PlanInputs): number {
  const split = action.kind === 'pool' && action.split.length > 1;
  return split ? slots.splits.of(splitKey(listener, name), nowMs).number : 0;
}

function splitKey(listener: string, route: string): string {
  return `${listener}\n${route}`;
}

/** A listener as its binds see it. */
export interface NamedListener {
  readonly name: string;
  readonly protocol: ListenerConfig['protocol'];
}

/** The key of a bind. A port the system chooses belongs to its listener; a named one to nobody in particular. */
export function bindKey({ name, protocol }: NamedListener, address: Address): string {
  const place = protocol === 'udp' ? `udp ${formatAddress(address)}` : formatAddress(address);
  return address.kind === 'tcp' && address.port === 0 ? `${name} ${place}` : place;
}

function bindPlan(named: NamedListener, address: Address, inputs: PlanInputs): BindPlan {
  const key = bindKey(named, address);
  const about = { key, listener: named.name, isUdp: named.protocol === 'udp' };
  if (address.kind === 'unix') return { ...about, to: { path: address.path }, shared: false };
  const to: BindTarget = { host: address.host, port: address.port || (inputs.ports.get(key) ?? 0) };
  return { ...about, to, shared: inputs.reusePort };
}

/** Takes back the places of what this config no longer has. */
export function releaseSlots(config: Config, slots: SlotBook, nowMs: number): void {
  const pools = Object.entries(config.pools);
  const listeners = Object.entries(config.listeners);
  slots.backends.keepOnly(
    new Set(pools.flatMap(([name, pool]) => pool.backends.map((backend) => backendKey(name, backend)))),
    nowMs,
  );
  slots.pools.keepOnly(new Set(pools.map(([name]) => name)), nowMs);
  slots.listeners.keepOnly(new Set(listeners.map(([name, { protocol }]) => `${protocol} ${name}`)), nowMs);
  slots.splits.keepOnly(
    new Set(
      listeners.flatMap(([name, listener]) =>
        listener.protocol === 'http' ? listener.routes.map((route) => splitKey(name, route.name)) : [],
      ),
    ),
    nowMs,
  );
}

/** A tenth of the shortest time limit, so that none is noticed more than a tenth late, within bounds. */
function tickFor(config: Config): number {
  const pools = Object.values(config.pools);
  const limits = pools.flatMap(({ connect, queue }) => [connect.timeout, queue.max > 0 ? queue.timeout : 0]);
  for (const listener of Object.values(config.listeners)) {
    limits.push(...Object.values(listener.timeouts));
    if (listener.protocol === 'http') {
      limits.push(...listener.routes.map(({ timeout }) => timeout));
      limits.push(...listener.routes.map(({ retry }) => retry.perTry ?? 0));
      limits.push(...listener.routes.map(({ fault }) => (fault ? (fault.delay ?? 0) : 0)));
    }
  }
  const shortest = Math.min(...limits.filter((ms) => ms > 0), TICK_MS.longest * 10);
  return Math.max(TICK_MS.shortest, Math.min(TICK_MS.longest, Math.ceil(shortest / 10)));
}

/** The backends of both plans: while a config is brought in, those of the old one go on being watched. */
export function union(next: Planned, before: Planned | undefined): Planned['backends'] {
  const listed = new Set(next.backends.map(({ slot }) => slot));
  return [...next.backends, ...(before?.backends ?? []).filter(({ slot }) => !listed.has(slot))];
}
