import type { PickHint } from '../pick/balancer.ts';
import { Members } from '../support/members.ts';
import { unmapped } from '../support/proxied.ts';
import type { UdpSource } from '../support/udp-wire.ts';
import { type ConnectionView, EndedRing } from './connection-view.ts';
import type { PoolSite, ProxyDeps } from './deps.ts';
import { ListenerMeters } from './listener-meters.ts';
import { PhaseMeters } from './phase-meters.ts';
import { gateFor, type SourceGate, type SourcePlan } from './source-gate.ts';
import { type UdpDoor, type UdpEnd, UdpFlow, type UdpOwner } from './udp-proxy.ts';
import { LastDatagrams } from './unanswered.ts';

/** What a worker must know of a udp listener: plain data, sent from the control plane. */
export interface UdpListenerPlan {
  readonly protocol: 'udp';
  readonly name: string;
  /** Its number in the shared table. */
  readonly number: number;
  /** How long a flow lives without a datagram either way, in ms. */
  readonly idleMs: number;
  /** Flows at a time, 0 for no limit. */
  readonly maxConnections: number;
  readonly sources: SourcePlan;
  readonly pool: string;
}

const NO_HINT: PickHint = {};

/** A flow that has been silent so long ends when a drain begins, in ms. */
const DRAIN_IDLE_MS = 2000;

/** A udp listener in one worker: its settings as of the last reload, and the flows it has. */
export class UdpSite implements UdpOwner {
  readonly protocol = 'udp';
  readonly deps: ProxyDeps;
  readonly meters: ListenerMeters;
  readonly phases: PhaseMeters;
  readonly last = new LastDatagrams();
  #plan: UdpListenerPlan;
  #target: PoolSite;
  #routed: () => void;
  #gate: SourceGate | undefined;
  #draining = false;
  readonly #flows = new Members<UdpFlow>();
  readonly #ended = new EndedRing();

  constructor(deps: ProxyDeps, plan: UdpListenerPlan, pools: ReadonlyMap<string, PoolSite>) {
    this.deps = deps;
    this.meters = new ListenerMeters(deps.meters, plan.name);
    this.phases = new PhaseMeters(deps.meters, plan.name);
    this.#plan = plan;
    this.#target = pools.get(plan.pool)!;
    this.#routed = this.meters.routed(0, plan.pool);
    this.shutOut(plan.sources);
  }

  /** Takes what is asked of sources, and ends the flows of those that are not let in any more. */
  shutOut(sources: SourcePlan): void {
    this.#gate = gateFor(sources, { table: this.deps.sources, listener: this.name });
    for (const flow of this.#flows.all()) if (this.#gate?.forbids(flow.from.address) === true) flow.end('denied');
  }

  /** Takes new settings; flows keep their backend while its pool has it, unless their source is not let in any more. */
  update(plan: UdpListenerPlan, pools: ReadonlyMap<string, PoolSite>): void {
    this.#plan = plan;
    this.#target = pools.get(plan.pool)!;
    this.#routed = this.meters.routed(0, plan.pool);
    this.shutOut(plan.sources);
    for (const flow of this.#flows.all()) if (pools.get(flow.target.pool.name) !== flow.target) flow.retarget();
  }

  get target(): PoolSite {
    return this.#target;
  }

  get idleMs(): number {
    const { idleMs } = this.#plan;
    return this.#draining && (idleMs === 0 || idleMs > DRAIN_IDLE_MS) ? DRAIN_IDLE_MS : idleMs;
  }

  /** A flow for a client that has none; undefined when there is no place for it. Those that are there are never put out for it. */
  begin(door: UdpDoor, from: UdpSource): UdpFlow | undefined {
    if (this.#gate?.forbids(from.address) === true) {
      this.meters.refused('forbidden');
      return undefined;
    }
    const { table, lane, settings, deadlines } = this.deps;
    const limits = { listener: this.#plan.maxConnections, process: settings.maxConnections };
    if (this.#draining || !table.admit(this.#plan.number, lane, limits)) {
      this.meters.refused('saturated');
      return undefined;
    }
    this.meters.opened();
    this.phases.entered('established');
    this.#routed();
    const flow = new UdpFlow(this, door, from);
    this.#flows.add(flow);
    deadlines.add(flow);
    return flow;
  }

  /** L4 knows of a client its address only. */
  hintFor({ from, target }: UdpFlow): PickHint {
    return target.hashKey === undefined ? NO_HINT : { key: unmapped(from.address) };
  }

  /** The flow is over. */
  ended(flow: UdpFlow, ended: UdpEnd): void {
    this.#flows.remove(flow);
    this.phases.left('established');
    this.phases.ended(ended);
    this.#ended.add(this.#view(flow, ended));
    this.deps.table.leave(this.#plan.number, this.deps.lane);
    this.meters.closed();
    const { access } = this.deps.settings;
    if (access === undefined || !access.sampled()) return;
    const durationMs = this.deps.now() - flow.startedAt;
    access.push({
      kind: 'connection',
      time: Date.now() - durationMs,
      listener: this.#plan.name,
      pool: flow.target.pool.name,
      backend: flow.backend?.id ?? '',
      client: unmapped(flow.from.address),
      bytesIn: flow.bytesIn,
      bytesOut: flow.bytesOut,
      durationMs,
      queueMs: 0,
      connectMs: 0,
      attempts: flow.picks,
      ended,
    });
  }

  get name(): string {
    return this.#plan.name;
  }

  get number(): number {
    return this.#plan.number;
  }

  /** Flows that there are. */
  get size(): number {
    return this.#flows.size;
  }

  /** At most so many of the flows that there are. */
  shown(limit: number): ConnectionView[] {
    return this.#flows.first(limit).map((flow) => this.#view(flow));
  }

  /** The flows that ended last, the latest first. */
  lately(limit: number): ConnectionView[] {
    return this.#ended.latest(limit);
  }

  #view(flow: UdpFlow, ended?: UdpEnd): ConnectionView {
    const open = this.#draining ? 'draining' : 'established';
    return {
      listener: this.#plan.name,
      protocol: 'udp',
      pool: flow.target.pool.name,
      backend: flow.backend?.id ?? null,
      client: unmapped(flow.from.address),
      phase: ended === undefined ? open : 'closed',
      ageMs: this.deps.now() - flow.startedAt,
      requests: null,
      connectMs: null,
      bytesIn: flow.bytesIn,
      bytesOut: flow.bytesOut,
      ended: ended ?? null,
      endedAt: ended === undefined ? null : Date.now(),
    };
  }

  /** Nothing tells when a flow is done, so that the silent ones are ended soon. */
  drain(): void {
    this.#draining = true;
    this.phases.drain();
    for (const flow of this.#flows.all()) flow.touch();
  }

  /** Ends what is left when a drain's time is up. */
  cut(): void {
    for (const flow of this.#flows.all()) flow.end('drained');
  }
}
