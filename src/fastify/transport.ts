import type { ConnectionOptions } from 'node:tls';
import { buildConnector, type Dispatcher, Pool as UndiciPool } from 'undici';
import type { Backend, Endpoint } from '../pool/backend.ts';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { Acquired, Refusal } from '../pool/pool.ts';
import type { MeteredPool } from '../proxy/deps.ts';
import { isBackendError, isIdempotent } from '../proxy/http-policy.ts';
import { QueuePlace } from '../proxy/queue-place.ts';
import { Retries } from '../proxy/retry.ts';
import type { LocalPool } from '../runtime/local-pool.ts';
import { hostBeforePort } from '../support/address.ts';
import { serverNameOf } from '../support/tls-client.ts';
import { failureOf, outcomeOf, ProxyFailure } from './failure.ts';

/** Under this symbol among the header fields a request's exchange comes through @fastify/reply-from to the transport. */
export const EXCHANGE = Symbol('fairlead exchange');

/** One request of a client, as far as the transport must know it. */
export interface Exchange {
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  /** What `hash` and `maglev` hash; undefined when there is none, and the request takes its turn. */
  readonly key: string | undefined;
  /** The id of the backend that was asked last; '' before. */
  backend: string;
}

/** What @fastify/reply-from asks for. */
export type TransportRequest = Omit<Dispatcher.RequestOptions, 'headers'> & {
  headers: Record<string | symbol, unknown>;
};

/** Tries of one request at most, and how long a backend may take to begin an answer, in ms. */
export interface TransportSettings {
  readonly attempts: number;
  readonly timeoutMs: number;
}

/** What is tried again, as routes have it by default. */
const RETRY = { onConnect: true, onReset: true, budget: 0.2 };

/** How long an answer's body may pause, in ms. */
const BODY_PAUSE_MS = 300_000;

/** What a client is told when no lease can be had. */
export function refused(refusal: Refusal): ProxyFailure {
  return refusal === 'all-saturated'
    ? new ProxyFailure('saturated', 'every backend is at its limit')
    : new ProxyFailure('no-backend', 'no backend is available');
}

/** How a connection to a backend is encrypted; undefined when it is not. */
export function tlsOptions({ plan }: LocalPool, backend: Backend): ConnectionOptions | undefined {
  const { tls } = plan.connect;
  if (tls === undefined) return undefined;
  const pair = tls.cert === '' ? {} : { cert: tls.cert, key: tls.key };
  return { ca: tls.ca, ...pair, servername: serverNameOf(tls, backend.host), rejectUnauthorized: tls.verify };
}

/** Waits until a retry may go out; false when it may not in time, or when its client has left. */
async function pauseOf(retries: Retries, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  if (!retries.pause(resolve)) return true;
  const left = (): void => resolve(false);
  signal.addEventListener('abort', left);
  const mayGo = await promise;
  signal.removeEventListener('abort', left);
  return mayGo;
}

/** The side of undici that @fastify/reply-from calls: picks a backend for each try, holds its lease, and says how it went. */
export class Transport {
  readonly #local: LocalPool;
  readonly #settings: TransportSettings;
  readonly #clients = new Map<Backend, { readonly endpoint: Endpoint; readonly plan: unknown; client: UndiciPool }>();

  constructor(local: LocalPool, settings: TransportSettings) {
    this.#local = local;
    this.#settings = settings;
  }

  get #site(): MeteredPool {
    return { pool: this.#local.pool, meters: this.#local.poolMeters };
  }

