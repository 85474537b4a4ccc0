import { Buffer } from 'node:buffer';
import { dialFailure, MAX_DIALS } from '../connect/dial.ts';
import { plainDialler } from '../connect/dialler.ts';
import type { PickHint } from '../pick/balancer.ts';
import type { Backend, Endpoint } from '../pool/backend.ts';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { Acquired, Refusal } from '../pool/pool.ts';
import { type CutReason, Tunnel, type TunnelEnd, type TunnelObserver, type TunnelTimeouts } from '../relay/tunnel.ts';
import type { Expiring } from '../support/deadlines.ts';
import type { Member } from '../support/members.ts';
import { READ_BUFFER_BYTES, silentSink, type Wire, type WireSink } from '../support/wire.ts';
import type { Arrival } from './arrivals.ts';
import { headerFor } from './client-ends.ts';
import { halfClosedBy } from './connection-view.ts';
import type { PoolSite, ProxyDeps } from './deps.ts';
import type { ListenerMeters } from './listener-meters.ts';
import type { OpenPhase, PhaseMeters } from './phase-meters.ts';
import { QueuePlace } from './queue-place.ts';

/** How one L4 connection ended. */
export type TcpEnd = TunnelEnd | 'client-aborted' | Outcome | Refusal;

/** How a connection has come in. */
export interface Begun {
  /** What it was before; undefined for one that is served at once. */
  readonly arrival?: Arrival | undefined;
  /** What was read from it. */
  readonly early?: Buffer | undefined;
}

/** What a connection sees of its listener. */
export interface TcpOwner {
  readonly deps: ProxyDeps;
  readonly meters: ListenerMeters;
  readonly phases: PhaseMeters;
  readonly timeouts: TunnelTimeouts;
  /** What the pool's algorithm may go by. */
  hintFor(client: Wire, target: PoolSite): PickHint;
  /** The connection is over; `ended` says how. */
  ended(connection: TcpConnection, ended: TcpEnd): void;
}

/**
 * One L4 connection: accept → pick → connect → relay → observe. The client's bytes stay in the kernel until a backend
 * is connected, so a backend that cannot be reached costs the client nothing but time.
 */
export class TcpConnection implements WireSink, Expiring, TunnelObserver, Member {
  memberIndex = -1;
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly client: Wire;
  readonly startedAt: number;
  /** Undefined until one was picked. */
  backend: Backend | undefined;
  bytesIn = 0;
  bytesOut = 0;
  connectMs = 0;
  /** Backends that were dialled. */
  dials = 0;
  readonly target: PoolSite;
  readonly #site: TcpOwner;
  /** What was read of the client before a backend was picked. */
  #early: Buffer | undefined;
  #dialling: Wire | undefined;
  #dialledAt = 0;
  #lease: Lease | undefined;
  #tried: Set<Backend> | undefined;
  #endpoint: Endpoint | undefined;
  #endpointsTried = 0;
  /** Why the backend that was dialled last could not be had. */
  #failed: Outcome | undefined;
  #tunnel: Tunnel | undefined;
  /** Where it has waited last, if it had to. */
  #place: QueuePlace | undefined;
  /** Why a client whose wire closes before a backend is connected has no backend: it left, unless it was turned away. */
  #turnedAway: TcpEnd = 'client-aborted';

  constructor(site: TcpOwner, client: Wire, target: PoolSite, { arrival, early }: Begun) {
    this.#site = site;
    this.client = client;
    this.target = target;
    this.#early = early;
    this.startedAt = arrival?.startedAt ?? site.deps.now();
  }

  /** Takes the accepted wire over: picks and dials the first backend. */
  start(): void {
    this.client.sink = new WaitingClient(this);
    this.#site.phases.entered('connecting');
    this.#site.deps.deadlines.add(this);
    this.#dialNext();
  }

  /** pick → connect. */
  #dialNext(): void {
    const acquired = this.#acquire();
    if (acquired.ok) return this.#dial(acquired.lease);
    if (acquired.refusal === 'all-saturated' && this.#queueUp()) return;
    this.#turnAway(this.#failed ?? acquired.refusal);
  }

  #acquire(): Acquired {
    return this.target.pool.acquire(this.#site.hintFor(this.client, this.target), this.#tried);
  }

