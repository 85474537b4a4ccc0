import type { Buffer } from 'node:buffer';
import { BodyFramer } from '../http1/body.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { requestOut } from '../http1/request-out.ts';
import type { Backend } from '../pool/backend.ts';
import { latin1 } from '../support/latin1.ts';
import type { ClientSide } from './http-context.ts';
import { type Complaint, clientSource, hostField, isIdempotent } from './http-policy.ts';
import { type LoggedRequest, loggedRequest } from './request-log.ts';
import type { RequestTrace } from './request-trace.ts';
import type { RouteSite } from './route-site.ts';

/** Bytes of a body that were sent to a backend and are kept, so that they can be sent to another one. */
const MAX_REPLAY_BYTES = 64 * 1024;

/**
 * What a client asked: the head as a backend will get it, and where the body ends. The head itself is parsed into a place
 * that all connections share, so what is needed of it later is taken out here.
 */
export class HttpRequest {
  readonly method: string;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: number;
  /** The client asked to change protocols. */
  readonly upgrade: boolean;
  /** The client would keep its connection after the answer. */
  readonly persistent: boolean;
  /** What the access log and spans need of the head; undefined when neither takes this request. */
  readonly logged: LoggedRequest | undefined;
  readonly inAccessLog: boolean;
  /** Its part of a trace; undefined when no exporter is configured. */
  readonly trace: RequestTrace | undefined;
  /** True when the peer is a proxy whose X-Forwarded-* are believed. */
  readonly trusted: boolean;
  /** The address of the client, behind proxies that are trusted. */
  readonly source: string;
  /** Its X-Request-Id. */
  id = '';
  /** The head for the backend, with what of the body came along with the client's head. */
  text = '';
  /**
   * Field lines, each with its CRLF, that this request carries to its backend beyond the client's own and the route's:
   * set before `prepare`. The client's fields of the same names are for the edit of the listener or the route to drop.
   */
  lines = '';
  /** Bytes of head and body read so far. */
  bytesIn: number;
  /** Why it is refused: set by `take`. */
  complaint: Complaint | undefined;
  /** The client sends no body before the backend tells it to go on, which it has not done yet: set by `prepare`. */
  waits = false;
  #hostAt = -1;
  /** Where in the text the lines of the trace are to be put, which are another attempt's with each; -1 for no trace. */
  #traceAt = -1;
  #continued = false;
  readonly #bodyLimit: number;
  readonly #body: BodyFramer | undefined;
  /** True as long as all that came is still at hand, in `text` and `replay`. */
  #replayable = true;
  /** Body bytes that went to a backend after `text`. */
  replay = '';

