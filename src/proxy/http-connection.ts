import { Buffer } from 'node:buffer';
import { NEED_MORE, REFUSED } from '../http1/head.ts';
import { prefaceIn } from '../http1/preface.ts';
import { onlyEmptyLines, parseRequestHead } from '../http1/request-head.ts';
import type { CutReason, Tunnel } from '../relay/tunnel.ts';
import { hostBeforePort } from '../support/address.ts';
import type { Expiring } from '../support/deadlines.ts';
import type { Member } from '../support/members.ts';
import { unmapped } from '../support/proxied.ts';
import { READ_BUFFER_BYTES, type Wire, type WireSink } from '../support/wire.ts';
import { type ErrorCode, errorResponse, serializeResponse } from './error-response.ts';
import type { ClientSide, HttpContext } from './http-context.ts';
import type { Complaint } from './http-policy.ts';
import { Exchange } from './http-proxy.ts';
import { logRefused } from './request-log.ts';
import { WaitingBytes } from './waiting-bytes.ts';

/** How long a closing connection still takes in and discards what the client sends (RFC 9112 §9.6), in ms. */
const LINGER_MS = 2000;

/** A connection turned away at a limit lingers shorter, since connections are what is short. */
const TURNED_AWAY_LINGER_MS = 250;

/** How often a client that has sent its FIN is looked at, to tell one that waits for its answer from one that left. */
const ABANDON_CHECK_MS = 15;

/** Bytes that wait while an exchange is under way before the client is no longer read. */
const MAX_WAITING_BYTES = READ_BUFFER_BYTES;

/** What a request is told that comes while its worker has more than it can do. */
const overloadComplaint: Complaint = { code: 'saturated', cause: 'more requests come than can be served' };
const overloadResponse = errorResponse(overloadComplaint.code, overloadComplaint.cause);

/** The listener that a connection belongs to. */
export interface HttpOwner extends HttpContext {
  /** The connection is over. */
  closed(connection: HttpConnection): void;
  /** The client speaks HTTP/2, of which `bytes` came: the connection is served as such from here on. */
  becomeHttp2(connection: HttpConnection, bytes: Buffer): void;
}

/**
 * The client's side of L7: takes bytes in, frames them into requests, and has them exchanged one after another, so that
 * pipelined requests are answered in order.
 */
export class HttpConnection implements WireSink, Expiring, Member, ClientSide {
  memberIndex = -1;
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly wire: Wire;
  readonly site: HttpOwner;
  readonly clientLines: string;
  /** Requests answered on this connection so far. */
  served = 0;
  #exchange: Exchange | undefined;
  /** Bytes that could not be used yet: the start of a head, or what follows the exchange under way. */
  readonly #waiting = new WaitingBytes();
  /** The client has sent its FIN. */
  #ended = false;
  #closing = false;
  #stopped = false;
  /** True while `#consume` runs: what it calls may end an exchange, and must not start to consume again. */
  #consuming = false;
  /** True once the first bytes of a head have come, so that its time runs. */
  #headBegun = false;
  #peer: string | undefined;
  #abandonCheck: NodeJS.Timeout | undefined;
  #tunnel: Tunnel | undefined;
  #upgraded: Exchange | undefined;

  constructor(site: HttpOwner, wire: Wire) {
    this.site = site;
    this.wire = wire;
    this.clientLines = wire.clientLines ?? '';
  }

  /** The address of the peer, asked of the kernel once. */
  get peer(): string {
    this.#peer ??= unmapped(this.wire.remoteAddress ?? '');
    return this.#peer;
  }

  /** The exchange under way, or the one its tunnel grew from; undefined between requests. */
  get work(): Exchange | undefined {
    return this.#exchange ?? this.#upgraded;
  }

  /** Where the client connected to, for HTTP/1.0 clients that do not say. */
  readonly localAuthority = (): string => {
    const { localAddress = 'localhost', localPort } = this.wire;
    const host = hostBeforePort(localAddress);
    return localPort === undefined ? host : `${host}:${localPort}`;
  };

  start(): void {
    this.wire.sink = this;
    this.site.deps.deadlines.add(this);
    this.expectIn(this.site.timeouts.idle);
    this.wire.start();
  }

  /** There is no place for this connection, or it is not wanted. */
  turnAway(complaint: Complaint): void {
    this.wire.sink = this;
    this.site.deps.deadlines.add(this);
    this.#closing = true;
    this.#answerRefused(complaint);
    this.wire.end();
    this.expectIn(TURNED_AWAY_LINGER_MS);
    this.wire.start();
  }

  /** Moves the deadline; 0 means none. */
  expectIn(ms: number): void {
    this.deadline = this.site.deps.deadlines.in(ms);
  }

  // accept → frame

