import type { Buffer } from 'node:buffer';
import { type ClientHello, hostName } from '../accept/client-hello.ts';
import type { TlsListenerPlan } from '../accept/tls-context.ts';
import type { PickHint } from '../pick/balancer.ts';
import type { TunnelTimeouts } from '../relay/tunnel.ts';
import { type TcpMatch, TcpRoutes } from '../route/tcp-routes.ts';
import { Members } from '../support/members.ts';
import type { Wire } from '../support/wire.ts';
import { type Arrival, Arrivals } from './arrivals.ts';
import { presentName } from './client-ends.ts';
import { type ConnectionView, EndedRing } from './connection-view.ts';
import type { PoolSite, ProxyDeps } from './deps.ts';
import { readHello, refuseUnrouted } from './hello-entrance.ts';
import { ListenerMeters } from './listener-meters.ts';
import { PhaseMeters } from './phase-meters.ts';
import { cutDenied, gateFor, type SourceGate, type SourcePlan, type SourceRefusal } from './source-gate.ts';
import { type GuardPlan, SourceGuard } from './source-guard.ts';
import { type Begun, TcpConnection, type TcpEnd, type TcpOwner } from './tcp-proxy.ts';
import { TlsEntrance } from './tls-entrance.ts';

/** What a worker must know of a tcp listener: plain data, sent from the control plane. */
export interface TcpListenerPlan {
  readonly protocol: 'tcp';
  readonly name: string;
  /** Its number in the shared table. */
  readonly number: number;
  readonly timeouts: TunnelTimeouts & {
    /** For what comes before the relaying, in ms; 0 for no limit. */
    readonly openingMs: number;
  };
  /** 0 for no limit. */
  readonly maxConnections: number;
  readonly sources: SourcePlan;
  /** Undefined where nothing is held against sources. */
  readonly guard: GuardPlan | undefined;
  /** A PROXY header comes before everything else. */
  readonly proxyProtocol: boolean;
  /** The first that fits wins; one without conditions takes everything. */
  readonly routes: readonly { readonly match: TcpMatch; readonly pool: string }[];
  /** Undefined for a listener in the clear. */
  readonly tls: TlsListenerPlan | undefined;
}

const NO_HINT: PickHint = {};

/** Where a route leads, and what counts that it was taken. */
interface Destination {
  readonly pool: PoolSite;
  readonly taken: () => void;
}

/** A tcp listener in one worker: its settings as of the last reload, and the connections it has. */
export class TcpSite implements TcpOwner {
  readonly protocol = 'tcp';
  readonly deps: ProxyDeps;
  readonly meters: ListenerMeters;
  readonly phases: PhaseMeters;
  readonly entrance: TlsEntrance;
  /** Undefined when nothing is asked of sources. */
  gate: SourceGate | undefined;
  /** Undefined when nothing is held against sources. */
  guard: SourceGuard | undefined;
  #plan!: TcpListenerPlan;
  #routes!: TcpRoutes<Destination>;
  /** Where everything goes, when there is nothing to choose. */
  #only: Destination | undefined;
  /** Connections that are not served yet. */
  readonly arrivals = new Arrivals(this);
  readonly #connections = new Members<TcpConnection>();
  readonly #ended = new EndedRing();
  #draining = false;

  constructor(deps: ProxyDeps, plan: TcpListenerPlan, pools: ReadonlyMap<string, PoolSite>) {
    this.deps = deps;
    this.meters = new ListenerMeters(deps.meters, plan.name);
    this.phases = new PhaseMeters(deps.meters, plan.name);
    this.entrance = new TlsEntrance(this, false);
    this.update(plan, pools);
  }

  /** Takes new settings; connections that are open keep those they began with, but are not kept when their source is denied. */
  update(plan: TcpListenerPlan, pools: ReadonlyMap<string, PoolSite>): void {
    this.#plan = plan;
    this.guard = this.#guardOf(plan);
    this.arrivals.watchAll();
    const routes = plan.routes.map(({ match, pool }, index) => ({
      match,
      payload: { pool: pools.get(pool)!, taken: this.meters.routed(index, pool) },
    }));
    this.#routes = new TcpRoutes(routes);
    const first = routes[0]!;
    this.#only = Object.keys(first.match).length === 0 ? first.payload : undefined;
    this.shutOut(plan.sources);
  }

