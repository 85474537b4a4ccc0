import type { Buffer } from 'node:buffer';
import type { PickHint } from '../pick/balancer.ts';
import type { Lease, Outcome } from '../pool/lease.ts';
import { Answer } from './answer.ts';
import { ClientHalf } from './client-half.ts';
import { errorResponse, faultResponse, type OwnResponse, routeResponse, serializeResponse } from './error-response.ts';
import type { FaultPlan } from './fault.ts';
import { HeldBody } from './held-body.ts';
import type { ClientSide, RequestCopy } from './http-context.ts';
import { type Complaint, failureComplaint, hintFor, noRoute, refusalComplaint, unsafePath } from './http-policy.ts';
import { Link } from './link.ts';
import { rateComplaint } from './rate-limit.ts';
import { CLIENT_LEFT, headBytesOf, logRequest } from './request-log.ts';
import { type FailedAttempt, Retries } from './retry.ts';
import type { RouteSite } from './route-site.ts';
import { startUpgraded } from './upgrade-proxy.ts';
import type { BackendUser } from './upstreams.ts';

/** Where an exchange stands. */
type Phase = 'framing' | 'holding' | 'delayed' | 'pausing' | 'connecting' | 'awaiting' | 'relaying' | 'over';

/**
 * One request and its answer: frame → route → pick → connect → relay → observe. It lives from the end of the request's
 * head to the last byte of the answer, holds one lease at a time, and ends once, in `#over`.
 */
export class Exchange extends ClientHalf implements BackendUser {
  /** The backend does not keep up with the body: the client must not be read until it does. */
  backendIsFull = false;
  #phase: Phase = 'framing';
  /** What came of the body while the route is not told. */
  #held: HeldBody | undefined;
  #hint: PickHint = {};
  /** What goes to the route's mirror. */
  #copy: RequestCopy | undefined;
  #lease: Lease | undefined;
  /** When this attempt must have brought the head of an answer. */
  #tryBy = Number.POSITIVE_INFINITY;
  /** Undefined until an attempt failed. */
  #retries: Retries | undefined;
  readonly #link: Link;
  #sentAt = 0;
  /** When the answer must have begun; set when the whole request is there. */
  #answerBy = Number.POSITIVE_INFINITY;
  #answer: Answer | undefined;
  /** Bytes have moved since the last look; at first true, so that a request has some time to move any. */
  #moved = true;

  /** Takes the request whose head was just parsed. */
  constructor(client: ClientSide) {
    super(client);
    this.#link = new Link(client, this);
  }

  // frame → route

  /** Begins with the body bytes that came along with the head; returns where the request's bytes end. */
  start(bytes: Buffer, pos: number, end: number): number {
    const { request, client } = this;
    const { site } = client;
    const bodyEnd = request.take(bytes, pos, end);
    if (request.complaint !== undefined) return this.#refuse(request.complaint, end);
    const route = site.route(request.source);
    if (route !== undefined || site.bodyWanted === 0) this.#routed(route, bytes, pos, bodyEnd);
    else {
      this.#phase = 'holding';
      this.#held = new HeldBody(site.head, site.bodyWanted);
      request.holdBody(client);
      this.#hold(bytes, pos, bodyEnd);
    }
    return bodyEnd;
  }