  onBytes(bytes: Buffer, length: number): boolean {
    if (this.#closing) return true;
    this.site.meters.bytesIn(length);
    if (this.#waiting.length > 0) {
      this.#waiting.keep(bytes, 0, length);
      // A head that has begun can only have become complete by a line end.
      if (
        this.#exchange !== undefined ||
        !this.#headBegun ||
        bytes.subarray(0, length).includes(10) ||
        this.#waiting.length > this.#maxHead()
      ) {
        this.#consumeWaiting();
      }
    } else {
      const used = this.#consume(bytes, 0, length);
      if (used < length && !this.#closing) this.#waiting.keep(bytes, used, length);
    }
    this.#stopped = !this.#closing && this.#mustWait();
    return !this.#stopped;
  }

  /** What came so far cannot be used up: more of it would only pile up here. */
  #mustWait(): boolean {
    if (this.#exchange === undefined) return this.wire.backedUp;
    return this.#waiting.length >= MAX_WAITING_BYTES || this.#exchange.backendIsFull;
  }

  #maxHead(): number {
    return this.site.limits.headerBytes;
  }

  /**
   * Uses up bytes as far as they can be: heads begin exchanges, bodies go to the exchange under way. A client that does
   * not take its answers gets no further ones, or those would pile up here.
   */
  #consume(bytes: Buffer, pos: number, end: number): number {
    this.#consuming = true;
    while (pos < end && !this.#closing) {
      const exchange = this.#exchange;
      if (exchange === undefined && this.wire.backedUp) break;
      const next = exchange === undefined ? this.#frame(bytes, pos, end) : exchange.takeBody(bytes, pos, end);
      if (next === pos) break;
      pos = next;
    }
    this.#consuming = false;
    return pos;
  }

  #frame(bytes: Buffer, pos: number, end: number): number {
    const { head } = this.site;
    const next = parseRequestHead(head, bytes, { start: pos, end }, this.#maxHead());
    if (next === REFUSED && this.served === 0 && this.wire.httpVersion === undefined && this.site.proto === 'http') {
      const begun = prefaceIn(bytes, pos, end);
      if (begun === 'whole') return this.#becomeHttp2(bytes, pos, end);
      if (begun === 'part') {
        this.#beginHead();
        return pos;
      }
    }
    if (next === NEED_MORE) {
      if (!onlyEmptyLines(bytes, pos, end)) this.#beginHead();
      return pos;
    }
    if (next === REFUSED) {
      this.refuse(
        head.tooLarge ? 'head-too-large' : head.unsupported ? 'not-implemented' : 'bad-request',
        head.problem,
      );
      return end;
    }
    if (this.site.deps.pressure.sheds()) return this.#shed(next, end);
    const exchange = new Exchange(this);
    this.#exchange = exchange;
    return exchange.start(bytes, next, end);
  }

  #beginHead(): void {
    if (!this.#headBegun) this.expectIn(this.site.timeouts.header);
    this.#headBegun = true;
  }