  /**
   * Waits until a backend has a free place; false when there is no place to wait in. Only reading shows that a client has
   * left, so that it is read meanwhile, as far as there is room for what it says.
   */
  #queueUp(): boolean {
    const { deadlines, now } = this.#site.deps;
    const place = QueuePlace.join(this.target, now, {
      before: this.#place,
      choosy: this.#tried !== undefined,
      acquire: () => this.#acquire(),
      leased: (lease) => this.#dial(lease),
    });
    if (place === undefined) return false;
    this.#place = place;
    this.deadline = deadlines.in(place.timeoutMs);
    this.client.start();
    return true;
  }

  /** How long it has waited for a lease, all attempts together, in ms. */
  get queueMs(): number {
    return this.#place?.totalMs ?? 0;
  }

  /** What the client says while it waits is kept for the backend; returns whether there is room for more. */
  clientSaid(bytes: Buffer): boolean {
    this.#early = Buffer.concat(this.#early === undefined ? [bytes] : [this.#early, bytes]);
    return this.#place?.waits === true && this.#early.length < READ_BUFFER_BYTES;
  }

  /** The client has sent its FIN. If it said nothing before, it has nothing to ask of a backend, and frees its place. */
  clientEnded(): void {
    if (this.#early === undefined && this.#place?.waits === true) this.client.destroy();
  }

  #dial(lease: Lease): void {
    this.#lease = lease;
    this.backend = lease.backend;
    this.dials++;
    if (this.#failed !== undefined) this.target.meters.retried(this.#failed);
    this.#endpointsTried = 0;
    this.#dialEndpoint(lease.backend);
  }

  /** connect, to one of the addresses of a backend. */
  #dialEndpoint({ endpoint, host }: Backend): void {
    const { connect } = this.target;
    this.#endpoint = endpoint;
    this.#endpointsTried++;
    if (endpoint === undefined) return this.#dialFailed('connect-failed');
    this.#dialledAt = this.#site.deps.now();
    this.deadline = this.#site.deps.deadlines.in(connect.timeoutMs);
    const { dialler = plainDialler, local } = connect;
    this.#dialling = dialler.dial({ to: endpoint, local, host, opening: headerFor(connect, this.client) }, this);
  }

  onDeadline(): void {
    if (this.#place?.waits === true) {
      this.#place.leave('timeout');
      return this.#turnAway('all-saturated');
    }
    this.#dropDial();
    this.#dialFailed('connect-timeout');
  }

  /** The dialled wire broke before it was connected. */
  onClose(error: NodeJS.ErrnoException | undefined): void {
    this.#dialling = undefined;
    this.#dialFailed(dialFailure(error, this.#endpoint));
  }

  #dialFailed(outcome: Outcome): void {
    const lease = this.#lease!;
    const isOurs = outcome === 'out-of-files';
    if (!isOurs) {
      lease.backend.skipEndpoint(this.#endpoint);
      if (this.#endpointsTried < lease.backend.endpoints.length) return this.#dialEndpoint(lease.backend);
    }
    this.#lease = undefined;
    lease.release(outcome);
    this.#tried ??= new Set();
    this.#tried.add(lease.backend);
    if (isOurs || this.dials >= MAX_DIALS) return this.#turnAway(outcome);
    this.#failed = outcome;
    // It was not read, so that only the kernel knows.
    if (this.client.lost === true) return this.client.destroy();
    this.#dialNext();
  }

  /** No backend can be had: the client sees a reset, as it would from a port that nobody serves. */
  #turnAway(reason: Outcome | Refusal): void {
    this.#site.meters.refused(reason);
    this.#turnedAway = reason;
    this.client.reset();
  }

  /** connect → relay. */
  onConnect(): void {
    const backend = this.#dialling!;
    const { deadlines, now } = this.#site.deps;
    this.#dialling = undefined;
    deadlines.remove(this);
    this.#site.phases.left('connecting');
    this.#site.phases.entered('established');
    this.connectMs = now() - this.#dialledAt;
    const { meters } = this.target;
    meters.connected(this.connectMs);
    meters.answered(this.#lease!, this.connectMs);
    this.#tunnel = new Tunnel({ client: this.client, backend }, deadlines, this.#site.timeouts, this);
    this.#tunnel.start(this.#early);
    this.#early = undefined;
  }

  /** Where it stands; `draining` is the listener's to say. */
  get phase(): OpenPhase {
    if (this.#tunnel === undefined) return 'connecting';
    const { firstFin } = this.#tunnel;
    return firstFin === undefined ? 'established' : halfClosedBy[firstFin];
  }

  /** Which side has sent its FIN first; undefined when none has. */
  get firstFin(): 'client' | 'backend' | undefined {
    return this.#tunnel?.firstFin;
  }

  onTunnelBytes(fromClient: boolean, bytes: number): void {
    if (fromClient) {
      this.bytesIn += bytes;
      this.#site.meters.bytesIn(bytes);
    } else {
      if (this.bytesOut === 0) this.#lease?.show(true);
      this.bytesOut += bytes;
      this.#site.meters.bytesOut(bytes);
    }
  }

  onTunnelHalfClosed(by: 'client' | 'backend'): void {
    this.#site.phases.left('established');
    this.#site.phases.entered(halfClosedBy[by]);
  }

  /** relay → observe. */
  onTunnelEnd(end: TunnelEnd): void {
    const failed = end === 'connect-tls' || (end === 'backend-reset' && this.bytesOut === 0);
    this.#lease?.release(failed ? end : 'served');
    this.#finish(end);
  }

  /** The client left, or was turned away, before a backend was connected. */
  clientClosed(): void {
    this.#dropDial();
    this.#place?.leave('left');
    this.#site.deps.deadlines.remove(this);
    this.#lease?.release('client-aborted');
    this.#finish(this.#turnedAway);
  }

  #finish(ended: TcpEnd): void {
    this.#lease = undefined;
    this.#site.phases.left(this.phase);
    this.#site.ended(this, ended);
  }

  #dropDial(): void {
    const dialling = this.#dialling;
    if (dialling === undefined) return;
    this.#dialling = undefined;
    dialling.sink = silentSink;
    dialling.destroy();
  }

  /** Ends the connection, whatever it is at. */
  cut(ended: CutReason = 'drained'): void {
    if (this.#tunnel !== undefined) this.#tunnel.cut(ended);
    else {
      this.#turnedAway = ended;
      this.client.reset();
    }
  }

  onBytes(_bytes: Buffer, _length: number): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}
}

/** The client's side while there is no backend: it is not read, unless it waits in a queue; only its end matters. */
class WaitingClient implements WireSink {
  readonly #connection: TcpConnection;

  constructor(connection: TcpConnection) {
    this.#connection = connection;
  }

  onClose(): void {
    this.#connection.clientClosed();
  }

  onBytes(bytes: Buffer, length: number): boolean {
    return this.#connection.clientSaid(bytes.subarray(0, length));
  }

  onEnd(): void {
    this.#connection.clientEnded();
  }

  onDrain(): void {}
  onConnect(): void {}
}
