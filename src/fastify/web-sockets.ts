import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { LocalPool } from '../runtime/local-pool.ts';
import { outcomeOf } from './failure.ts';
import { handshakeFields } from './forwarded.ts';
import { hashKeyOf } from './hash-key.ts';
import { refused, tlsOptions } from './transport.ts';

/** A WebSocket of the package ws, as far as it is used here. */
interface WebSocketLike {
  readonly bufferedAmount: number;
  readonly readyState: number;
  pause(): void;
  resume(): void;
  on(event: string, listener: (...values: never[]) => void): unknown;
}

type Answer = (accepted: boolean, status?: number, text?: string, fields?: Record<string, string>) => void;

/** A side that has so many bytes waiting makes the other side stop, until they are fewer; looked at this often, in ms. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 64 * 1024;
const DRAIN_LOOK_MS = 10;

/** One WebSocket's lease, released once. */
interface Held {
  readonly lease: Lease;
  end(outcome: Outcome): void;
}

/** The leases of WebSockets: taken before the client is told 101, so that it can still be told 503. */
export class WebSockets {
  readonly #local: LocalPool;
  readonly #handshakes = new WeakMap<IncomingMessage, FastifyRequest>();
  readonly #held = new WeakMap<IncomingMessage, Held>();
  /** The request whose connection to a backend is being made: @fastify/http-proxy makes it in one turn. */
  #current: Held | undefined;

  constructor(local: LocalPool) {
    this.#local = local;
  }

  /** To be told of each request before it is passed on: ws knows a handshake only as Node does. */
  arrived(request: FastifyRequest): void {
    if (request.raw.headers.upgrade !== undefined) this.#handshakes.set(request.raw, request);
  }

  /** ws asks this before it answers a handshake. */
  readonly verifyClient = ({ req }: { req: IncomingMessage }, answer: Answer): void => {
    const key = hashKeyOf(this.#handshakes.get(req)!, this.#local.plan);
    const acquired = this.#local.pool.acquire({ key });
    if (!acquired.ok) {
      const { code, status, message } = refused(acquired.refusal);
      return answer(false, status, `${message}\n`, { 'Fairlead-Error': code, 'Retry-After': '1' });
    }
    const { lease } = acquired;
    let ended = false;
    const end = (outcome: Outcome): void => {
      if (!ended) lease.release(outcome);
      ended = true;
    };
    this.#held.set(req, { lease, end });
    req.socket.once('close', () => end('client-aborted'));
    answer(true);
  };

  /** Where to connect to for a handshake that was accepted; undefined for any other request. */
  upstreamOf(request: FastifyRequest): string | undefined {
    this.#current = this.#held.get(request.raw);
    if (this.#current === undefined) return undefined;
    return this.#local.plan.connect.tls === undefined ? 'http://fairlead.invalid' : 'https://fairlead.invalid';
  }

  /** Options for the connections to backends. */
  readonly clientOptions = {
    rewriteRequestHeaders: (_fields: unknown, request: FastifyRequest): object => handshakeFields(request),
    createConnection: (): Socket => this.#connect(),
    finishRequest: (request: ClientRequest, target: WebSocketLike): void => {
      const held = this.#current;
      this.#current = undefined;
      if (held !== undefined) this.#watch(held, target);
      request.end();
    },
    handshakeTimeout: 30_000,
  };

  /** What keeps memory bounded when one side does not read: @fastify/http-proxy itself sends without looking. */
  readonly hooks = {
    onIncomingMessage: (_context: unknown, source: WebSocketLike, target: WebSocketLike) => pauseFor(source, target),
    onOutgoingMessage: (_context: unknown, source: WebSocketLike, target: WebSocketLike) => pauseFor(target, source),
  };

  #connect(): Socket {
    const backend = this.#current?.lease.backend;
    const endpoint = backend?.endpoint;
    if (backend === undefined || endpoint === undefined) return connectTcp({ host: '127.0.0.1', port: 1 });
    const tls = tlsOptions(this.#local, backend);
    return tls === undefined ? connectTcp(endpoint) : connectTls({ ...endpoint, ...tls });
  }

  #watch({ lease, end }: Held, target: WebSocketLike): void {
    const begun = performance.now();
    let outcome: Outcome = 'backend-reset';
    target.on('open', () => {
      outcome = 'served';
      this.#local.poolMeters.answered(lease, performance.now() - begun);
    });
    target.on('unexpected-response', (_request: never, response: IncomingMessage) => {
      outcome = response.statusCode! >= 500 ? 'bad-status' : 'served';
    });
    target.on('error', (error: Error) => {
      if (outcome === 'backend-reset') outcome = outcomeOf(error);
    });
    target.on('close', () => end(outcome));
  }
}

/** Stops reading from `reader` while `writer` has much to write. */
function pauseFor(reader: WebSocketLike, writer: WebSocketLike): void {
  if (writer.bufferedAmount < HIGH_WATER_BYTES) return;
  reader.pause();
  const look = setInterval(() => {
    if (writer.bufferedAmount > LOW_WATER_BYTES && writer.readyState === 1) return;
    clearInterval(look);
    reader.resume();
  }, DRAIN_LOOK_MS);
}
