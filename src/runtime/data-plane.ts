import { performance } from 'node:perf_hooks';
import { getSystemErrorName } from 'node:util';
import { type Bound, listen } from '../accept/listen.ts';
import { TlsDoor } from '../accept/tls-door.ts';
import { plainDialler } from '../connect/dialler.ts';
import { TlsDialler } from '../connect/tls-dialler.ts';
import { type AccessBatch, AccessBuffer } from '../observe/access-log.ts';
import { Meters } from '../observe/meters.ts';
import type { Backend } from '../pool/backend.ts';
import { BanTable } from '../pool/ban-table.ts';
import { LimitTable } from '../pool/limit-table.ts';
import { Pool } from '../pool/pool.ts';
import { QueueBell } from '../pool/queue.ts';
import { SessionTable } from '../pool/session-table.ts';
import { SharedTable } from '../pool/table.ts';
import type { ConnectionsShown, ConnectionsWanted, ConnectionView } from '../proxy/connection-view.ts';
import type { Connect, PoolSite, ProxyDeps } from '../proxy/deps.ts';
import { enter } from '../proxy/entrance.ts';
import { H2Dialler } from '../proxy/h2-dialler.ts';
import { HttpSite } from '../proxy/http-site.ts';
import { PoolMeters } from '../proxy/pool-meters.ts';
import { Pressure } from '../proxy/pressure.ts';
import { RequestTracer } from '../proxy/request-trace.ts';
import { resetHandle } from '../proxy/source-gate.ts';
import { TcpSite } from '../proxy/tcp-site.ts';
import { UdpSite } from '../proxy/udp-site.ts';
import { Upstreams } from '../proxy/upstreams.ts';
import { sharedNow, systemClock } from '../support/clock.ts';
import { Deadlines } from '../support/deadlines.ts';
import { FileRoom } from '../support/file-room.ts';
import type { AcceptedSocket } from '../support/socket-handle.ts';
import { afterTurn, LoopWatch, threadCpuMs } from './loop-watch.ts';
import type { BindPlan, FromWorker, PoolSitePlan, ToWorker, WorkerPlan, WorkerSeed } from './messages.ts';
import { RingSwitch } from './ring-switch.ts';
import { UdpPorts } from './udp-ports.ts';

/** A listener in this worker. */
type Site = HttpSite | TcpSite | UdpSite;

/** Bound sockets of a plan that is prepared and not yet in force; what they accept waits. */
interface Staged {
  readonly plan: WorkerPlan;
  readonly bound: Map<string, Bound>;
  readonly accepted: { readonly key: string; readonly socket: AcceptedSocket }[];
  /** By listener, for those that end TLS. */
  doors: ReadonlyMap<string, TlsDoor>;
}

/** What backends of HTTP/2 are offered over TLS. */
const ALPN_H2 = Buffer.from('\x02h2', 'latin1');
const ALPN_HTTP1 = Buffer.from('\x08http/1.1', 'latin1');

/** How often a draining worker looks whether its last connection is gone, in ms. */
const DRAIN_LOOK_MS = 20;

/**
 * One worker: its listeners, pools and connections under the plan in force. Taking a new plan has two steps, so that all
 * workers change together or none does: `prepare` binds what is new, `commit` swaps routes and pools and closes what is
 * no longer listed.
 */