  /** Holds bytes of the body until the route can be told by it. */
  #hold(bytes: Buffer, pos: number, end: number): void {
    const { site } = this.client;
    const held = this.#held!;
    held.add(bytes, pos, end, this.request.progress);
    const route = site.routeHeld(this.request.source, held);
    if (route === 'more') return this.client.expectIn(site.timeouts.body);
    this.#held = undefined;
    this.#routed(route, held.bytes, 0, held.bytes.length);
  }

  /** The route is told, if there is one; `bytes[pos..end)` is what has come of the body. */
  #routed(route: RouteSite | undefined, bytes: Buffer, pos: number, end: number): void {
    const { request, client } = this;
    const { site } = client;
    if (route === undefined) return this.#complain(noRoute(site.name));
    this.route = route;
    const waitMs = route.rateLimit?.take(site.head, request.source) ?? 0;
    if (waitMs > 0) return this.#complain(rateComplaint(waitMs));
    this.session = route.sticky?.find(site.head, request.source, route.choosePool);
    this.pool = this.session === undefined ? route.choosePool() : this.session.pool;
    if (this.pool === undefined) {
      const response = routeResponse(route, site.head.originTarget);
      return response === undefined ? this.#complain(unsafePath) : this.#reply(response);
    }
    this.#hint = hintFor(this.pool, site.head, request.source);
    if (!request.prepare(client, route)) return this.#complain(unsafePath);
    request.append(bytes, pos, end);
    if (!request.incomplete) this.#answerBy = site.deps.deadlines.in(route.plan.timeoutMs);
    if (route.plan.mirror !== undefined) this.#copy = site.mirror(route, request);
    if (route.fault?.hits() === true) this.#fault(route.fault.plan);
    else this.#attempt();
  }

  /** The route's fault hits this request: it is held up, answered with an error, or both. */
  #fault({ delayMs, status }: Pick<FaultPlan, 'delayMs' | 'status'>): void {
    if (delayMs > 0) {
      this.#phase = 'delayed';
      this.client.deadline = this.client.site.deps.deadlines.in(delayMs);
    } else if (status > 0) this.#reply(faultResponse(status, this.route.plan.name), 'client-aborted', 'fault');
    else this.#attempt();
  }

  // pick → connect

  /** Tries a backend; `after` is how another one failed, of which the client is told when none is left to try. */
  #attempt(after?: Outcome): void {
    const { pool, meters } = this.pool!;
    const tried = this.#retries?.tried;
    const acquired = this.session?.acquire(this.#hint, tried) ?? pool.acquire(this.#hint, tried);
    if (!acquired.ok) {
      this.attempts = Math.max(this.attempts, 1);
      if (after !== undefined) return this.#complain(failureComplaint(after, this.#link.problem), after);
      return this.#complain(refusalComplaint(acquired.refusal, pool.name));
    }
    if (after !== undefined) meters.retried(after);
    this.attempts++;
    this.#lease = acquired.lease;
    this.backend = acquired.lease.backend;
    this.request.trace?.tried(this.backend, after);
    this.#phase = 'connecting';
    this.#tryBy = this.client.site.deps.deadlines.in(this.route.perTryMs);
    const takesKept = this.#retries?.freshOnly !== true && this.request.takesKept(this.client.served);
    if (takesKept && this.#link.takeKept(this.backend, this.pool!.connect)) return this.#send();
    this.#expectConnection(this.#link.dial(this.backend, this.pool!.connect));
  }

  /** connect: a dial is under way, or there is no address to dial. */
  #expectConnection(dialling: boolean): void {
    if (!dialling) return this.#fail('connect-failed');
    const { deadlines } = this.client.site.deps;
    this.client.deadline = Math.min(deadlines.in(this.pool!.connect.timeoutMs), this.#answerBy, this.#tryBy);
  }

  onBackendConnect(): void {
    this.#link.connected(this.pool!);
    this.#send();
  }

  // relay: the request

  #send(): void {
    this.#phase = 'awaiting';
    this.#answer = new Answer(this);
    // A kept connection costs no time that a look at the clock would show.
    this.#sentAt = this.attempts === 1 && !this.#link.dialled ? this.startedAt : this.client.site.deps.now();
    this.backendIsFull = !this.#link.wire.writeText(this.request.textFor(this.backend!) + this.request.replay);
    this.#expectMore();
    if (this.request.incomplete) this.client.proceed();
  }

  /** Sets the time until something must happen: more of the body, or the answer. */
  #expectMore(): void {
    const { site } = this.client;
    if (this.#phase === 'relaying') this.client.expectIn(site.timeouts.idle);
    else if (this.request.incomplete && !this.backendIsFull) this.client.expectIn(site.timeouts.body);
    else if (this.request.incomplete) this.client.expectIn(this.route.plan.timeoutMs);
    else this.client.deadline = Math.min(this.#answerBy, this.#tryBy);
  }

  /** Takes body bytes that came after the head; returns where the request's bytes end, `pos` when none can be taken yet. */
  takeBody(bytes: Buffer, pos: number, end: number): number {
    const { request } = this;
    if (!request.incomplete || this.backendIsFull) return pos;
    if (this.#phase === 'connecting' || this.#phase === 'delayed' || this.#phase === 'pausing') return pos;
    const next = request.take(bytes, pos, end);
    if (request.complaint !== undefined) return this.#refuse(request.complaint, end);
    this.#moved = true;
    if (this.#held !== undefined) {
      this.#hold(bytes, pos, next);
      return next;
    }
    request.forwarded(bytes, pos, next, this.pool!.connect.http2 === true);
    this.#copy?.add(bytes, pos, next);
    this.backendIsFull = !this.#link.wire.send(bytes, pos, next);
    if (!request.incomplete) {
      this.#answerBy = this.client.site.deps.deadlines.in(this.route.plan.timeoutMs);
      this.#tryBy = this.client.site.deps.deadlines.in(this.route.perTryMs);
    }
    this.#expectMore();
    return next;
  }

  onBackendDrain(): void {
    this.backendIsFull = false;
    this.#moved = true;
    this.#expectMore();
    this.client.proceed();
  }

  // relay: the answer

  onBackendBytes(bytes: Buffer, length: number): boolean {
    const answer = this.#answer!;
    const began = answer.relaying;
    this.#moved = true;
    const step = answer.take(bytes, length);
    if (this.#phase === 'over') return false;
    if (!began && answer.relaying) {
      this.#phase = 'relaying';
      this.#retries?.end();
      this.firstByteMs = this.client.site.deps.now() - this.#sentAt;
      this.pool!.meters.answered(this.#lease!, this.firstByteMs);
    }
    if (step === 'done') this.#complete();
    else if (step === 'upgraded') this.#upgraded();
    else if (step === 'bad') this.#fail('bad-response');
    else if (step === 'declined') this.#again('bad-status');
    else {
      this.#expectMore();
      return !answer.clientIsFull;
    }
    return true;
  }

  get connectMs(): number {
    return this.#link.connectMs;
  }

  onClientDrain(): void {
    const answer = this.#answer;
    if (answer?.clientIsFull !== true) return;
    answer.clientIsFull = false;
    this.#moved = true;
    this.#expectMore();
    this.#link.resume();
  }

  /** True when bytes have moved since this was last asked, or wait for the client, which then has not left yet. */
  movedSinceLastLook(): boolean {
    const moved = this.#moved || this.#answer?.clientIsFull === true;
    this.#moved = false;
    return moved;
  }

  /** The answer is whole: the backend's connection waits for the next exchange, if both sides are where they should be. */
  #complete(): void {
    const answer = this.#answer!;
    const reusable = answer.persistent && answer.rest === undefined && !this.request.incomplete;
    if (reusable) this.#link.keep(this.pool!.connect, answer.promisedMs);
    else this.#link.drop();
    const failed = answer.status >= 502 && answer.status <= 504;
    this.#over(failed ? 'bad-status' : 'served', answer.status, 'served');
    this.client.exchanged(answer.close || this.request.incomplete);
  }

  /** Both sides have left HTTP: from here it is bytes both ways, on the same lease. */
  #upgraded(): void {
    const parts = { lease: this.#lease!, backend: this.#link.release(), early: this.#answer!.rest };
    this.#lease = undefined;
    this.#phase = 'over';
    this.route.count(101, this.client.site.deps.now() - this.startedAt, this.pool, this.backend);
    startUpgraded(this, parts);
  }

  // The ways it goes wrong

  onBackendEnd(): void {
    if (this.#answer?.endsWithConnection === true) return this.#complete();
    this.#fail('backend-reset');
  }

  onBackendClose(error: NodeJS.ErrnoException | undefined): void {
    const failure = this.#link.failed(error);
    this.#fail(this.#phase === 'connecting' ? failure : 'backend-reset');
  }

  onDeadline(): void {
    const { deadlines } = this.client.site.deps;
    if (this.#phase === 'delayed') return this.#fault({ delayMs: 0, status: this.route.fault!.plan.status });
    if (this.#phase === 'connecting' && this.#answerBy > deadlines.now) return this.#fail('connect-timeout');
    if (this.#phase === 'pausing') return this.#complain(failureComplaint('backend-timeout', ''), 'backend-timeout');
    const takesBody = this.#phase === 'awaiting' || this.#phase === 'holding';
    if (takesBody && this.request.incomplete && !this.backendIsFull) {
      return this.#complain({ code: 'request-timeout', cause: 'the request body did not arrive in time' });
    }
    if (this.#phase === 'relaying' && this.#answer?.clientIsFull === true) return this.abort('client-timeout');
    this.#fail('backend-timeout');
  }

  /** An attempt failed: once more on another backend if that is safe, else the client is told. */
  #fail(outcome: Outcome): void {
    if (this.#phase === 'connecting' && this.#link.dialNext(this.backend!, this.pool!.connect)) {
      return this.#expectConnection(true);
    }
    const answer = this.#answer;
    const { reused, unprocessed } = this.#link;
    this.#link.drop();
    if (answer?.relaying === true) {
      this.cause = answer.problem;
      this.#over(outcome, answer.status, outcome);
      return this.client.reset();
    }
    const next = this.#retriesOf().after(outcome, this.#failed(reused, unprocessed));
    if (next === 'give-up')
      return this.#complain(failureComplaint(outcome, answer?.problem ?? this.#link.problem), outcome);
    if (next === 'again') return this.#again(outcome);
    this.#letGo('stale');
    this.attempts--;
    this.#attempt();
  }

  #retriesOf(): Retries {
    this.#retries ??= new Retries(this.route.plan.retry, this.pool!);
    return this.#retries;
  }

  #failed(reused: boolean, unprocessed = false): FailedAttempt {
    const maySendAgain = this.request.maySendAgain || (unprocessed && this.request.atHand);
    const late = this.#answerBy <= this.client.site.deps.deadlines.now;
    const begun = this.#answer?.begun === true;
    return { backend: this.backend!, attempts: this.attempts, reused, unprocessed, begun, maySendAgain, late };
  }

  declines(): boolean {
    return this.#retriesOf().declines(this.#failed(false));
  }

  #letGo(outcome: Outcome): void {
    const lease = this.#lease!;
    this.#lease = undefined;
    this.#answer = undefined;
    lease.release(outcome);
  }

  /** Once more, on another backend; at once, or after a pause. */
  #again(outcome: Outcome): void {
    this.#link.drop();
    this.#letGo(outcome);
    if (!this.#retries!.pause(() => this.#attempt(outcome))) return this.#attempt(outcome);
    this.#phase = 'pausing';
    this.client.deadline = this.#answerBy;
  }

  /** The client left, or does not take its answer, which is never held against the backend. */
  abort(ended = 'client-aborted'): void {
    if (this.#phase === 'over') return;
    this.#over('client-aborted', CLIENT_LEFT, ended);
    if (this.#answer?.relaying === true) this.client.reset();
    else this.client.close();
  }

  /** The connection is ended for no fault of this request. */
  cut(ended: 'drained' | 'banned'): void {
    if (this.#phase !== 'over') this.#over('client-aborted', this.#answer?.status || 503, ended);
  }

  /** Answers with one of Fairlead's own errors; `outcome` says how the last attempt ended, if there was one. */
  #complain({ code, cause, retryAfterS, reason = code }: Complaint, outcome: Outcome = 'client-aborted'): void {
    if (outcome === 'client-aborted') this.client.site.refused(reason, this.request.source);
    this.cause = cause;
    this.#reply(errorResponse(code, cause, this.route.answerEdit, retryAfterS), outcome, code);
  }

  #reply(response: OwnResponse, outcome: Outcome = 'client-aborted', ended = 'served'): void {
    const close = !this.request.persistent || this.request.complaint !== undefined || this.mustClose();
    const text = serializeResponse(response, { close, bodiless: this.request.method === 'HEAD' });
    this.headBytes += headBytesOf(text);
    this.write(text);
    this.#over(outcome, response.status, ended);
    this.client.exchanged(close);
  }

  /** The request is refused for its framing or size: what follows it cannot be told from a request, so the connection ends. */
  #refuse(complaint: Complaint, end: number): number {
    if (this.#answer?.relaying === true) {
      this.cause = complaint.cause;
      this.#over('client-aborted', this.#answer.status, complaint.code);
      this.client.reset();
    } else this.#complain(complaint);
    return end;
  }

  // observe

  /** The one end of every exchange: the lease goes back, what happened is counted and logged. */
  #over(outcome: Outcome, status: number, ended: string): void {
    this.#phase = 'over';
    this.#retries?.end();
    this.#link.drop();
    const lease = this.#lease;
    this.#lease = undefined;
    lease?.release(outcome);
    this.route.count(status, this.client.site.deps.now() - this.startedAt, this.pool, this.backend);
    logRequest(this, status, ended);
  }
}