  /** As `Dispatcher.request` with a callback. */
  readonly request = (
    options: TransportRequest,
    callback: (error: Error | null, response?: Dispatcher.ResponseData) => void,
  ): void => {
    const { [EXCHANGE]: exchange, ...headers } = options.headers as { [EXCHANGE]: Exchange };
    this.#run(exchange, { ...options, headers } as Dispatcher.RequestOptions).then(
      (response) => callback(null, response),
      (error: Error) => callback(error),
    );
  };

  async #run(exchange: Exchange, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    const retries = new Retries({ ...RETRY, attempts: this.#settings.attempts }, this.#site);
    try {
      return await this.#tryAll(exchange, options, retries);
    } finally {
      retries.end();
    }
  }

  async #tryAll(
    exchange: Exchange,
    options: Dispatcher.RequestOptions,
    retries: Retries,
  ): Promise<Dispatcher.ResponseData> {
    const isReplayable = options.body === undefined || options.body === null || options.body === '';
    const maySendAgain = isReplayable && isIdempotent(options.method);
    for (let attempts = 1, failure: ProxyFailure | undefined; ; attempts++) {
      const acquired = await this.#acquire(exchange, retries.tried);
      if (!acquired.ok) throw failure ?? refused(acquired.refusal);
      const { lease } = acquired;
      const { backend } = lease;
      exchange.backend = backend.id;
      try {
        return await this.#attempt(exchange, lease, options);
      } catch (error) {
        const outcome = exchange.signal.aborted ? 'client-aborted' : outcomeOf(error);
        failure = failureOf(outcome, error);
        const failed = { backend, attempts, reused: false, begun: false, maySendAgain, late: false };
        const isAgain = isReplayable && retries.after(outcome, failed) === 'again';
        lease.release(outcome);
        if (!isAgain || !(await pauseOf(retries, exchange.signal))) throw failure;
        this.#site.meters.retried(outcome);
      }
    }
  }

  /** A lease, at once or from the queue of the pool; a client that leaves frees its place, one that has left gets none. */
  async #acquire({ key, signal }: Exchange, tried: ReadonlySet<Backend>): Promise<Acquired> {
    if (signal.aborted) throw failureOf('client-aborted', signal.reason);
    const acquire = (): Acquired => this.#local.pool.acquire({ key }, tried);
    const refusal = acquire();
    if (refusal.ok || refusal.refusal !== 'all-saturated') return refusal;
    const { promise, resolve } = Promise.withResolvers<Acquired>();
    const leased = (lease: Lease): void => resolve({ ok: true, lease });
    const place = QueuePlace.join(this.#site, () => performance.now(), { choosy: tried.size > 0, acquire, leased });
    if (place === undefined) return refusal;
    const giveUp = (result: 'timeout' | 'left'): void => {
      place.leave(result);
      resolve(refusal);
    };
    const left = (): void => giveUp('left');
    const timer = place.timeoutMs > 0 ? setTimeout(giveUp, place.timeoutMs, 'timeout') : undefined;
    signal.addEventListener('abort', left);
    const acquired = await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', left);
    return acquired;
  }

  async #attempt(
    { signal }: Exchange,
    lease: Lease,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData> {
    const { backend } = lease;
    const { endpoint } = backend;
    if (endpoint === undefined) throw Object.assign(new Error('its name does not resolve'), { code: 'EHOSTUNREACH' });
    const begun = performance.now();
    let response: Dispatcher.ResponseData;
    try {
      response = await this.#clientOf(backend, endpoint).request({
        ...options,
        signal,
        headersTimeout: this.#settings.timeoutMs,
        bodyTimeout: BODY_PAUSE_MS,
      });
    } catch (error) {
      if (outcomeOf(error).startsWith('connect-')) backend.skipEndpoint(endpoint);
      throw error;
    }
    const failed = isBackendError(response.statusCode);
    this.#local.poolMeters.answered(lease, performance.now() - begun);
    lease.show(!failed);
    let outcome: Outcome = failed ? 'bad-status' : 'served';
    response.body.once('error', (error) => {
      outcome = signal.aborted ? 'client-aborted' : outcomeOf(error);
    });
    response.body.once('close', () => lease.release(signal.aborted ? 'client-aborted' : outcome));
    return response;
  }

  #clientOf(backend: Backend, endpoint: Endpoint): UndiciPool {
    const known = this.#clients.get(backend);
    const { connect } = this.#local.plan;
    if (known !== undefined && known.endpoint === endpoint && known.plan === connect.tls) return known.client;
    known?.client.close().catch(() => undefined);
    const tls = tlsOptions(this.#local, backend);
    const scheme = tls === undefined ? 'http' : 'https';
    const isPath = 'path' in endpoint;
    const host = isPath ? 'localhost' : `${hostBeforePort(endpoint.host)}:${endpoint.port}`;
    const path = isPath ? { socketPath: endpoint.path } : {};
    const connector = buildConnector({ ...tls, timeout: connect.timeoutMs, ...path } as never);
    // undici would check the certificate for the name in the client's Host.
    const client = new UndiciPool(`${scheme}://${host}`, {
      connections: null,
      pipelining: 1,
      keepAliveTimeout: connect.keepAliveIdleMs,
      connect: (about, done) =>
        connector({ ...about, ...(tls?.servername ? { servername: tls.servername } : {}) }, done),
    });
    this.#clients.set(backend, { endpoint, plan: connect.tls, client });
    return client;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ client }) => client.destroy()));
    this.#clients.clear();
  }
}