export class DataPlane {
  readonly #tell: (message: FromWorker) => void;
  readonly #lane: number;
  readonly #deps: ProxyDeps;
  readonly #upstreams: Upstreams;
  readonly #bell: QueueBell;
  readonly #pools = new Map<string, PoolSite>();
  readonly #sites = new Map<string, Site>();
  /** Sites that are no longer listed and still have connections. */
  readonly #retired = new Set<Site>();
  readonly #bound = new Map<string, Bound>();
  readonly #udpPorts = new UdpPorts((listener, address, error) =>
    this.#listenerError(listener, `answers may not come from ${address}, for which there is no socket`, error),
  );
  #siteOfBind = new Map<string, Site>();
  #doors: ReadonlyMap<string, TlsDoor> = new Map();
  #staged: Staged | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #accessSample = 0;
  readonly #ring: RingSwitch;

  constructor(seed: WorkerSeed, tell: (message: FromWorker) => void) {
    this.#tell = tell;
    this.#lane = seed.lane;
    this.#ring = new RingSwitch(seed.ring, (set, obstacle) => tell({ type: 'io-uring', set, obstacle }));
    const now = (): number => performance.now();
    this.#deps = {
      table: new SharedTable(seed.table.size, seed.table.memory),
      sessions: new SessionTable(seed.sessions, Date.now),
      sources: new LimitTable(seed.limits.sources, seed.lane, sharedNow),
      rates: new LimitTable(seed.limits.rates, seed.lane, sharedNow),
      bans: new BanTable(seed.limits.bans, seed.lane, sharedNow),
      onBan: (ban) => tell({ type: 'banned', ban }),
      pressure: new Pressure({
        cpuNow: threadCpuMs,
        afterTurn,
        onChange: (shedding) => this.#overloaded(shedding),
      }),
      files: new FileRoom((listener) =>
        this.#listenerError(listener, 'clients are refused, to keep some files', 'EMFILE'),
      ),
      lane: seed.lane,
      deadlines: new Deadlines(now, setImmediate),
      meters: new Meters(seed.meters, seed.lane, (claim) => tell({ type: 'claim', claim }), [...seed.claims]),
      settings: { maxConnections: 0, access: undefined, tracing: undefined },
      now,
    };
    this.#upstreams = new Upstreams(this.#deps.deadlines);
    this.#bell = new QueueBell(this.#deps.table.queues, seed.lane);
    const beats = new Int32Array(seed.beats);
    const beat = (): void => void Atomics.add(beats, seed.lane, 1);
    new LoopWatch(this.#deps.pressure, this.#deps.meters, String(seed.lane), beat).start();
  }

  #overloaded(shedding: boolean): void {
    const { meters } = this.#deps;
    meters.cells[meters.gauge('overloaded', { worker: String(this.#lane) })] = shedding ? 1 : 0;
    this.#tell({ type: 'overload', shedding });
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'prepare':
        void this.#prepare(message.plan);
        return;
      case 'commit':
        return this.#commit(message.generation);
      case 'rollback':
        return this.#rollback(message.generation);
      case 'reuse':
        return this.#deps.meters.reuse(message.cells);
      case 'access-taken':
        return this.#deps.settings.access?.acknowledge();
      case 'spans-taken':
        return this.#deps.settings.tracing?.records.acknowledge();
      case 'show-connections':
        return this.#tell({ type: 'connections', ask: message.ask, shown: this.#shown(message.wanted) });
      case 'cut-source':
        return this.#cutSource(message.listener, message.network);
      case 'drain':
        return this.#drain();
      case 'cut':
        return this.#cut();
    }
  }

  /** Binds what the plan lists and is not bound yet; on failure nothing stays bound. */
  async #prepare(plan: WorkerPlan): Promise<void> {
    const staged: Staged = { plan, bound: new Map(), accepted: [], doors: new Map() };
    this.#staged = staged;
    try {
      staged.doors = this.#makeDoors(plan);
      for (const bind of plan.binds) {
        if (this.#bound.has(bind.key) || (this.#lane !== 0 && (bind.isUdp || !bind.shared))) continue;
        const bound = await this.#listen(bind);
        // It was rolled back meanwhile.
        if (this.#staged !== staged) return bound.close();
        staged.bound.set(bind.key, bound);
      }
      const ports = [...staged.bound].map(([key, bound]) => [key, bound.port] as const);
      this.#tell({ type: 'prepared', generation: plan.generation, ports });
    } catch (error) {
      this.#rollback(plan.generation);
      this.#tell({ type: 'prepare-failed', generation: plan.generation, error: (error as Error).message });
    }
  }

  #listen(bind: BindPlan): Promise<Bound> {
    const { key, listener, to } = bind;
    if (bind.isUdp && !('path' in to)) return this.#udpPorts.open(bind, to, () => this.#udpSiteOf(key));
    return listen(bind.to, bind.shared, {
      onHandle: (socket) => this.#accepted(key, socket),
      onAcceptError: (status) =>
        this.#listenerError(listener, 'a connection could not be accepted', getSystemErrorName(status)),
    });
  }

  #listenerError(listener: string, what: string, error: string): void {
    this.#tell({ type: 'listener-error', listener, what, error });
  }

  /** Reads and checks certificates before the plan comes into force; those that stay as they are need not be read again. */
  #makeDoors(plan: WorkerPlan): Map<string, TlsDoor> {
    const doors = new Map<string, TlsDoor>();
    for (const listener of plan.listeners) {
      if (listener.protocol === 'udp' || listener.tls === undefined) continue;
      const { name, tls } = listener;
      const now = this.#doors.get(name);
      doors.set(name, now?.plan.id === tls.id ? now : new TlsDoor(tls));
    }
    return doors;
  }

  #udpSiteOf(key: string): UdpSite | undefined {
    const site = this.#siteOfBind.get(key);
    return site instanceof UdpSite ? site : undefined;
  }

  #accepted(key: string, socket: AcceptedSocket): void {
    const site = this.#siteOfBind.get(key);
    if (site === undefined || site instanceof UdpSite) {
      if (this.#staged !== undefined) this.#staged.accepted.push({ key, socket });
      else resetHandle(socket);
      return;
    }
    enter(site, this.#doors.get(site.name), socket);
  }

  #rollback(generation: number): void {
    const staged = this.#staged;
    if (staged?.plan.generation !== generation) return;
    this.#staged = undefined;
    for (const bound of staged.bound.values()) bound.close();
    for (const { socket } of staged.accepted) resetHandle(socket);
  }

  /** The prepared plan comes into force, in one turn of the event loop. */
  #commit(generation: number): void {
    const staged = this.#staged;
    if (staged?.plan.generation !== generation) return;
    this.#staged = undefined;
    const { plan } = staged;
    this.#applySettings(plan);
    this.#applyPools(plan.pools);
    this.#applyListeners(plan);
    this.#releaseCells(plan);
    this.#doors = staged.doors;
    for (const [key, bound] of staged.bound) this.#bound.set(key, bound);
    this.#siteOfBind = new Map(plan.binds.map((bind) => [bind.key, this.#sites.get(bind.listener)!]));
    for (const [key, bound] of this.#bound) {
      if (this.#siteOfBind.has(key)) continue;
      this.#bound.delete(key);
      bound.close();
    }
    for (const { key, socket } of staged.accepted) this.#accepted(key, socket);
    this.#tell({ type: 'committed', generation });
  }

  #applySettings(plan: WorkerPlan): void {
    const { settings, deadlines } = this.#deps;
    settings.maxConnections = plan.maxConnections;
    this.#ring.turn(plan.ioUring);
    if (plan.tracing !== undefined)
      settings.tracing ??= new RequestTracer(plan.tracing, { records: this.#records('spans', 1), random: Math.random });
    if (plan.accessSample !== this.#accessSample) this.#startAccessLog(plan.accessSample);
    if (this.#sweep !== undefined && deadlines.tickMs === plan.tickMs) return;
    clearTimeout(this.#sweep);
    deadlines.tickMs = plan.tickMs;
    // The first connections come before the next step, and their deadlines count from the last.
    this.#sweepOn();
  }

  readonly #sweepOn = (): void => {
    this.#sweep = setTimeout(this.#sweepOn, this.#deps.deadlines.step());
  };

  #records(type: 'access' | 'spans', sample: number): AccessBuffer {
    const post = (batch: AccessBatch): void => this.#tell({ type, batch });
    return new AccessBuffer({ sample, post, clock: systemClock, random: Math.random });
  }

  #startAccessLog(sample: number): void {
    const { settings } = this.#deps;
    settings.access?.flush();
    this.#accessSample = sample;
    settings.access = sample === 0 ? undefined : this.#records('access', sample);
  }

  #applyPools(plans: readonly PoolSitePlan[]): void {
    const listed = new Set(plans.map(({ pool }) => pool.name));
    for (const name of this.#pools.keys()) if (!listed.has(name)) this.#pools.delete(name);
    for (const plan of plans) {
      const site = this.#pools.get(plan.pool.name);
      if (site === undefined || site.pool.number !== plan.pool.number) {
        this.#pools.set(plan.pool.name, this.#makePool(plan));
        continue;
      }
      site.pool.reconcile(plan.pool);
      site.meters.keep(site.pool.backends);
      this.#reconnect(site, plan);
      site.hashKey = plan.hashKey;
    }
    const current = new Set<Backend>([...this.#pools.values()].flatMap(({ pool }) => pool.backends));
    this.#upstreams.prune(current);
  }

  /** Gives up what is counted of backends that left a while ago. */
  #releaseCells({ countedBackends }: WorkerPlan): void {
    const cells = this.#deps.meters.keepBackends(new Set(countedBackends));
    if (cells.length > 0) this.#tell({ type: 'released', cells });
  }

  #makePool(plan: PoolSitePlan): PoolSite {
    const { table, lane, meters } = this.#deps;
    const { name } = plan.pool;
    const observer = new PoolMeters(meters, name, (trouble) => this.#tell({ type: 'trouble', pool: name, trouble }));
    const pool = new Pool(plan.pool, { table, lane, observer, random: Math.random, now: sharedNow, bell: this.#bell });
    return { pool, meters: observer, connect: this.#connect(plan), hashKey: plan.hashKey };
  }

  /** Takes another way of connecting; with other TLS, connections that were kept are of no more use. */
  #reconnect(site: PoolSite, plan: PoolSitePlan): void {
    const { dialler } = site.connect;
    const beneath = dialler instanceof H2Dialler ? dialler.beneath : dialler;
    const sameTls = (beneath instanceof TlsDialler ? beneath.plan.id : undefined) === plan.connect.tls?.id;
    const same = sameTls && dialler instanceof H2Dialler === (plan.connect.http2 === true);
    site.connect = same && dialler !== undefined ? { ...plan.connect, dialler } : this.#connect(plan);
    if (same && dialler instanceof H2Dialler) dialler.limits = plan.connect;
    if (same) return;
    this.#upstreams.dropKept(site.pool.backends);
    if (dialler instanceof H2Dialler) dialler.retire();
  }

  #connect({ pool: { name: pool }, connect }: PoolSitePlan): Connect {
    const { tls, http2 } = connect;
    if (tls === undefined && http2 !== true) return connect;
    const onFailure = (name: string, cause: string): void => this.#tell({ type: 'tls-failure', pool, name, cause });
    const alpn = http2 === true ? ALPN_H2 : undefined;
    const dialler = tls === undefined ? plainDialler : new TlsDialler(tls, onFailure, alpn);
    if (http2 !== true) return { ...connect, dialler };
    // A backend that does not speak HTTP/1.1 has failed at nothing it was asked for.
    const http1 = tls && new TlsDialler(tls, () => {}, ALPN_HTTP1);
    return { ...connect, dialler: new H2Dialler(dialler, http1, this.#deps.deadlines, connect) };
  }

  #applyListeners(plan: WorkerPlan): void {
    const listed = new Map(plan.listeners.map((listener) => [listener.name, listener]));
    for (const [name, site] of this.#sites) {
      if (listed.get(name)?.number !== site.number) this.#retire(name, site);
    }
    for (const listener of plan.listeners) {
      const site = this.#sites.get(listener.name);
      if (site instanceof HttpSite && listener.protocol === 'http') site.update(listener, this.#pools);
      else if (site instanceof TcpSite && listener.protocol === 'tcp') site.update(listener, this.#pools);
      else if (site instanceof UdpSite && listener.protocol === 'udp') site.update(listener, this.#pools);
      else this.#sites.set(listener.name, this.#makeSite(listener));
    }
    // What a listener had before it was taken out and came back is its own too.
    for (const site of this.#retired) {
      const now = listed.get(site.name);
      if (now !== undefined) site.shutOut(now.sources);
    }
  }

  #makeSite(listener: WorkerPlan['listeners'][number]): Site {
    if (listener.protocol === 'udp') return new UdpSite(this.#deps, listener, this.#pools);
    return listener.protocol === 'http'
      ? new HttpSite(this.#deps, this.#upstreams, listener, this.#pools)
      : new TcpSite(this.#deps, listener, this.#pools);
  }

  #retire(name: string, site: Site): void {
    this.#sites.delete(name);
    for (const retired of this.#retired) if (retired.size === 0) this.#retired.delete(retired);
    if (site.size > 0) this.#retired.add(site);
    site.drain();
  }

  /** Stops accepting, lets what is under way finish, and says when nothing is left. */
  #drain(): void {
    for (const bound of this.#bound.values()) bound.close();
    this.#bound.clear();
    const sites = [...this.#sites.values(), ...this.#retired];
    for (const site of sites) site.drain();
    const look = setInterval(() => {
      if (sites.some((site) => site.size > 0)) return;
      clearInterval(look);
      this.#deps.settings.access?.flush();
      this.#deps.settings.tracing?.records.flush();
      this.#tell({ type: 'drained' });
    }, DRAIN_LOOK_MS);
  }

  /** What connections there are, a bounded part of them, so that asking never holds the others up. */
  #shown({ limit, offset, listener, protocol }: ConnectionsWanted): ConnectionsShown {
    const all = [...this.#sites.values(), ...this.#retired].filter(
      (site) =>
        (listener === undefined || site.name === listener) && (protocol === undefined || site.protocol === protocol),
    );
    const open: ConnectionView[] = [];
    for (const site of all) open.push(...site.shown(offset + limit - open.length));
    const ended = all.flatMap((site) => (site instanceof HttpSite ? [] : site.lately(limit)));
    return { total: all.reduce((sum, { size }) => sum + size, 0), open, ended };
  }

  /** A source was banned from a listener: its connections end, also those of former versions of the listener. */
  #cutSource(listener: string, network: string): void {
    for (const site of [...this.#sites.values(), ...this.#retired]) {
      if (!(site instanceof UdpSite) && site.name === listener) site.guard?.cut(network);
    }
  }

  #cut(): void {
    for (const site of [...this.#sites.values(), ...this.#retired]) site.cut();
  }
}
