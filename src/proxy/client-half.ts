import type { Buffer } from 'node:buffer';
import type { HeadEdit } from '../http1/head-edit.ts';
import type { PickHint } from '../pick/balancer.ts';
import type { Backend } from '../pool/backend.ts';
import { isFailure, type Outcome } from '../pool/lease.ts';
import type { AnswerReader } from './answer.ts';
import type { PoolSite } from './deps.ts';
import { errorResponse, faultResponse, type OwnResponse, routeResponse, serializeResponse } from './error-response.ts';
import type { FaultPlan } from './fault.ts';
import { HeldBody } from './held-body.ts';
import type { ClientSide, RequestCopy } from './http-context.ts';
import { type Complaint, hintFor, noRoute, unsafePath } from './http-policy.ts';
import { HttpRequest } from './http-request.ts';
import { rateComplaint } from './rate-limit.ts';
import { headBytesOf, type LoggedExchange } from './request-log.ts';
import type { RouteSite } from './route-site.ts';
import type { Session } from './sticky.ts';

/** Where an exchange stands. */
export type Phase =
  | 'framing'
  | 'holding'
  | 'delayed'
  | 'queued'
  | 'pausing'
  | 'connecting'
  | 'awaiting'
  | 'relaying'
  | 'over';

/** The client's half of an exchange: what it asked, where that leads, what was written to it, and what is told of it later. */
export abstract class ClientHalf implements AnswerReader, LoggedExchange {
  readonly client: ClientSide;
  readonly request: HttpRequest;
  readonly startedAt: number;
  route: RouteSite;
  pool: PoolSite | undefined;
  backend: Backend | undefined;
  session: Session | undefined;
  attempts = 0;
  bytesOut = 0;
  headBytes = 0;
  firstByteMs = 0;
  cause = '';
  protected phase: Phase = 'framing';
  protected hint: PickHint = {};
  /** What came of the body while the route is not told. */
  protected held: HeldBody | undefined;
  /** What goes to the route's mirror. */
  protected copy: RequestCopy | undefined;
  /** When the answer must have begun; set when the whole request is there, or all that comes before the backend has its say. */
  protected answerBy = Number.POSITIVE_INFINITY;

  /** Takes the request whose head was just parsed. */
  constructor(client: ClientSide) {
    this.client = client;
    this.startedAt = client.site.deps.now();
    this.request = new HttpRequest(client);
    this.route = client.site.nowhere;
  }

  /** Ms since it began. */
  protected get elapsedMs(): number {
    return this.client.site.deps.now() - this.startedAt;
  }

  /** How long it has waited for a lease, all attempts together, in ms. */
  abstract readonly queueMs: number;
  /** How long the connection of the last attempt took, in ms; 0 for a kept one. */
  abstract readonly connectMs: number;

  // frame → route

  /** Begins with the body bytes that came along with the head; returns where the request's bytes end. */
  start(bytes: Buffer, pos: number, end: number): number {
    const { request, client } = this;
    const { site } = client;
    const bodyEnd = request.take(bytes, pos, end);
    if (request.complaint !== undefined) return this.refuse(request.complaint, end);
    const route = site.route(request.source);
    if (route !== undefined || site.bodyWanted === 0) this.#routed(route, bytes, pos, bodyEnd);
    else {
      this.phase = 'holding';
      this.held = new HeldBody(site.head, site.bodyWanted);
      request.holdBody(client);
      this.hold(bytes, pos, bodyEnd);
    }
    return bodyEnd;
  }

  /** Holds bytes of the body until the route can be told by it. */
  protected hold(bytes: Buffer, pos: number, end: number): void {
    const { site } = this.client;
    const held = this.held!;
    held.add(bytes, pos, end, this.request.progress);
    const route = site.routeHeld(this.request.source, held);
    if (route === 'more') return this.client.expectIn(site.timeouts.body);
    this.held = undefined;
    this.#routed(route, held.bytes, 0, held.bytes.length);
  }

  /** The route is told, if there is one; `bytes[pos..end)` is what has come of the body. */
  #routed(route: RouteSite | undefined, bytes: Buffer, pos: number, end: number): void {
    const { request, client } = this;
    const { site } = client;
    if (route === undefined) return this.complain(noRoute(site.name));
    this.route = route;
    const waitMs = route.rateLimit?.take(site.head, request.source) ?? 0;
    if (waitMs > 0) return this.complain(rateComplaint(waitMs));
    this.session = route.sticky?.find(site.head, request.source, route.choosePool);
    this.pool = this.session === undefined ? route.choosePool() : this.session.pool;
    if (this.pool === undefined) {
      const response = routeResponse(route, site.head.originTarget);
      return response === undefined ? this.complain(unsafePath) : this.reply(response);
    }
    this.hint = hintFor(this.pool, site.head, request.source);
    if (!request.prepare(client, route)) return this.complain(unsafePath);
    request.append(bytes, pos, end);
    if (!request.incomplete || request.waits) this.answerBy = site.deps.deadlines.in(route.plan.timeoutMs);
    if (route.plan.mirror !== undefined) this.copy = site.mirror(route, request);
    if (route.fault?.hits() === true) this.fault(route.fault.plan);
    else this.attempt();
  }

  /** The route's fault hits this request: it is held up, answered with an error, or both. */
  protected fault({ delayMs, status }: Pick<FaultPlan, 'delayMs' | 'status'>): void {
    if (delayMs > 0) {
      this.phase = 'delayed';
      this.client.deadline = this.client.site.deps.deadlines.in(delayMs);
    } else if (status > 0) this.reply(faultResponse(status, this.route), 'client-aborted', 'fault');
    else this.attempt();
  }

  /** Tries a backend: the request is routed, and all of it that has come is at hand. */
  protected abstract attempt(): void;

  /** The request is refused for its framing or size; returns `end`, since nothing behind it can be told from it. */
  protected abstract refuse(complaint: Complaint, end: number): number;

  // what the client gets

  write(text: string): boolean {
    this.bytesOut += text.length;
    return this.client.write(text);
  }

  send(bytes: Buffer, start: number, end: number): boolean {
    this.bytesOut += end - start;
    return this.client.send(bytes, start, end);
  }

  get answerEdit(): HeadEdit | undefined {
    return this.route.answerEdit;
  }

  get unwanted(): ReadonlySet<number> | undefined {
    return this.route.unwanted;
  }

  /** The backend answered with a status that leads to another try: true when there will be one. */
  abstract declines(status: number): boolean;

  /** The one end of an exchange: what happened is counted and logged. */
  protected abstract over(outcome: Outcome, status: number, ended: string): void;

  /** Answers with one of Fairlead's own errors; `outcome` says how the last attempt ended, if there was one. */
  protected complain(
    { code, cause, retryAfterS, reason = code }: Complaint,
    outcome: Outcome = 'client-aborted',
  ): void {
    if (!isFailure(outcome)) this.client.site.refused(reason, this.request.source);
    this.cause = cause;
    this.reply(errorResponse(code, cause, this.route.answerEdit, retryAfterS), outcome, code);
  }

  protected reply(response: OwnResponse, outcome: Outcome = 'client-aborted', ended = 'served'): void {
    const close = !this.request.persistent || this.request.complaint !== undefined || this.mustClose();
    const text = serializeResponse(response, { close, bodiless: this.request.method === 'HEAD' });
    this.headBytes += headBytesOf(text);
    this.write(text);
    this.over(outcome, response.status, ended);
    this.client.exchanged(close);
  }

  mustClose(): boolean {
    return this.request.incomplete || this.client.site.draining || this.client.nothingToCome;
  }
}
