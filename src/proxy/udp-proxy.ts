import type { Buffer } from 'node:buffer';
import { dialFailure, MAX_DIALS } from '../connect/dial.ts';
import type { PickHint } from '../pick/balancer.ts';
import type { Backend, Endpoint } from '../pool/backend.ts';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { Acquired, Refusal } from '../pool/pool.ts';
import type { Expiring } from '../support/deadlines.ts';
import type { Member } from '../support/members.ts';
import { udp } from '../support/open-udp.ts';
import type { UdpSink, UdpSource, UdpWire } from '../support/udp-wire.ts';
import type { PoolSite, ProxyDeps } from './deps.ts';
import type { ListenerMeters } from './listener-meters.ts';
import { type LastDatagrams, Unanswered } from './unanswered.ts';

/** So long a backend that has failed a flow is not tried again by it while there is another one, in ms. */
const AVOIDED_MS = 1000;

/** How one flow ended. */
export type UdpEnd = 'idle-timeout' | 'drained' | 'denied';

/** Why a datagram has come to no backend. */
type Obstacle = Outcome | Refusal;

/** What a flow sees of its listener. */
export interface UdpOwner {
  readonly name: string;
  readonly deps: ProxyDeps;
  readonly meters: ListenerMeters;
  readonly target: PoolSite;
  /** How long a flow lives without a datagram either way, in ms. */
  readonly idleMs: number;
  readonly last: LastDatagrams;
  /** What the pool's algorithm may go by. */
  hintFor(flow: UdpFlow): PickHint;
  /** The flow is over; `ended` says how. */
  ended(flow: UdpFlow, ended: UdpEnd): void;
}

/** What a flow sees of the socket that its client speaks to. */
export interface UdpDoor {
  /** Sends a datagram to the client of a flow; false when the kernel takes no more and it is lost. */
  answer(flow: UdpFlow, datagram: Buffer): boolean;
  /** The flow is over. */
  forget(flow: UdpFlow): void;
}

/**
 * One UDP flow: all datagrams of one client address and port, pinned to one backend until none has come either way for
 * the idle time. accept → pick → connect → relay → observe, without any of TCP's ends: silence is the only one.
 *
 * A backend of which the system says that nobody is there (ICMP) loses the flow to another one, with what it cannot have
 * had. So does one that may not keep what it has, once there is another, with the client's next datagram.
 */
export class UdpFlow implements Expiring, Member, UdpSink {
  memberIndex = -1;
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  /** The client, as its socket knows it. */
  from: UdpSource;
  target: PoolSite;
  readonly startedAt: number;
  /** Undefined until one was picked. */
  backend: Backend | undefined;
  bytesIn = 0;
  bytesOut = 0;
  /** Backends that were picked. */
  picks = 0;
  readonly #site: UdpOwner;
  #socket: UdpDoor;
  #lease: Lease | undefined;
  #upstream: UdpWire | undefined;
  #endpoint: Endpoint | undefined;
  #endpointsTried = 0;
  /** Backends that have failed it lately. */
  #tried: Set<Backend> | undefined;
  #triedUntil = 0;
  /** Backends that were picked since the client last said something. */
  #dials = 0;
  readonly #unanswered: Unanswered;
  #answered = false;
  /** Of the pool, when it was last seen that the backend keeps the flow. */
  #version = Number.NaN;

  constructor(site: UdpOwner, socket: UdpDoor, from: UdpSource) {
    this.#site = site;
    this.#socket = socket;
    this.from = from;
    this.target = site.target;
    this.startedAt = site.deps.now();
    this.#unanswered = new Unanswered(site.last);
  }

  /** A datagram came from the client. */
  fromClient(datagram: Buffer): void {
    const { meters } = this.#site;
    this.touch();
    this.bytesIn += datagram.length;
    meters.bytesIn(datagram.length);
    meters.datagramIn();
    this.#dials = 0;
    this.#deliver(datagram, this.#upstream === undefined ? this.#pin() : this.#follow());
  }

  /** To the backend; it is lost when there is something in the way. */
  #deliver(datagram: Buffer, obstacle: Obstacle | undefined): void {
    const { meters, deps } = this.#site;
    if (obstacle !== undefined) meters.refused(obstacle);
    else if (this.#upstream!.send(datagram)) this.#unanswered.add(datagram, deps.now());
    else meters.refused('queue-full');
  }

