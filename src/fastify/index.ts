/**
 * Fairlead for Fastify apps: sends the routes of an app to a pool of backends.
 *
 * @module
 */
import { METHODS } from 'node:http';
import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, preHandlerHookHandler } from 'fastify';
import type { PoolStatus } from '../admin/schema.ts';
import { LocalPool } from '../runtime/local-pool.ts';
import { ProxyFailure } from './failure.ts';
import { forwardedFields } from './forwarded.ts';
import { hashKeyOf } from './hash-key.ts';
import { createPool, type PoolInput, type PoolOptions } from './pool.ts';
import { EXCHANGE, type Exchange, Transport } from './transport.ts';
import { WebSockets } from './web-sockets.ts';

/** A pool that several plugins can share: open it with `createFairleadPool`, close it when the app closes. */
export interface FairleadPool {
  readonly name: string;
  /** The pool with its backends, as of now. */
  status(): PoolStatus;
  /** All metrics in Prometheus' text format. */
  render(): Promise<string>;
  /** Ends its probes. */
  close(): void;
}

/** What `fairleadProxy` is registered with. */
export interface FairleadProxyOptions {
  /** A pool as in a config, which then lives and ends with the app; or one of `createFairleadPool`. */
  readonly pool: PoolInput | FairleadPool;
  /** Which paths are sent to the pool: all below this one. */
  readonly prefix?: string;
  /** What takes the place of the prefix; `/` unless said otherwise. */
  readonly rewritePrefix?: string;
  /** Whether WebSockets are passed on; `false` unless said otherwise. */
  readonly websocket?: boolean;
  /** Tries of one request at most, each on another backend; 2 unless said otherwise. */
  readonly attempts?: number;
  /** How long a backend may take to begin its answer, in ms; 30 seconds unless said otherwise. */
  readonly timeoutMs?: number;
  /** Runs before a request is passed on, WebSocket handshakes included: the place to check who asks. */
  readonly preHandler?: preHandlerHookHandler;
}

/** Opens a pool in this process; resolves after the first round of probes, rejects with a `ConfigError` of a bad config. */
export function createFairleadPool(config: PoolInput, options?: PoolOptions): Promise<FairleadPool> {
  return createPool(config, options);
}

/** What the app and @fastify/http-proxy know each other by, for the requests of one plugin. */
class Gate {
  readonly #local: LocalPool;
  readonly #route: string;
  readonly #exchanges = new WeakMap<FastifyRequest, Exchange>();
  readonly #counters = new Map<string, number>();
  readonly webSockets: WebSockets;

  constructor(local: LocalPool, route: string) {
    this.#local = local;
    this.#route = route;
    this.webSockets = new WebSockets(local);
  }

  /** The fields for the backend, and with them the exchange. */
  readonly rewriteRequestHeaders = (request: FastifyRequest, fields: object): object => ({
    ...forwardedFields(request, fields as Record<string, string>),
    [EXCHANGE]: this.#exchanges.get(request),
  });

  /** Begins the exchange of a request; a client that leaves before its answer has ended aborts it. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    const leaving = new AbortController();
    const key = hashKeyOf(request, this.#local.plan);
    const exchange: Exchange = { signal: leaving.signal, key, backend: '' };
    this.#exchanges.set(request, exchange);
    const begun = performance.now();
    const duration = this.#local.meters.histogram('request_duration_seconds', this.#labels);
    const closed = (): void => {
      // What node:http2 says has finished may have been cut off before its end.
      const whole = reply.raw.writableEnded && reply.raw.writableFinished;
      if (!whole) leaving.abort();
      this.#count(exchange.backend, whole ? String(reply.raw.statusCode) : '499');
      duration.observe((performance.now() - begun) / 1000);
    };
    // It may have left during the preHandler, and 'close' is not emitted twice.
    if (reply.raw.destroyed) closed();
    else reply.raw.once('close', closed);
  }

  get #labels() {
    return { listener: 'fastify', route: this.#route };
  }

  #count(backend: string, code: string): void {
    const key = `${backend} ${code}`;
    let cell = this.#counters.get(key);
    if (cell === undefined) {
      const labels = { ...this.#labels, pool: this.#local.name, backend, code };
      cell = this.#local.meters.counter('requests_total', labels);
      this.#counters.set(key, cell);
    }
    this.#local.meters.cells[cell]! += 1;
  }
}

/** Tells the client what went wrong, in the form of Fairlead's own errors. */
function sendFailure(reply: FastifyReply, { error }: { error: Error }): void {
  const cause = error.cause instanceof ProxyFailure ? error.cause : error;
  const failure =
    cause instanceof ProxyFailure ? cause : new ProxyFailure('backend-failed', 'the backend failed', error);
  if (failure.status === 503) reply.header('retry-after', '1');
  reply.code(failure.status).header('fairlead-error', failure.code).type('text/plain').send(`${failure.message}\n`);
}

function isOpened(pool: PoolInput | FairleadPool): pool is LocalPool {
  return pool instanceof LocalPool;
}

/**
 * The plugin: `app.register(fairleadProxy, { prefix: '/api', pool: { backends: ['127.0.0.1:3001'] } })`. It is ready after
 * the pool's first round of probes; a bad config of the pool rejects `app.ready()` with a `ConfigError`.
 */
export const fairleadProxy: FastifyPluginAsync<FairleadProxyOptions> = async (app: FastifyInstance, options) => {
  const { pool, rewritePrefix = '/', websocket = false, attempts = 2, timeoutMs = 30_000, preHandler } = options;
  const local = isOpened(pool) ? pool : await createPool(pool as PoolInput, { logger: app.log });
  const transport = new Transport(local, { attempts, timeoutMs });
  const gate = new Gate(local, app.prefix || '/');
  app.addHook('onClose', async () => {
    await transport.close();
    if (local !== pool) local.close();
  });
  if (websocket) app.addHook('onRequest', async (request) => gate.webSockets.arrived(request));
  // Fastify would read bodies of text/plain whole, and refuse the long ones; without its parsers all of them stream.
  app.removeAllContentTypeParsers();
  await app.register(httpProxy, {
    upstream: '',
    rewritePrefix,
    // Every method that Fastify itself knows of; the plugin's own list lacks those of WebDAV and the like.
    httpMethods: METHODS.filter((method) => app.supportedMethods.includes(method)),
    undici: { request: transport.request } as never,
    disableRequestLogging: true,
    ...(preHandler === undefined ? {} : { preHandler: preHandler as never }),
    handler: (request, reply, dest, from) => {
      gate.begin(request, reply);
      return reply.from(dest, from);
    },
    replyOptions: {
      getUpstream: (request) => gate.webSockets.upstreamOf(request as FastifyRequest) ?? 'http://fairlead.invalid',
      rewriteRequestHeaders: gate.rewriteRequestHeaders as never,
      // Tries are made by the transport, each on another backend; a 503 is an answer, and passed on.
      retryDelay: () => null,
      onError: sendFailure as never,
    },
    ...(websocket
      ? {
          websocket: true as const,
          wsServerOptions: { verifyClient: gate.webSockets.verifyClient as never },
          wsClientOptions: gate.webSockets.clientOptions as never,
          wsHooks: gate.webSockets.hooks as never,
        }
      : {}),
  });
};

/** The plugin, for those who import a default. */
export default fairleadProxy;
export type { PoolStatus } from '../admin/schema.ts';
export { ConfigError } from '../config/config-error.ts';
export type { PoolInput, PoolOptions } from './pool.ts';