  /** Takes the head that was just parsed. */
  constructor(client: ClientSide) {
    const { site, peer } = client;
    const { head } = site;
    this.method = head.method;
    this.minor = head.minor;
    this.persistent = head.persistent;
    this.upgrade = head.upgradeProtocol !== undefined;
    const { access, tracing } = site.deps.settings;
    this.trace = tracing?.begin(head);
    this.inAccessLog = access?.sampled() === true;
    this.logged = this.inAccessLog || this.trace?.sampled === true ? loggedRequest(head, this.trace) : undefined;
    this.trusted = site.trusts(peer);
    this.source = this.trusted ? clientSource(peer, head.get('x-forwarded-for'), (ip) => site.trusts(ip)) : peer;
    this.bytesIn = head.text.length;
    if (this.trusted) this.complaint = site.shutsOut(this.source);
    this.#bodyLimit = site.limits.bodyBytes;
    if (!head.chunked && head.contentLength <= 0) return;
    this.#body = new BodyFramer();
    if (head.chunked) this.#body.startChunked();
    else this.#body.startLength(head.contentLength);
    if (this.#bodyLimit > 0 && head.contentLength > this.#bodyLimit) this.#refuseSize();
  }

  /** True while bytes of it are still to come. */
  get incomplete(): boolean {
    return this.#body !== undefined && !this.#body.done;
  }

  /** True when it may be sent to another backend after one has had it: idempotent, and all that came of it at hand. */
  get maySendAgain(): boolean {
    return this.#replayable && isIdempotent(this.method);
  }

  /** True when all that came of it is at hand, so that it may go to another backend after one that has not looked at it. */
  get atHand(): boolean {
    return this.#replayable;
  }

  /**
   * A kept connection may be closed by the backend just as the request goes out. A request that can be sent again takes
   * one gladly; another one does not when it is the client's first, which no client expects to fail for that reason.
   * `served` is how many requests of the client were answered before.
   */
  takesKept(served: number): boolean {
    return !this.upgrade && ((this.maySendAgain && !this.incomplete) || served > 0);
  }

  /** Takes body bytes and returns where the body ends, or `end`. `complaint` is set when it is to be refused. */
  take(bytes: Buffer, pos: number, end: number): number {
    const body = this.#body;
    if (body === undefined || this.complaint !== undefined) return pos;
    const next = body.feed(bytes, pos, end);
    this.bytesIn += next - pos;
    if (body.bad) this.complaint = { code: 'bad-request', cause: body.problem };
    else if (this.#bodyLimit > 0 && body.dataBytes > this.#bodyLimit) this.#refuseSize();
    return next;
  }

  #refuseSize(): void {
    this.complaint = { code: 'body-too-large', cause: `the body is larger than ${this.#bodyLimit} bytes` };
  }

  /** Writes the head for the backend, changed as the route asks. False when it cannot be told safely how to rewrite it. */
  prepare(client: ClientSide, route: RouteSite): boolean {
    const { site, peer } = client;
    const { rewrite } = route;
    const target = rewrite?.target?.(site.head.originTarget);
    if (target === undefined && rewrite?.target !== undefined) return false;
    const out = requestOut(site.head, {
      peer,
      proto: site.proto,
      trusted: this.trusted,
      makeId: site.makeId,
      localAuthority: client.localAuthority,
      continued: this.#continued,
      rewrite: rewrite && { target, host: rewrite.host },
      edit: route.requestEdit,
      lines: this.lines + client.clientLines,
    });
    this.waits = this.#asksFirst(site.head);
    this.id = out.id;
    this.text = out.text;
    this.#hostAt = out.hostAt;
    if (this.trace !== undefined && route.plan.traced === true) this.#traceAt = out.text.length - '\r\n'.length;
    return true;
  }

  /** True when its Expect goes to the backend, and nothing of the body has come yet (RFC 9110 §10.1.1). */
  #asksFirst(head: RequestHead): boolean {
    if (this.#continued || this.minor === 0 || !this.incomplete || this.bytesIn > head.text.length) return false;
    return head.get('expect')?.toLowerCase() === '100-continue';
  }

  /** `text` for this backend, whose own name may be what it is to have as Host; with the lines of its trace, unless not `traced`. */
  textFor(backend: Backend, traced = true): string {
    let { text } = this;
    const at = this.#hostAt;
    const traceAt = this.#traceAt;
    if (traced && traceAt >= 0) text = text.slice(0, traceAt) + this.trace!.lines + text.slice(traceAt);
    return at < 0 ? text : `${text.slice(0, at)}Host: ${hostField(backend.address)}\r\n${text.slice(at)}`;
  }

  /** How much of the body has come, as a held body wants to know it. */
  get progress(): { readonly dataBytes: number; readonly whole: boolean } {
    return { dataBytes: this.#body?.dataBytes ?? 0, whole: !this.incomplete };
  }

  /**
   * The body is held here, so no backend can be asked whether it wants it: a client that waits to be told so is told
   * here (RFC 9110 §10.1.1), unless some of it has come already.
   */
  holdBody(client: ClientSide): void {
    const { head } = client.site;
    this.#continued = true;
    const waits = this.minor === 1 && this.incomplete && this.#body!.dataBytes === 0;
    if (waits && head.get('expect')?.toLowerCase() === '100-continue') client.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  /** Puts body bytes that came along with the head behind it. */
  append(bytes: Buffer, pos: number, end: number): void {
    if (end > pos) this.text += latin1(bytes, pos, end);
  }

  /**
   * Bytes of the body go to a backend; they are kept as long as there are few, if they may be sent again at all. Over
   * HTTP/2 (`mayBeRefused`) a backend can say that it has not looked at a request, which then may go elsewhere whatever its method.
   */
  forwarded(bytes: Buffer, pos: number, end: number, mayBeRefused: boolean): void {
    if (!this.#replayable) return;
    if ((mayBeRefused || isIdempotent(this.method)) && this.replay.length + end - pos <= MAX_REPLAY_BYTES) {
      this.replay += latin1(bytes, pos, end);
      return;
    }
    this.#replayable = false;
    this.replay = '';
  }
}