  /** The worker is overloaded: a request is answered in the cheapest way, and a body that would have to be read is not. */
  #shed(next: number, end: number): number {
    const { head, draining, meters, nowhere } = this.site;
    const close = !head.persistent || head.chunked || head.contentLength > 0 || draining;
    const text = serializeResponse(overloadResponse, { close, bodiless: head.method === 'HEAD' });
    meters.refused('overload');
    nowhere.count(overloadResponse.status, 0, undefined, undefined);
    logRefused(this, overloadComplaint, { status: overloadResponse.status, text });
    this.write(text);
    this.exchanged(close);
    return close ? end : next;
  }

  /** The parser has refused what begins like HTTP/2 (RFC 9113 §3.4), at no cost to those that speak HTTP/1.1. */
  #becomeHttp2(bytes: Buffer, pos: number, end: number): number {
    this.#closing = true;
    this.site.deps.deadlines.remove(this);
    this.site.becomeHttp2(this, Buffer.from(bytes.subarray(pos, end)));
    return end;
  }

  #consumeWaiting(): void {
    const { bytes } = this.#waiting;
    if (bytes === undefined) return;
    const used = this.#consume(bytes, 0, bytes.length);
    this.#waiting.drop(this.#closing ? bytes.length : used);
    this.#closeWhenDone();
  }

  // What the exchange asks for

  /** The exchange can take more of the body, or is over: goes on with what waits, then with reading. */
  proceed(): void {
    if (this.#consuming) return;
    if (this.#waiting.length > 0) this.#consumeWaiting();
    if (!this.#stopped || this.#mustWait()) return;
    this.#stopped = false;
    this.wire.start();
  }

  /** Writes to the client; false when it does not keep up. */
  write(text: string): boolean {
    this.site.meters.bytesOut(text.length);
    return this.wire.writeText(text);
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    this.site.meters.bytesOut(end - start);
    return this.wire.send(bytes, start, end);
  }

  /** The exchange is over and its answer written; the connection goes on, or ends when `close`. */
  exchanged(close: boolean): void {
    this.#exchange = undefined;
    this.#headBegun = false;
    this.served++;
    if (close) return this.close();
    this.expectIn(this.site.timeouts.idle);
    this.proceed();
    this.#closeWhenDone();
  }

  /** After a FIN: closes behind the last answer, and gives up a request that the FIN has cut off. */
  #closeWhenDone(): void {
    if (!this.#ended || this.#consuming) return;
    if (this.#exchange === undefined) {
      if (this.#waiting.length === 0 || !this.wire.backedUp) this.close();
    } else if (this.#waiting.length === 0 && this.#exchange.request.incomplete) this.#exchange.abort();
  }

  /** The client has sent its FIN, and all that came before it is used up. */
  get nothingToCome(): boolean {
    return this.#ended && this.#waiting.length === 0;
  }

  /** A request that cannot be understood: says so, if nothing of an answer has gone out, and closes. */
  refuse(code: ErrorCode, cause: string): void {
    this.site.refused(code, this.peer);
    this.#exchange = undefined;
    this.#answerRefused({ code, cause });
    this.close();
  }

  /** Says why nothing more is taken, and counts and logs that as an answer to a request that no route took. */
  #answerRefused(complaint: Complaint): void {
    const response = errorResponse(complaint.code, complaint.cause);
    const text = serializeResponse(response, { close: true, bodiless: false });
    this.site.nowhere.count(response.status, 0, undefined, undefined);
    this.write(text);
    logRefused(this, complaint, { status: response.status, text });
  }

  /** Refuses a request that has not come as text at all; the wire is not read. */
  refuseAtOnce(cause: string): void {
    this.wire.sink = this;
    this.site.deps.deadlines.add(this);
    this.refuse('bad-request', cause);
  }

  /**
   * Ends the connection in order: FIN behind what was written, then discard what still comes, for a while. A client that
   * has not taken all of its answer yet has the time for it that it has during an answer.
   */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#exchange = undefined;
    this.wire.end();
    this.expectIn(this.wire.unsent ? this.site.timeouts.idle : LINGER_MS);
    this.#stopped = false;
    this.wire.start();
  }

  /** Ends the connection so that the client cannot take what it got for the whole answer. */
  reset(): void {
    this.#exchange = undefined;
    this.#closing = true;
    this.wire.reset();
  }

  /** Leaves HTTP for a tunnel, and returns what the client has sent behind its request. */
  becomeTunnel(tunnel: Tunnel): Buffer | undefined {
    const early = this.#waiting.bytes;
    this.#waiting.clear();
    [this.#upgraded, this.#exchange] = [this.#exchange, undefined];
    this.#closing = true;
    this.#tunnel = tunnel;
    this.site.deps.deadlines.remove(this);
    clearInterval(this.#abandonCheck);
    return early;
  }

  gone(): void {
    this.site.closed(this);
  }

  // Ends

  /** No more requests after those that were sent; or the client left, which looks the same (see `#checkAbandoned`). */
  onEnd(): void {
    this.#ended = true;
    this.#closeWhenDone();
    if (this.#closing) return;
    this.#abandonCheck = setInterval(() => this.#checkAbandoned(), ABANDON_CHECK_MS);
  }

  /**
   * A FIN is sent by a client that has left and by one that only has no more to say. Only the second is worth waiting
   * for, and only writing tells them apart: a client that left resets what still waits for it to read.
   */
  #checkAbandoned(): void {
    if (!this.wire.unsent && this.#exchange?.movedSinceLastLook() === false) this.#exchange.abort();
  }

  onDrain(): void {
    if (this.#exchange === undefined) this.proceed();
    else this.#exchange.onClientDrain();
  }

  onDeadline(): void {
    if (this.#exchange !== undefined) this.#exchange.onDeadline();
    else if (this.wire.unsent) this.reset();
    else if (this.#closing) this.wire.destroy();
    else if (this.#headBegun) this.refuse('request-timeout', 'the request head did not arrive in time');
    else this.close();
  }

  onClose(): void {
    clearInterval(this.#abandonCheck);
    this.#closing = true;
    this.#exchange?.abort();
    this.#exchange = undefined;
    this.site.deps.deadlines.remove(this);
    this.site.closed(this);
  }

  /** A drain has begun: an idle connection gets a last moment for a request that is on its way. */
  drain(idleMs: number): void {
    if (this.#exchange !== undefined || this.#closing) return;
    if (this.wire.unsent) this.close();
    else this.expectIn(idleMs);
  }

  /** Ends the connection with all that is under way. */
  cut(ended: CutReason = 'drained'): void {
    if (this.#tunnel !== undefined) return this.#tunnel.cut(ended);
    if (this.#exchange?.cut(ended) === true) this.wire.reset();
    else this.wire.destroy();
  }

  onConnect(): void {}
}
