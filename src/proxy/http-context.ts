import type { Buffer } from 'node:buffer';
import type { RequestHead } from '../http1/request-head.ts';
import type { Backend } from '../pool/backend.ts';
import type { Tunnel } from '../relay/tunnel.ts';
import type { Wire } from '../support/wire.ts';
import type { ProxyDeps } from './deps.ts';
import type { HeldBody } from './held-body.ts';
import type { Complaint } from './http-policy.ts';
import type { ListenerMeters } from './listener-meters.ts';
import type { RouteSite } from './route-site.ts';
import type { Upstreams } from './upstreams.ts';

/** Time limits of an http listener, in milliseconds; 0 for none. */
export interface HttpTimeouts {
  /** From the first byte of a request head to its last. */
  readonly header: number;
  /** Between requests, and without a byte moving while an answer is sent. */
  readonly idle: number;
  /** Between two reads of a request body. */
  readonly body: number;
}

/** Size limits of an http listener; 0 for none, except for the head. */
export interface HttpLimits {
  readonly connections: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** A request that is prepared for its backend, as its copy needs it. */
export interface CopiedRequest {
  readonly method: string;
  readonly source: string;
  readonly upgrade: boolean;
  /** True while some of its body is still to come. */
  readonly incomplete: boolean;
  /** Head, and what of the body came with it. */
  readonly text: string;
  textFor(backend: Backend, traced: boolean): string;
}

/** A copy of a request for a mirror. */
export interface RequestCopy {
  /** Takes more of the body, and sends the copy when that was the last of it. */
  add(bytes: Buffer, start: number, end: number): void;
}

/** What a connection and its exchanges see of their listener. */
export interface HttpContext {
  readonly deps: ProxyDeps;
  readonly upstreams: Upstreams;
  readonly meters: ListenerMeters;
  readonly name: string;
  /** How clients reach the listener. */
  readonly proto: 'http' | 'https';
  readonly timeouts: HttpTimeouts;
  readonly limits: HttpLimits;
  /** No further request is taken on a connection after the one under way. */
  readonly draining: boolean;
  /** The head that was parsed last: parsing is synchronous, so one serves all connections of the thread. */
  readonly head: RequestHead;
  /** Where requests are counted that no route took. */
  readonly nowhere: RouteSite;
  /** The route for the head just parsed, from a client at `source`. */
  route(source: string): RouteSite | undefined;
  /** When there was none: how many bytes of the body have to be held before it can be told; 0 when there is none indeed. */
  readonly bodyWanted: number;
  /** The route for a request whose body is held, `more` while that is not told yet. Its head is then the one parsed last. */
  routeHeld(source: string, held: HeldBody): RouteSite | undefined | 'more';
  /** Copies the request whose head is the one parsed last to the route's mirror, if it is one to be copied. */
  mirror(route: RouteSite, request: CopiedRequest): RequestCopy | undefined;
  /** Counts something that is refused, under this reason, of a client at `source`. */
  refused(reason: string, source: string): void;
  /** Why a client at this source, behind a trusted proxy, gets nothing here; undefined for one that may ask. */
  shutsOut(source: string): Complaint | undefined;
  /** True when what this peer says of the client is believed. */
  trusts(peer: string): boolean;
  /** An id for a request that came without one: unique over all workers and restarts. */
  readonly makeId: () => string;
}

/** What an exchange sees of the connection its request came on. */
export interface ClientSide {
  readonly site: HttpContext;
  readonly wire: Wire;
  /** The address of the peer. */
  readonly peer: string;
  /** Field lines, each with its CRLF, that say of the client what TLS has shown; '' for nothing. */
  readonly clientLines: string;
  /** Requests answered on this connection so far. */
  readonly served: number;
  /** The client has sent its FIN, and all that came before it is used up. */
  readonly nothingToCome: boolean;
  /** When `Exchange.onDeadline` is to be called. */
  deadline: number;
  /** Moves the deadline; 0 ms means none. */
  expectIn(ms: number): void;
  /** Where the client connected to. */
  readonly localAuthority: () => string;
  /** Write to the client; false when it does not keep up. */
  write(text: string): boolean;
  send(bytes: Buffer, start: number, end: number): boolean;
  /** The exchange can take more of the body: goes on with what waits, then with reading. */
  proceed(): void;
  /** The exchange is over and its answer written; the connection goes on, or ends when `close`. */
  exchanged(close: boolean): void;
  /** Ends the connection in order. */
  close(): void;
  /** Ends the connection so that the client cannot take what it got for the whole answer. */
  reset(): void;
  /** Leaves HTTP for a tunnel, and returns what the client has sent behind its request. */
  becomeTunnel(tunnel: Tunnel): Buffer | undefined;
  /** The tunnel has ended, and with it the connection. */
  gone(): void;
}
