import { type DialFailure, dialFailure } from '../connect/dial.ts';
import { UNPROCESSED } from '../http2/backend-wire.ts';
import type { Backend, Endpoint } from '../pool/backend.ts';
import { TLS_FAILED } from '../support/tls-failure.ts';
import type { Wire } from '../support/wire.ts';
import { headerFor } from './client-ends.ts';
import type { Connect, PoolSite } from './deps.ts';
import type { ClientSide, HttpContext } from './http-context.ts';
import type { BackendConnection, BackendUser } from './upstreams.ts';

/** Whom the connection is for; without a wire backends are told of nobody. */
export type LinkedClient = Pick<ClientSide, 'site'> & Partial<Pick<ClientSide, 'wire'>>;

/**
 * An exchange's connection to the backend it has a lease on, and how it comes to one: a connection that was kept, or a
 * dial to one of the backend's addresses after another. There is one at a time; nobody hears of one that was dropped.
 */
export class Link {
  /** How long the last dial took, in ms; 0 for a kept connection. */
  connectMs = 0;
  /** Why the last dial that failed did so, as the error says it. */
  problem = '';
  /** The backend has said that it has not looked at the request on this connection, so that it may go elsewhere. */
  unprocessed = false;
  readonly #client: LinkedClient;
  readonly #site: HttpContext;
  readonly #user: BackendUser;
  #connection: BackendConnection | undefined;
  #endpoint: Endpoint | undefined;
  #endpointsTried = 0;
  #startedAt = 0;

  constructor(client: LinkedClient, user: BackendUser) {
    this.#client = client;
    this.#site = client.site;
    this.#user = user;
  }

  /** The wire to the backend; there must be one. */
  get wire(): Wire {
    return this.#connection!.wire;
  }

  /** True when the connection has carried an exchange before. */
  get reused(): boolean {
    return this.#connection?.reused === true;
  }

  /** True once any connection was dialled. */
  get dialled(): boolean {
    return this.#startedAt !== 0;
  }

  /** Takes a connection that was kept; false when there is none. One that names its client cannot serve another. */
  takeKept(backend: Backend, plan: Connect): boolean {
    if (plan.proxyProtocol !== 'off') return false;
    const kept = this.#site.upstreams.take(backend);
    kept?.use(this.#user);
    this.#connection = kept;
    return kept !== undefined;
  }

  /** Dials the backend, at its first address. False while it has none. */
  dial(backend: Backend, plan: Connect): boolean {
    this.#endpointsTried = 0;
    return this.#dial(backend, plan);
  }

  /** Goes on with the next address of the same backend. False when all were tried. */
  dialNext(backend: Backend, plan: Connect): boolean {
    this.drop();
    backend.skipEndpoint(this.#endpoint);
    return this.#endpointsTried < backend.endpoints.length && this.#dial(backend, plan);
  }

  #dial(backend: Backend, plan: Connect): boolean {
    const { upstreams, deps } = this.#site;
    this.#endpoint = backend.endpoint;
    this.#endpointsTried++;
    this.#startedAt = deps.now();
    this.#connection = upstreams.dial(backend, plan, headerFor(plan, this.#client.wire));
    this.#connection?.use(this.#user);
    return this.#connection !== undefined;
  }

  /** The connection broke; `problem` says why, and what is returned holds if it was not made yet, or TLS was refused. */
  failed(error: NodeJS.ErrnoException | undefined): DialFailure {
    this.problem = error?.message ?? '';
    this.unprocessed = error?.code === UNPROCESSED || error?.code === TLS_FAILED;
    return dialFailure(error, this.#endpoint);
  }

  /** The dial has succeeded. */
  connected(pool: PoolSite): void {
    this.connectMs = this.#site.deps.now() - this.#startedAt;
    pool.meters.connected(this.connectMs);
  }

  /** Goes on reading from the backend, if there still is a connection. */
  resume(): void {
    this.#connection?.wire.start();
  }

  /** The backend does not answer in time: what else is to use the connection beneath should know. */
  doubt(): void {
    this.#connection?.wire.doubt?.();
  }

  /** The exchange is over and both sides agree to go on: keeps the connection for the next, as long as the backend promised. */
  keep(plan: Connect, promisedMs: number): void {
    const connection = this.#connection!;
    this.#connection = undefined;
    if (plan.proxyProtocol !== 'off') return connection.drop();
    this.#site.upstreams.keep(connection, plan, promisedMs);
  }

  /** Closes the connection, whatever is under way. */
  drop(): void {
    this.unprocessed = false;
    this.#connection?.drop();
    this.#connection = undefined;
  }

  /** Hands the wire over to a tunnel. */
  release(): Wire {
    const connection = this.#connection!;
    this.#connection = undefined;
    return connection.release();
  }
}