  /** Takes what is asked of sources, and ends what there is of those that are not let in any more. */
  shutOut(sources: SourcePlan): void {
    this.gate = gateFor(sources, { table: this.deps.sources, listener: this.name });
    this.arrivals.cutDenied(this.gate);
    cutDenied(this.gate, this.#connections.all(), ({ client }) => client.remoteAddress ?? '');
  }

  #guardOf({ name: listener, guard: plan }: TcpListenerPlan): SourceGuard | undefined {
    if (plan === undefined) return undefined;
    const { bans, rates, onBan } = this.deps;
    const guard = new SourceGuard(plan, { bans, rates, onBan, listener });
    for (const connection of this.#connections.all()) guard.watch(connection, connection.client.remoteAddress ?? '');
    return guard;
  }

  get timeouts(): TunnelTimeouts {
    return this.#plan.timeouts;
  }

  get expectsProxyHeader(): boolean {
    return this.#plan.proxyProtocol;
  }

  get openingMs(): number {
    return this.#plan.timeouts.openingMs;
  }

  /** accept: a connection over the limits is reset at once. */
  accept(wire: Wire): void {
    if (this.admit()) this.begin(wire);
    else wire.reset();
  }

  /** Ends a connection that is refused for its source. */
  bar(wire: Wire, refusal: SourceRefusal): void {
    this.meters.refused(refusal);
    wire.reset();
  }

  /** Counts something that is refused, under this reason, of a client at `source`. */
  refused(reason: string, source: string): void {
    this.meters.refused(reason);
    this.guard?.note(reason, source);
  }

  /** Takes a place for a connection; false when there is none. */
  admit(): boolean {
    const limits = { listener: this.#plan.maxConnections, process: this.deps.settings.maxConnections };
    const admitted = this.deps.table.admit(this.#plan.number, this.deps.lane, limits);
    if (admitted) this.meters.opened();
    else this.meters.refused('saturated');
    return admitted;
  }

  /** Gives the place of an admitted connection back. */
  leave(): void {
    this.deps.table.leave(this.#plan.number, this.deps.lane);
    this.meters.closed();
  }

  /** Serves a connection that was admitted, and is no arrival any more; `early` is what was read from it already. */
  begin(wire: Wire, arrival?: Arrival, early?: Buffer): void {
    // It may have been banned during its handshake.
    if (this.guard?.bars(wire.remoteAddress ?? '') === true) {
      this.meters.refused('banned');
      wire.reset();
      arrival?.served();
      return this.leave();
    }
    if (this.#only !== undefined) return this.#relay(wire, this.#only, { arrival, early });
    if (this.#plan.tls !== undefined) return this.#route(wire, shownBy(wire), { arrival, early });
    if (!this.#routes.readsHello) return this.#route(wire, undefined, { arrival, early });
    this.#readHello(wire, arrival ?? this.arrivals.add(wire.remoteAddress ?? '', wire), early);
  }

  #readHello(wire: Wire, arrival: Arrival, early: Buffer | undefined): void {
    readHello(
      wire,
      {
        deadlines: this.deps.deadlines,
        limitMs: this.openingMs,
        onHello: (opened, hello, all) => {
          if (hello !== undefined) presentName(opened, hello.serverName);
          this.#route(opened, hello, { arrival, early: all });
        },
        onNoHello: (reason) => {
          if (reason !== undefined) this.refused(reason, arrival.source);
          arrival.left();
        },
      },
      early,
    );
  }

  #route(wire: Wire, hello: ClientHello | undefined, begun: Begun): void {
    const target = this.#routes.route({ source: wire.remoteAddress ?? '', hello });
    if (target !== undefined) return this.#relay(wire, target, begun);
    this.refused('no-route', wire.remoteAddress ?? '');
    begun.arrival?.served();
    this.leave();
    // TLS that has been ended here has no use for an alert of ours.
    if (this.#plan.tls !== undefined) wire.destroy();
    else refuseUnrouted(wire, hello);
  }

  #relay(wire: Wire, { pool, taken }: Destination, begun: Begun): void {
    begun.arrival?.served();
    taken();
    // Asked now for the log, since a socket that is closed no longer knows its peer.
    if (this.deps.settings.access !== undefined) void wire.remoteAddress;
    const connection = new TcpConnection(this, wire, pool, begun);
    this.#connections.add(connection);
    this.guard?.watch(connection, wire.remoteAddress ?? '');
    connection.start();
  }

  /** L4 knows of a client its address only. */
  hintFor(client: Wire, target: PoolSite): PickHint {
    return target.hashKey === undefined ? NO_HINT : { key: client.remoteAddress };
  }

  /** The connection is over. */
  ended(connection: TcpConnection, ended: TcpEnd): void {
    this.#connections.remove(connection);
    this.guard?.forget(connection);
    this.leave();
    const how = inOrder(connection, ended);
    this.phases.ended(how);
    this.#ended.add(this.#view(connection, how));
    const { access } = this.deps.settings;
    if (access === undefined || !access.sampled()) return;
    const { startedAt, backend, client, target, bytesIn, bytesOut, queueMs, connectMs, dials } = connection;
    const durationMs = this.deps.now() - startedAt;
    access.push({
      kind: 'connection',
      time: Date.now() - durationMs,
      listener: this.#plan.name,
      pool: target.pool.name,
      backend: backend?.id ?? '',
      client: client.remoteAddress ?? '',
      bytesIn,
      bytesOut,
      durationMs,
      queueMs,
      connectMs,
      attempts: dials,
      ended,
    });
  }

  get name(): string {
    return this.#plan.name;
  }

  get number(): number {
    return this.#plan.number;
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size + this.arrivals.size;
  }

  /** L4 connections end when their sides end them: a drain only waits. */
  drain(): void {
    this.#draining = true;
    this.phases.drain();
  }

  /** At most so many of the connections that are open. */
  shown(limit: number): ConnectionView[] {
    const arrivals = this.arrivals.shown(limit, 'tcp');
    const connections = this.#connections.first(limit - arrivals.length);
    return [...arrivals, ...connections.map((connection) => this.#view(connection))];
  }

  /** The connections that ended last, the latest first. */
  lately(limit: number): ConnectionView[] {
    return this.#ended.latest(limit);
  }

  #view(connection: TcpConnection, ended?: string): ConnectionView {
    const { backend, client, target, phase, connectMs, bytesIn, bytesOut } = connection;
    const open = this.#draining && phase === 'established' ? 'draining' : phase;
    return {
      listener: this.#plan.name,
      protocol: 'tcp',
      pool: target.pool.name,
      backend: backend?.id ?? null,
      client: client.remoteAddress ?? null,
      phase: ended === undefined ? open : 'closed',
      ageMs: this.deps.now() - connection.startedAt,
      requests: null,
      connectMs: phase === 'connecting' ? null : connectMs,
      bytesIn,
      bytesOut,
      ended: ended ?? null,
      endedAt: ended === undefined ? null : Date.now(),
    };
  }

  /** Ends what is left when a drain's time is up. */
  cut(): void {
    this.arrivals.cut();
    for (const connection of this.#connections.all()) connection.cut();
  }
}

const finOf = { client: 'client-fin', backend: 'backend-fin' } as const;

/** An end in order is told by the side that sent its FIN first. */
function inOrder({ firstFin }: TcpConnection, ended: TcpEnd): string {
  return ended === 'closed' && firstFin !== undefined ? finOf[firstFin] : ended;
}

/** What the handshake of TLS that was ended here has shown. */
function shownBy({ servername, alpnProtocol }: Wire): ClientHello {
  return { serverName: hostName(servername || ''), alpn: alpnProtocol ? [alpnProtocol] : [] };
}
