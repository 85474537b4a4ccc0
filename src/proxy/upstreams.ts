import type { Buffer } from 'node:buffer';
import { type Dialler, plainDialler } from '../connect/dialler.ts';
import { type Idle, IdleList } from '../connect/idle-list.ts';
import type { Backend } from '../pool/backend.ts';
import type { Deadlines, Expiring } from '../support/deadlines.ts';
import { silentSink, type Wire, type WireSink } from '../support/wire.ts';
import type { Connect } from './deps.ts';

/** Who uses a connection to a backend at the moment. */
export interface BackendUser {
  onBackendConnect(): void;
  /** As `WireSink.onBytes`. */
  onBackendBytes(bytes: Buffer, length: number): boolean;
  onBackendEnd(): void;
  onBackendDrain(): void;
  onBackendClose(error: NodeJS.ErrnoException | undefined): void;
}

/** Kept connections are given up this long before a backend has said it will close them. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** A connection to a backend: used by one exchange at a time, or waiting for the next. */
export class BackendConnection implements WireSink, Expiring, Idle {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly backend: Backend;
  /** True when it has carried an exchange before, so that the backend may be about to close it. */
  reused = false;
  wire!: Wire;
  /** Who has dialled it: it is kept only as long as a new one would be made in the same way. */
  dialler: Dialler = plainDialler;
  #user: BackendUser | undefined;
  readonly #upstreams: Upstreams;

  constructor(upstreams: Upstreams, backend: Backend) {
    this.#upstreams = upstreams;
    this.backend = backend;
  }

  use(user: BackendUser): void {
    this.#user = user;
  }

  /** The exchange is over and both sides agree to go on. */
  idle(): void {
    this.#user = undefined;
    this.reused = true;
  }

  /** Closes at once, whatever is under way; nobody hears of it. */
  drop(): void {
    this.#user = undefined;
    this.wire.sink = silentSink;
    this.wire.destroy();
  }

  retire(): void {
    this.#upstreams.deadlines.remove(this);
    this.drop();
  }

  /** Hands the wire over to a tunnel. */
  release(): Wire {
    this.#user = undefined;
    this.wire.sink = silentSink;
    return this.wire;
  }

  onConnect(): void {
    this.#user?.onBackendConnect();
  }

  onBytes(bytes: Buffer, length: number): boolean {
    if (this.#user !== undefined) return this.#user.onBackendBytes(bytes, length);
    // A backend that speaks without being asked is out of step with us.
    this.#upstreams.forget(this);
    return false;
  }

  onEnd(): void {
    if (this.#user !== undefined) this.#user.onBackendEnd();
    else this.#upstreams.forget(this);
  }

  onDrain(): void {
    this.#user?.onBackendDrain();
  }

  onClose(error: NodeJS.ErrnoException | undefined): void {
    if (this.#user !== undefined) this.#user.onBackendClose(error);
    else this.#upstreams.forget(this);
  }

  /** It has waited long enough. */
  onDeadline(): void {
    this.#upstreams.forget(this);
  }
}

/** All connections of one worker to backends that are kept between exchanges. */
export class Upstreams {
  readonly deadlines: Deadlines;
  readonly #idle = new Map<Backend, IdleList<BackendConnection>>();

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines;
  }

  /** A kept connection to this backend, the most recently used one. */
  take(backend: Backend): BackendConnection | undefined {
    const connection = this.#idle.get(backend)?.take();
    if (connection !== undefined) this.deadlines.remove(connection);
    return connection;
  }

  /**
   * A new connection, on its way, on which `opening` is sent before anything else; its user hears of the outcome.
   * Undefined while the backend has no address.
   */
  dial(backend: Backend, plan: Connect, opening?: Buffer): BackendConnection | undefined {
    const { endpoint, host } = backend;
    if (endpoint === undefined) return undefined;
    const connection = new BackendConnection(this, backend);
    connection.dialler = plan.dialler ?? plainDialler;
    connection.wire = connection.dialler.dial({ to: endpoint, local: plan.local, host, opening }, connection);
    return connection;
  }

  /** Keeps a connection after an exchange; `promisedMs` is how long the backend said it will, 0 when it did not say. */
  keep(connection: BackendConnection, plan: Connect, promisedMs: number): void {
    const keepMs =
      promisedMs === 0 ? plan.keepAliveIdleMs : Math.min(plan.keepAliveIdleMs, promisedMs - KEEP_ALIVE_MARGIN_MS);
    connection.idle();
    const otherwise = connection.dialler !== (plan.dialler ?? plainDialler);
    if (keepMs <= 0 || otherwise || connection.wire.carriesOne === true) return connection.drop();
    let list = this.#idle.get(connection.backend);
    if (list === undefined) {
      list = new IdleList();
      this.#idle.set(connection.backend, list);
    }
    connection.deadline = this.deadlines.now + keepMs;
    this.deadlines.add(connection);
    list.put(connection, plan.keepAliveMax);
  }

  /** Drops a waiting connection. */
  forget(connection: BackendConnection): void {
    this.#idle.get(connection.backend)?.remove(connection);
    connection.retire();
  }

  /** Drops the waiting connections to these backends, because new ones would be made in another way. */
  dropKept(backends: Iterable<Backend>): void {
    for (const backend of backends) this.#idle.get(backend)?.clear();
  }

  /** Drops the waiting connections of backends that are no longer in any pool. */
  prune(current: ReadonlySet<Backend>): void {
    for (const [backend, list] of this.#idle) {
      if (current.has(backend)) continue;
      list.clear();
      this.#idle.delete(backend);
    }
  }

  /** Kept connections to one backend, for tests and gauges. */
  idleCount(backend: Backend): number {
    return this.#idle.get(backend)?.size ?? 0;
  }
}
