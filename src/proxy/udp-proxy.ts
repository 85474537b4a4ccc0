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

/** How one flow ended. */
export type UdpEnd = 'idle-timeout' | 'drained' | 'denied' | Outcome | Refusal;

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
  #tried: Set<Backend> | undefined;
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
    const isPinned = this.#upstream === undefined ? this.#pin() : this.#follow();
    if (!isPinned) return;
    this.#deliver(datagram);
  }

  #deliver(datagram: Buffer): void {
    this.#unanswered.add(datagram, this.#site.deps.now());
    if (!this.#upstream!.send(datagram)) this.#site.meters.refused('queue-full');
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

  /** pick → connect. The datagram is lost when there is no backend, as UDP loses them. */
  #pin(): boolean {
    let acquired = this.#acquire();
    if (!acquired.ok && this.#tried !== undefined) {
      // Every one has failed this client: it may try them again.
      this.#tried = undefined;
      acquired = this.#acquire();
    }
    if (acquired.ok) return this.#connect(acquired.lease);
    this.#site.meters.refused(acquired.refusal);
    return false;
  }

  #acquire(): Acquired {
    const { pool } = this.target;
    this.#version = pool.version;
    return pool.acquire(this.#site.hintFor(this), this.#tried);
  }

  /** False when neither this backend nor another one can be had for it. */
  #connect(lease: Lease): boolean {
    const { backend } = lease;
    const { endpoint } = backend;
    this.#lease = lease;
    this.backend = backend;
    this.#endpoint = endpoint;
    this.#answered = false;
    this.#unanswered.clear();
    this.picks++;
    if (endpoint === undefined || 'path' in endpoint) return this.#failed('connect-failed', true);
    const { local } = this.target.connect;
    this.#upstream = udp.connect({ host: endpoint.host, port: endpoint.port, local }, this);
    const { deps, name, meters } = this.#site;
    if (!deps.files.refuses(this.#upstream.fd, name)) return true;
    meters.refused('out-of-files');
    this.#unpin('out-of-files');
    return false;
  }

  /**
   * Leaves a backend that may not keep the flow, when another one can be had. Looked up only when something has changed. False
   * when there is no backend then.
   */
  #follow(): boolean {
    const { pool } = this.target;
    if (pool.version === this.#version) return true;
    if (this.#lease!.onTrial || pool.keeps(this.backend!)) {
      this.#version = pool.version;
      return true;
    }
    this.#skip();
    const acquired = this.#acquire();
    if (acquired.ok) {
      this.#leave();
      return this.#connect(acquired.lease);
    }
    if (acquired.refusal === 'all-saturated') this.#version = Number.NaN;
    return true;
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
    if (failure === 'out-of-files') {
      this.#site.meters.refused(failure);
      return this.#unpin(failure);
    }
    this.backend!.skipEndpoint(this.#endpoint);
    if (!this.#failed(failure, lost.length > 0)) return;
    for (const datagram of lost) this.#deliver(datagram);
  }

  /**
   * Leaves a backend that has failed, for another one at once if what it has not had can be sent to that; false when it
   * cannot, and is lost.
   */
  #failed(failure: Outcome, canRepeat: boolean): boolean {
    this.#skip();
    this.#unpin(failure);
    const acquired = canRepeat && this.#tried!.size < MAX_DIALS ? this.#acquire() : undefined;
    if (acquired?.ok === true) {
      this.target.meters.retried(failure);
      return this.#connect(acquired.lease);
    }
    this.#site.meters.refused(failure);
    return false;
  }

  /** The next pick is of another backend. */
  #skip(): void {
    this.#tried ??= new Set();
    this.#tried.add(this.backend!);
  }

  /** A backend that has never answered has not failed, as many protocols ask for no answer. */
  #leave(): void {
    this.#unpin(this.#answered ? 'served' : 'client-aborted');
  }

  #unpin(outcome: Outcome): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#upstream?.close();
    this.#upstream = undefined;
    lease?.release(outcome);
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
