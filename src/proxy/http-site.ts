import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { TlsListenerPlan } from '../accept/tls-context.ts';
import { parseRequestHead, RequestHead } from '../http1/request-head.ts';
import type { CutReason } from '../relay/tunnel.ts';
import { compile, type Router } from '../route/compile.ts';
import type { MatchConfig } from '../route/rule.ts';
import { createSplit } from '../route/split.ts';
import { type CidrSet, cidrSet } from '../support/cidr.ts';
import { type Member, Members } from '../support/members.ts';
import type { Wire } from '../support/wire.ts';
import { type Arrival, Arrivals } from './arrivals.ts';
import type { ConnectionView } from './connection-view.ts';
import type { PoolSite, ProxyDeps } from './deps.ts';
import { H2Connection } from './h2-connection.ts';
import { HeadFacts } from './head-facts.ts';
import type { HeldBody } from './held-body.ts';
import { HttpConnection, type HttpOwner } from './http-connection.ts';
import type { CopiedRequest, HttpLimits, HttpTimeouts, RequestCopy } from './http-context.ts';
import type { Complaint } from './http-policy.ts';
import type { Exchange } from './http-proxy.ts';
import { ListenerMeters } from './listener-meters.ts';
import { Mirror } from './mirror.ts';
import { RateLimit } from './rate-limit.ts';
import { NOT_TO_A_POOL, type RouteLeads, type RoutePlan, RouteSite } from './route-site.ts';
import {
  bannedComplaint,
  cutDenied,
  gateFor,
  type SourceGate,
  type SourcePlan,
  type SourceRefusal,
  sourceComplaints,
} from './source-gate.ts';
import { type GuardPlan, SourceGuard } from './source-guard.ts';
import { Sticky, type StickyPlan } from './sticky.ts';
import { TlsEntrance } from './tls-entrance.ts';
import type { Upstreams } from './upstreams.ts';

/** What a worker must know of an http listener: plain data, sent from the control plane. */
export interface HttpListenerPlan {
  readonly protocol: 'http';
  readonly name: string;
  /** Its number in the shared table. */
  readonly number: number;
  readonly timeouts: HttpTimeouts;
  readonly limits: HttpLimits;
  readonly sources: SourcePlan;
  /** Undefined where nothing is held against sources. */
  readonly guard: GuardPlan | undefined;
  readonly trustProxies: readonly string[];
  /** A PROXY header comes before everything else. */
  readonly proxyProtocol: boolean;
  /** Undefined for a listener in the clear. */
  readonly tls: TlsListenerPlan | undefined;
  readonly routes: readonly { readonly match: MatchConfig; readonly plan: RoutePlan }[];
}

/** A connection that has been idle so long is closed at once when a drain begins; a busy one after its answer. */
const DRAIN_IDLE_MS = 1000;

/** Parsing happens synchronously, so one head serves all connections of the thread. */
const requestHead = new RequestHead();
const requestFacts = new HeadFacts(requestHead);

/** A client's connection, of whatever version. */
interface ClientConnection extends Member {
  /** The address of the peer; '' where there is none. */
  readonly peer: string;
  /** An exchange under way; undefined when there is none. */
  readonly work: Exchange | undefined;
  drain(idleMs: number): void;
  cut(ended?: CutReason): void;
}

/** An http listener in one worker: its settings as of the last reload, and the connections it has. */
export class HttpSite implements HttpOwner {
  readonly protocol = 'http';
  readonly deps: ProxyDeps;
  readonly upstreams: Upstreams;
  readonly meters: ListenerMeters;
  readonly entrance: TlsEntrance;
  readonly head = requestHead;
  /** Where requests are counted that no route took. */
  readonly nowhere: RouteSite;
  draining = false;
  /** Undefined when nothing is asked of sources. */
  gate: SourceGate | undefined;
  /** Undefined when nothing is held against sources. */
  guard: SourceGuard | undefined;
  #plan: HttpListenerPlan;
  #router: Router<RouteSite>;
  #trusted: CidrSet;
  /** By the routes that have one, as of the last reload. */
  readonly #mirrors = new WeakMap<RouteSite, Mirror>();
  /** Connections that are not served yet. */
  readonly arrivals = new Arrivals(this);
  readonly #connections = new Members<ClientConnection>();
  readonly #idPrefix = randomBytes(8).toString('hex');
  #idCounter = 0;

  constructor(deps: ProxyDeps, upstreams: Upstreams, plan: HttpListenerPlan, pools: ReadonlyMap<string, PoolSite>) {
    this.deps = deps;
    this.upstreams = upstreams;
    this.meters = new ListenerMeters(deps.meters, plan.name);
    this.entrance = new TlsEntrance(this, true);
    this.nowhere = new RouteSite(deps.meters, plan.name, {
      name: '',
      action: { kind: 'respond', status: 404, body: '' },
      timeoutMs: 0,
      retry: { attempts: 1, onConnect: false, onReset: false },
      paths: [],
      headers: {},
    });
    this.#plan = plan;
    this.#router = this.#compile(plan, pools);
    this.#trusted = cidrSet(plan.trustProxies);
    this.gate = this.#gateOf(plan.sources);
    this.guard = this.#guardOf(plan);
  }

