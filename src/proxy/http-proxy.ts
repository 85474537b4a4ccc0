import type { Buffer } from 'node:buffer';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { Acquired } from '../pool/pool.ts';
import type { CutReason } from '../relay/tunnel.ts';
import { Answer } from './answer.ts';
import { ClientHalf, type Phase } from './client-half.ts';
import type { ClientSide } from './http-context.ts';
import { type Complaint, failureComplaint, isBackendError, refusalComplaint, waitedComplaint } from './http-policy.ts';
import { Link } from './link.ts';
import { QueuePlace } from './queue-place.ts';
import { CLIENT_LEFT, logRequest } from './request-log.ts';
import { type FailedAttempt, Retries } from './retry.ts';
import { startUpgraded } from './upgrade-proxy.ts';
import type { BackendUser } from './upstreams.ts';

/** Where no more of a body can be taken, for there is nobody to send it to. */
const withoutBackend: ReadonlySet<Phase> = new Set(['delayed', 'queued', 'pausing', 'connecting']);

/**
 * One request and its answer: frame → route → pick → connect → relay → observe. It lives from the end of the request's
 * head to the last byte of the answer, holds one lease at a time, and ends once, in `over`.
 */
export class Exchange extends ClientHalf implements BackendUser {
  /** The backend does not keep up with the body: the client must not be read until it does. */
  backendIsFull = false;
  #lease: Lease | undefined;
  /** Where it has waited last, if it had to. */
  #place: QueuePlace | undefined;
  /** When this attempt must have brought the head of an answer. */
  #tryBy = Number.POSITIVE_INFINITY;
  /** Undefined until an attempt failed. */
  #retries: Retries | undefined;
  readonly #link: Link;
  #sentAt = 0;
  #answer: Answer | undefined;
  /** Bytes have moved since the last look; at first true, so that a request has some time to move any. */
  #moved = true;

  /** Takes the request whose head was just parsed. */
  constructor(client: ClientSide) {
    super(client);
    this.#link = new Link(client, this);
  }

  // pick → connect

  /** Tries a backend; `after` is how another one failed, of which the client is told when none is left to try. */
  protected override attempt(after?: Outcome): void {
    const acquired = this.#acquire();
    if (acquired.ok) return this.#leased(acquired.lease, after);
    if (acquired.refusal === 'all-saturated' && this.#queueUp(after)) return;
    this.#unserved(refusalComplaint(acquired.refusal, this.pool!.pool.name), after);
  }

  #acquire(): Acquired {
    const tried = this.#retries?.tried;
    return this.session?.acquire(this.hint, tried) ?? this.pool!.pool.acquire(this.hint, tried);
  }