  #deliverAll(datagrams: readonly Buffer[], obstacle: Obstacle | undefined): void {
    for (const datagram of datagrams) this.#deliver(datagram, obstacle);
  }

  /** Its client is at another socket from now on, which may know it by another address. */
  moveTo(socket: UdpDoor, from: UdpSource): void {
    this.#socket = socket;
    this.from = from;
  }

  /** Something moved: the idle time starts anew. */
  touch(): void {
    this.deadline = this.#site.deps.deadlines.in(this.#site.idleMs);
  }

  /** pick → connect; returns why there is no backend. */
  #pin(): Obstacle | undefined {
    const acquired = this.#acquireAny();
    return acquired.ok ? this.#connect(acquired.lease) : acquired.refusal;
  }

  #acquire(): Acquired {
    const { pool } = this.target;
    this.#version = pool.version;
    this.#forgetTried();
    return pool.acquire(this.#site.hintFor(this), this.#tried);
  }

  /** When every one has failed this client, it may try them again, but for the one that it is to leave. */
  #acquireAny(left?: Backend): Acquired {
    const acquired = this.#acquire();
    if (acquired.ok || this.#tried === undefined) return acquired;
    this.#tried = left && new Set([left]);
    return this.#acquire();
  }

  /** Returns what is in the way to this backend and to those that were tried in its stead. */
  #connect(lease: Lease): Obstacle | undefined {
    this.#lease = lease;
    this.backend = lease.backend;
    this.#answered = false;
    this.#unanswered.clear();
    this.picks++;
    this.#dials++;
    this.#endpointsTried = 0;
    return this.#open(lease.backend);
  }

  /** connect, to one of the addresses of a backend. */
  #open({ endpoint }: Backend): Obstacle | undefined {
    this.#endpoint = endpoint;
    this.#endpointsTried++;
    if (endpoint === undefined || 'path' in endpoint) return this.#failed('connect-failed', true);
    const { local } = this.target.connect;
    this.#upstream = udp.connect({ host: endpoint.host, port: endpoint.port, local }, this);
    const { deps, name } = this.#site;
    if (!deps.files.refuses(this.#upstream.fd, name)) return undefined;
    this.#unpin('out-of-files');
    return 'out-of-files';
  }

  /**
   * Leaves a backend that may not keep the flow, when another one can be had, which gets what one that has failed may not
   * have had. Looked up only when something has changed.
   */
  #follow(): Obstacle | undefined {
    const { pool } = this.target;
    const backend = this.backend!;
    if (pool.version === this.#version) return undefined;
    if (this.#lease!.onTrial || pool.keeps(backend)) {
      this.#version = pool.version;
      return undefined;
    }
    this.#skip();
    const acquired = this.#acquireAny(backend);
    if (!acquired.ok) {
      if (acquired.refusal === 'all-saturated') this.#version = Number.NaN;
      return undefined;
    }
    const lost = backend.wanted ? this.#unanswered.take(this.#site.deps.now()) : [];
    this.#leave();
    const obstacle = this.#connect(acquired.lease);
    this.#deliverAll(lost, obstacle);
    return obstacle;
  }

  /** The pool it came by is no more: the listener's is looked at with the next datagram. */
  retarget(): void {
    this.target = this.#site.target;
    this.#version = Number.NaN;
  }

  /** A datagram came from the backend. */
  onDatagram(datagram: Buffer): void {
    const { meters } = this.#site;
    if (!this.#answered) this.#lease?.show(true);
    this.#answered = true;
    this.#endpointsTried = 1;
    this.#tried = undefined;
    this.#unanswered.clear();
    this.touch();
    this.bytesOut += datagram.length;
    meters.bytesOut(datagram.length);
    meters.datagramOut();
    if (!this.#socket.answer(this, datagram)) meters.refused('queue-full');
  }

  /** The system has learnt that the backend cannot be reached. */
  onError(error: NodeJS.ErrnoException): void {
    // A datagram that is longer than the way to the backend allows is the client's.
    if (error.code === 'EMSGSIZE') return;
    const failure = dialFailure(error, this.#endpoint);
    const lost = this.#unanswered.take(this.#site.deps.now());
    if (lost.length === 0) this.#site.meters.refused(failure);
    if (failure === 'out-of-files') {
      this.#unpin(failure);
      return this.#deliverAll(lost, failure);
    }
    this.backend!.skipEndpoint(this.#endpoint);
    this.#deliverAll(lost, this.#failed(failure, lost.length > 0));
  }

  /** Goes on with another address of the backend, or with another backend if it has something to say; returns what is in the way. */
  #failed(failure: Outcome, speaks: boolean): Obstacle | undefined {
    const backend = this.backend!;
    if (this.#endpointsTried < backend.endpoints.length) {
      this.#shut();
      return this.#open(backend);
    }
    this.#skip();
    this.#unpin(failure);
    const acquired = speaks && this.#dials < MAX_DIALS ? this.#acquire() : undefined;
    if (acquired?.ok !== true) return failure;
    this.target.meters.retried(failure);
    return this.#connect(acquired.lease);
  }

  /** The next pick is of another backend. */
  #skip(): void {
    this.#forgetTried();
    this.#tried ??= new Set();
    this.#tried.add(this.backend!);
    this.#triedUntil = this.#site.deps.now() + AVOIDED_MS;
  }

  #forgetTried(): void {
    if (this.#site.deps.now() >= this.#triedUntil) this.#tried = undefined;
  }

  /** A backend that has never answered has not failed, as many protocols ask for no answer. */
  #leave(): void {
    this.#unpin(this.#answered ? 'served' : 'client-aborted');
  }

  #unpin(outcome: Outcome): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#shut();
    lease?.release(outcome);
  }

  #shut(): void {
    this.#upstream?.close();
    this.#upstream = undefined;
  }

  onDeadline(): void {
    this.end('idle-timeout');
  }

  /** Ends the flow. */
  end(ended: UdpEnd): void {
    this.#site.deps.deadlines.remove(this);
    this.#leave();
    this.#socket.forget(this);
    this.#site.ended(this, ended);
  }
}