  #guardOf({ name, guard: plan }: HttpListenerPlan): SourceGuard | undefined {
    if (plan === undefined) return undefined;
    const { bans, rates, onBan } = this.deps;
    const guard = new SourceGuard(plan, {
      bans,
      rates,
      onBan,
      listener: name,
      trusts: (source) => this.trusts(source),
    });
    for (const connection of this.#connections.all()) guard.watch(connection, connection.peer);
    return guard;
  }

  #gateOf(sources: SourcePlan): SourceGate | undefined {
    const parts = { table: this.deps.sources, listener: this.name, trusts: (source: string) => this.trusts(source) };
    return gateFor(sources, parts);
  }

  /** Takes new settings: they hold from the next request on, also on connections that are open. */
  update(plan: HttpListenerPlan, pools: ReadonlyMap<string, PoolSite>): void {
    this.#plan = plan;
    this.#router = this.#compile(plan, pools);
    this.#trusted = cidrSet(plan.trustProxies);
    this.guard = this.#guardOf(plan);
    this.arrivals.watchAll();
    this.shutOut(plan.sources);
  }

  /** Takes what is asked of sources, and ends what there is of those that are not let in any more. */
  shutOut(sources: SourcePlan): void {
    this.gate = this.#gateOf(sources);
    this.arrivals.cutDenied(this.gate);
    cutDenied(this.gate, this.#connections.all(), ({ peer }) => peer);
  }

  #compile(plan: HttpListenerPlan, pools: ReadonlyMap<string, PoolSite>): Router<RouteSite> {
    return compile(
      plan.routes.map(({ match, plan: route }) => ({
        name: route.name,
        match,
        payload: this.#routeSite(route, plan.name, pools),
      })),
    );
  }

  #routeSite(plan: RoutePlan, listener: string, pools: ReadonlyMap<string, PoolSite>): RouteSite {
    const { meters } = this.deps;
    const limit = plan.rateLimit && new RateLimit(plan.rateLimit, this.deps.rates, `${listener}\n${plan.name}`);
    const route = new RouteSite(meters, listener, plan, { ...this.#leads(plan, pools), rateLimit: limit });
    if (plan.mirror === undefined) return route;
    const { pool, share } = plan.mirror;
    const labels = { listener, route: plan.name };
    const parts = { meters, labels, pool: pools.get(pool)!, share, timeoutMs: plan.timeoutMs, random: Math.random };
    this.#mirrors.set(route, new Mirror(parts));
    return route;
  }

  /** Copies the request whose head was just parsed to the route's mirror, if it is one to be copied. */
  mirror(route: RouteSite, request: CopiedRequest): RequestCopy | undefined {
    return this.#mirrors.get(route)?.copy(this, request);
  }

  /** How a route comes to a pool, the only one or the next turn of its split, and to the backend where a session is. */
  #leads(route: RoutePlan, pools: ReadonlyMap<string, PoolSite>): RouteLeads {
    if (route.action.kind !== 'pool') return NOT_TO_A_POOL;
    const { split, splitNumber } = route.action;
    const shares = split.map(({ pool, weight }) => ({ value: pools.get(pool)!, weight }));
    const sites = [...new Set(shares.map(({ value }) => value))];
    const sticky = route.sticky && this.#sticky(route.name, route.sticky, sites);
    const [only] = sites;
    if (split.length === 1) return { choosePool: () => only, sticky };
    return { choosePool: createSplit(shares, () => this.deps.table.nextSplit(splitNumber)), sticky };
  }

  #sticky(route: string, plan: StickyPlan, sites: readonly PoolSite[]): Sticky {
    const { sessions, meters } = this.deps;
    const labels = { listener: this.name, route };
    return new Sticky(plan, sites, { sessions, meters, labels, secure: this.proto === 'https', wallNow: Date.now });
  }

  get timeouts(): HttpTimeouts {
    return this.#plan.timeouts;
  }

  get limits(): HttpLimits {
    return this.#plan.limits;
  }

  get proto(): 'http' | 'https' {
    return this.#plan.tls === undefined ? 'http' : 'https';
  }

  get expectsProxyHeader(): boolean {
    return this.#plan.proxyProtocol;
  }

  /** How long a PROXY header may take, in ms; 0 for no limit. */
  get openingMs(): number {
    return this.#plan.timeouts.header;
  }

  get name(): string {
    return this.#plan.name;
  }

  /** The route for the head just parsed, from a client at `source`. */
  route(source: string): RouteSite | undefined {
    return this.#router.route(requestFacts.load(source))?.payload;
  }

  get bodyWanted(): number {
    return this.#router.bodyWanted;
  }

  /** The route for a request whose body is held; its head is parsed anew, since others have been in its place. */
  routeHeld(source: string, held: HeldBody): RouteSite | undefined | 'more' {
    while (held.enough) {
      const bytes = Buffer.from(held.head, 'latin1');
      parseRequestHead(requestHead, bytes, { start: 0, end: bytes.length }, bytes.length);
      const route = this.#router.route(requestFacts.load(source, held))?.payload;
      if (route !== undefined || this.bodyWanted === 0) return route;
      held.wanted = this.bodyWanted;
    }
    return 'more';
  }

  /** True when what this peer says of the client is believed. */
  trusts(peer: string): boolean {
    return this.#trusted.size > 0 && this.#trusted.has(peer);
  }

  refused(reason: string, source: string): void {
    this.meters.refused(reason);
    this.guard?.note(reason, source);
  }

  shutsOut(source: string): Complaint | undefined {
    if (this.gate?.forbids(source) === true) return sourceComplaints.forbidden;
    return this.guard?.bars(source) === true ? bannedComplaint : undefined;
  }

  /** An id for a request that came without one: unique over all workers and restarts. */
  readonly makeId = (): string => {
    this.#idCounter = (this.#idCounter + 1) >>> 0;
    return this.#idPrefix + this.#idCounter.toString(16).padStart(8, '0');
  };

  /** accept: a connection over the limits gets a short answer and is closed. */
  accept(wire: Wire): void {
    if (this.admit()) this.begin(wire);
    else new HttpConnection(this, wire).turnAway({ code: 'saturated', cause: 'too many connections' });
  }

  /** Ends a connection that is refused for its source: with an answer, unless a handshake would have to come before it. */
  bar(wire: Wire, refusal: SourceRefusal): void {
    this.meters.refused(refusal);
    if (this.#plan.tls !== undefined) wire.reset();
    else new HttpConnection(this, wire).turnAway(sourceComplaints[refusal]);
  }

  /** Takes a place for a connection; false when there is none. */
  admit(): boolean {
    const limits = { listener: this.#plan.limits.connections, process: this.deps.settings.maxConnections };
    const admitted = this.deps.table.admit(this.#plan.number, this.deps.lane, limits);
    if (admitted) this.meters.opened();
    else this.meters.refused('saturated');
    return admitted;
  }

  /** Serves a connection that was admitted, and is no arrival any more; `early` is what was read from it already. */
  begin(wire: Wire, arrival?: Arrival, early?: Buffer): void {
    arrival?.served();
    // It may have been banned during its handshake.
    if (this.guard?.bars(wire.remoteAddress ?? '') === true) {
      this.meters.refused('banned');
      wire.reset();
      return this.leave();
    }
    if (wire.alpnProtocol === 'h2') return this.#beginHttp2(wire, undefined);
    const connection = new HttpConnection(this, wire);
    this.#add(connection);
    connection.start();
    if (early !== undefined && early.length > 0) connection.onBytes(early, early.length);
    if (this.draining) connection.drain(DRAIN_IDLE_MS);
  }

  becomeHttp2(connection: HttpConnection, bytes: Buffer): void {
    this.#connections.remove(connection);
    this.guard?.forget(connection);
    this.#beginHttp2(connection.wire, bytes);
  }

  #beginHttp2(wire: Wire, bytes: Buffer | undefined): void {
    const connection = new H2Connection(this, wire);
    this.#add(connection);
    connection.start(bytes);
    if (this.draining) connection.drain();
  }

  #add(connection: ClientConnection): void {
    this.#connections.add(connection);
    this.guard?.watch(connection, connection.peer);
  }

  /** Gives the place of an admitted connection back. */
  leave(): void {
    this.deps.table.leave(this.#plan.number, this.deps.lane);
    this.meters.closed();
  }

  /** An admitted connection is over. */
  closed(connection: ClientConnection): void {
    if (!this.#connections.remove(connection)) return;
    this.guard?.forget(connection);
    this.leave();
  }

  get number(): number {
    return this.#plan.number;
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size + this.arrivals.size;
  }

  /** At most so many of the connections that are open. */
  shown(limit: number): ConnectionView[] {
    const arrivals = this.arrivals.shown(limit, 'http');
    const connections = this.#connections.first(limit - arrivals.length);
    return [...arrivals, ...connections.map((connection) => this.#view(connection))];
  }

  #view(connection: ClientConnection): ConnectionView {
    const { work, peer } = connection;
    const open = this.draining ? 'draining' : 'established';
    return {
      listener: this.name,
      protocol: 'http',
      pool: work?.pool?.pool.name ?? null,
      backend: work?.backend?.id ?? null,
      client: peer === '' ? null : peer,
      phase: work === undefined ? 'idle' : open,
      ageMs: work === undefined ? null : this.deps.now() - work.startedAt,
      requests: connection instanceof H2Connection ? connection.requests : Number(work !== undefined),
      connectMs: null,
      bytesIn: work?.request.bytesIn ?? 0,
      bytesOut: work?.bytesOut ?? 0,
      ended: null,
      endedAt: null,
    };
  }

  /** Ends idle connections soon and the others after the answer under way. */
  drain(): void {
    this.draining = true;
    for (const connection of this.#connections.all()) connection.drain(DRAIN_IDLE_MS);
  }

  /** Ends what is left when a drain's time is up. */
  cut(): void {
    this.arrivals.cut();
    for (const connection of this.#connections.all()) connection.cut();
  }
}