  /** Waits until a backend has a free place; false when there is no place to wait in. */
  #queueUp(after: Outcome | undefined): boolean {
    const { deadlines, now } = this.client.site.deps;
    const place = QueuePlace.join(this.pool!, now, {
      after,
      before: this.#place,
      choosy: this.#retries !== undefined,
      acquire: () => this.#acquire(),
      leased: (lease) => this.#leased(lease, after),
    });
    if (place === undefined) return false;
    this.#place = place;
    this.phase = 'queued';
    this.client.deadline = Math.min(deadlines.in(place.timeoutMs), this.answerBy);
    return true;
  }

  #waitedTooLong(place: QueuePlace): void {
    place.leave('timeout');
    this.#unserved(waitedComplaint(this.pool!.pool.name), place.after);
  }

  /** There is no lease for it, nor will there be one in time. */
  #unserved(complaint: Complaint, after: Outcome | undefined): void {
    this.attempts = Math.max(this.attempts, 1);
    if (after === undefined) this.complain(complaint);
    else this.complain(failureComplaint(after, this.#link.problem), after);
  }

  #leased(lease: Lease, after: Outcome | undefined): void {
    const { meters, connect } = this.pool!;
    if (after !== undefined) meters.retried(after);
    this.attempts++;
    this.#lease = lease;
    this.backend = lease.backend;
    this.request.trace?.tried(this.backend, after, this.elapsedMs);
    this.phase = 'connecting';
    this.#tryBy = this.client.site.deps.deadlines.in(this.route.perTryMs);
    const takesKept = this.#retries?.freshOnly !== true && this.request.takesKept(this.client.served);
    if (takesKept && this.#link.takeKept(this.backend, connect)) return this.#send();
    this.#expectConnection(this.#link.dial(this.backend, connect));
  }

  /** connect: a dial is under way, or there is no address to dial. */
  #expectConnection(dialling: boolean): void {
    if (!dialling) return this.#fail('connect-failed');
    const { deadlines } = this.client.site.deps;
    this.client.deadline = Math.min(deadlines.in(this.pool!.connect.timeoutMs), this.answerBy, this.#tryBy);
  }

  onBackendConnect(): void {
    this.#link.connected(this.pool!);
    this.#send();
  }

  // relay: the request

  #send(): void {
    this.phase = 'awaiting';
    this.#answer = new Answer(this);
    // A kept connection costs no time that a look at the clock would show.
    const atOnce = this.attempts === 1 && !this.#link.dialled && this.#place === undefined;
    this.#sentAt = atOnce ? this.startedAt : this.client.site.deps.now();
    this.backendIsFull = !this.#link.wire.writeText(this.request.textFor(this.backend!) + this.request.replay);
    this.#expectMore();
    if (this.request.incomplete) this.client.proceed();
  }

  /** Sets the time until something must happen: more of the body, or the answer. */
  #expectMore(): void {
    const { site } = this.client;
    if (this.phase === 'relaying') this.client.expectIn(site.timeouts.idle);
    else if (!this.#bodyIsDue()) this.client.deadline = Math.min(this.answerBy, this.#tryBy);
    else if (!this.backendIsFull) this.client.expectIn(site.timeouts.body);
    else this.client.expectIn(this.route.plan.timeoutMs);
  }

  /** It is the client's turn, not the backend's. */
  #bodyIsDue(): boolean {
    return this.request.incomplete && !this.request.waits;
  }

  /** The client that waited goes on with its body, or has been told to: the backend's time runs again when it is there. */
  #bodyBegins(): void {
    this.request.waits = false;
    this.answerBy = Number.POSITIVE_INFINITY;
  }

  /** Takes body bytes that came after the head; returns where the request's bytes end, `pos` when none can be taken yet. */
  takeBody(bytes: Buffer, pos: number, end: number): number {
    const { request } = this;
    if (!request.incomplete || this.backendIsFull) return pos;
    if (withoutBackend.has(this.phase)) return pos;
    const next = request.take(bytes, pos, end);
    if (request.complaint !== undefined) return this.refuse(request.complaint, end);
    this.#moved = true;
    if (request.waits && next > pos) this.#bodyBegins();
    if (this.held !== undefined) {
      this.hold(bytes, pos, next);
      return next;
    }
    request.forwarded(bytes, pos, next, this.pool!.connect.http2 === true);
    this.copy?.add(bytes, pos, next);
    this.backendIsFull = !this.#link.wire.send(bytes, pos, next);
    if (!request.incomplete) {
      this.answerBy = this.client.site.deps.deadlines.in(this.route.plan.timeoutMs);
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
    if (this.phase === 'over') return false;
    if (this.request.waits && answer.continued) this.#bodyBegins();
    if (!began && answer.relaying) {
      this.phase = 'relaying';
      this.#retries?.end();
      this.firstByteMs = this.client.site.deps.now() - this.#sentAt;
      this.pool!.meters.answered(this.#lease!, this.firstByteMs);
      this.#lease!.show(!isBackendError(answer.status));
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

  get queueMs(): number {
    return this.#place?.totalMs ?? 0;
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

  /** True when bytes have moved since this was last asked. */
  movedSinceLastLook(): boolean {
    const moved = this.#moved;
    this.#moved = false;
    return moved;
  }

  /** The answer is whole: the backend's connection waits for the next exchange, if both sides are where they should be. */
  #complete(): void {
    const answer = this.#answer!;
    const reusable = answer.persistent && answer.rest === undefined && !this.request.incomplete;
    if (reusable) this.#link.keep(this.pool!.connect, answer.promisedMs);
    else this.#link.drop();
    this.over(isBackendError(answer.status) ? 'bad-status' : 'served', answer.status, 'served');
    this.client.exchanged(answer.close || this.request.incomplete);
  }

  /** Both sides have left HTTP: from here it is bytes both ways, on the same lease. */
  #upgraded(): void {
    const parts = { lease: this.#lease!, backend: this.#link.release(), early: this.#answer!.rest };
    this.#lease = undefined;
    this.phase = 'over';
    this.route.count(101, this.elapsedMs, this.pool, this.backend);
    startUpgraded(this, parts);
  }

  // The ways it goes wrong

  onBackendEnd(): void {
    if (this.#answer?.endsWithConnection === true) return this.#complete();
    this.#fail('backend-reset');
  }

  onBackendClose(error: NodeJS.ErrnoException | undefined): void {
    const failure = this.#link.failed(error);
    // A backend may refuse TLS when the request is on its way already.
    this.#fail(this.phase === 'connecting' || failure === 'connect-tls' ? failure : 'backend-reset');
  }

  onDeadline(): void {
    const { deadlines } = this.client.site.deps;
    if (this.phase === 'queued') return this.#waitedTooLong(this.#place!);
    if (this.phase === 'delayed') return this.fault({ delayMs: 0, status: this.route.fault!.plan.status });
    if (this.phase === 'connecting' && this.answerBy > deadlines.now) return this.#fail('connect-timeout');
    if (this.phase === 'pausing') return this.complain(failureComplaint('backend-timeout', ''), 'backend-timeout');
    const takesBody = this.phase === 'awaiting' || this.phase === 'holding';
    if (takesBody && this.#bodyIsDue() && !this.backendIsFull) {
      return this.complain({ code: 'request-timeout', cause: 'the request body did not arrive in time' });
    }
    if (this.phase === 'relaying' && this.#answer?.clientIsFull === true) return this.abort('client-timeout');
    this.#link.doubt();
    this.#fail('backend-timeout');
  }

  /** An attempt failed: once more on another backend if that is safe, else the client is told. */
  #fail(outcome: Outcome): void {
    const elsewhere = this.phase === 'connecting' && outcome !== 'out-of-files';
    if (elsewhere && this.#link.dialNext(this.backend!, this.pool!.connect)) {
      return this.#expectConnection(true);
    }
    const answer = this.#answer;
    const { reused, unprocessed } = this.#link;
    this.#link.drop();
    if (answer?.relaying === true) {
      this.cause = answer.problem;
      this.over(outcome, answer.status, outcome);
      return this.client.reset();
    }
    const next = this.#retriesOf().after(outcome, this.#failed(reused, unprocessed));
    if (next === 'give-up')
      return this.complain(failureComplaint(outcome, answer?.problem || this.#link.problem), outcome);
    if (next === 'again') return this.#again(outcome);
    this.#letGo('stale');
    this.attempts--;
    this.attempt();
  }

  #retriesOf(): Retries {
    this.#retries ??= new Retries(this.route.plan.retry, this.pool!);
    return this.#retries;
  }

  #failed(reused: boolean, unprocessed = false): FailedAttempt {
    const maySendAgain = this.request.maySendAgain || (unprocessed && this.request.atHand);
    const late = this.answerBy <= this.client.site.deps.deadlines.now;
    const begun = this.#answer?.begun === true;
    const sent = this.#answer !== undefined;
    return { backend: this.backend!, attempts: this.attempts, reused, unprocessed, sent, begun, maySendAgain, late };
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

  /** Once more, on another backend; at once, after a pause, or not after all, when too many others are tried again. */
  #again(outcome: Outcome): void {
    this.#link.drop();
    this.#letGo(outcome);
    const go = (mayGo: boolean): void => {
      if (mayGo) this.attempt(outcome);
      else this.complain(failureComplaint(outcome, this.#link.problem), outcome);
    };
    if (!this.#retries!.pause(go)) return go(true);
    this.phase = 'pausing';
    this.client.deadline = this.answerBy;
  }

  /** The client left, or does not take its answer, which is never held against the backend. */
  abort(ended = 'client-aborted'): void {
    if (this.phase === 'over') return;
    this.over('client-aborted', CLIENT_LEFT, ended);
    if (this.#answer?.relaying === true) this.client.reset();
    else this.client.close();
  }

  /** The connection is ended for no fault of this request. True when that leaves the client with a part of its answer. */
  cut(ended: CutReason): boolean {
    if (this.phase === 'over') return false;
    const isAnswering = this.#answer?.relaying === true;
    this.over('client-aborted', this.#answer?.status || 503, ended);
    return isAnswering;
  }

  /** The request is refused for its framing or size: what follows it cannot be told from a request, so the connection ends. */
  protected override refuse(complaint: Complaint, end: number): number {
    if (this.#answer?.relaying === true) {
      this.cause = complaint.cause;
      this.over('client-aborted', this.#answer.status, complaint.code);
      this.client.reset();
    } else this.complain(complaint);
    return end;
  }

  // observe

  /** The one end of every exchange: the lease goes back, what happened is counted and logged. */
  protected override over(outcome: Outcome, status: number, ended: string): void {
    this.phase = 'over';
    this.#retries?.end();
    this.#place?.leave('left');
    this.#link.drop();
    const lease = this.#lease;
    this.#lease = undefined;
    lease?.release(outcome);
    this.route.count(status, this.elapsedMs, this.pool, this.backend);
    logRequest(this, status, ended);
  }
}
