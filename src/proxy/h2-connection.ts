import { Buffer } from 'node:buffer';
import { ClientSession, type SessionObserver } from '../http2/client-session.ts';
import type { ClientStream } from '../http2/client-stream.ts';
import { type ClientPlace, H2ClientWire } from '../http2/client-wire.ts';
import type { FieldList } from '../http2/field.ts';
import { translateRequest } from '../http2/request-in.ts';
import type { CutReason } from '../relay/tunnel.ts';
import type { Expiring } from '../support/deadlines.ts';
import { type Member, Members } from '../support/members.ts';
import { unmapped } from '../support/proxied.ts';
import type { Wire } from '../support/wire.ts';
import { errorResponse, serializeResponse } from './error-response.ts';
import { HttpConnection, type HttpOwner } from './http-connection.ts';
import type { Exchange } from './http-proxy.ts';

/** How long a connection whose last stream has ended has to close by itself, in ms. */
const CLOSE_MS = 2000;

const refusedOpening = errorResponse('backend-failed', 'the answer to the WebSocket was not 101');
const notOpened = Buffer.from(serializeResponse(refusedOpening, { close: false, bodiless: false }), 'latin1');

/** A listener as its HTTP/2 connections see it. */
export interface H2Owner extends HttpOwner {
  /** The connection is over. */
  closed(connection: HttpConnection | H2Connection): void;
}

/**
 * A client's connection that speaks HTTP/2. Each of its streams is served as an HTTP/1.1 connection with one request
 * would be, so that routes, limits, retries and logs are the same for both; here is only what all streams share.
 */
export class H2Connection implements SessionObserver, ClientPlace, Expiring, Member {
  memberIndex = -1;
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly clientLines: string;
  readonly beneath: Wire;
  readonly notOpened = notOpened;
  readonly peer: string;
  readonly #site: H2Owner;
  readonly #session: ClientSession;
  readonly #streams = new Members<H2ClientWire>();
  #served = 0;
  #finishing = false;

  /** Takes over a wire whose client speaks HTTP/2. */
  constructor(site: H2Owner, wire: Wire) {
    this.#site = site;
    this.remoteAddress = wire.remoteAddress;
    this.remotePort = wire.remotePort;
    this.peer = unmapped(wire.remoteAddress ?? '');
    this.localAddress = wire.localAddress;
    this.localPort = wire.localPort;
    this.clientLines = wire.clientLines ?? '';
    this.beneath = wire;
    this.#session = new ClientSession(wire, this);
    site.deps.deadlines.add(this);
    this.#expectStreams();
  }

  /** Begins to serve; `early` is what was read of the wire before. */
  start(early: Buffer | undefined): void {
    this.#session.start(early);
  }

  /** Streams under way. */
  get requests(): number {
    return this.#streams.size;
  }

  /** The exchange of its first stream; undefined without one. */
  get work(): Exchange | undefined {
    const owner = this.#streams.first(1)[0]?.owner;
    return owner instanceof HttpConnection ? owner.work : undefined;
  }

  get now(): number {
    return this.#site.deps.deadlines.now;
  }

  #expectStreams(): void {
    const { deps, timeouts } = this.#site;
    this.deadline = deps.deadlines.in(this.#finishing ? CLOSE_MS : timeouts.idle);
  }

  onRequest(stream: ClientStream, list: FieldList): void {
    const request = translateRequest(list, stream.remoteEnded);
    const wire = new H2ClientWire(this, stream, request);
    this.#streams.add(wire);
    this.deadline = Number.POSITIVE_INFINITY;
    const connection = new HttpConnection(this.#site, wire);
    wire.owner = connection;
    connection.served = this.#served++;
    if (request.problem === '') return connection.start();
    connection.refuseAtOnce(request.problem);
    this.#session.countReset();
  }

  left(wire: H2ClientWire): void {
    this.#streams.remove(wire);
    wire.owner = undefined;
    if (this.#streams.size > 0) return;
    this.#expectStreams();
    this.#session.closeWhenDone();
  }

  onRefused(reason: 'http2-flood' | 'http2-protocol'): void {
    this.#site.refused(reason, this.peer);
  }

  onEnding(): void {
    this.#finishing = true;
    this.#expectStreams();
  }

  onGone(): void {
    this.#site.deps.deadlines.remove(this);
    this.#site.closed(this);
  }

  /** No stream for so long: says goodbye, and leaves when the client does not. */
  onDeadline(): void {
    if (this.#finishing) return this.#session.destroy();
    this.#finish();
  }

  #finish(): void {
    this.#finishing = true;
    if (this.#streams.size === 0) this.#expectStreams();
    this.#session.finish();
  }

  /** A drain has begun: streams under way are finished, and new ones belong on another connection. */
  drain(): void {
    if (!this.#finishing) this.#finish();
  }

  /** Ends the connection with all that is under way. */
  cut(ended: CutReason = 'drained'): void {
    for (const wire of this.#streams.all()) wire.owner?.cut(ended);
    this.#session.destroy();
  }
}
