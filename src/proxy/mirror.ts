import type { Buffer } from 'node:buffer';
import type { Meters } from '../observe/meters.ts';
import type { PickHint } from '../pick/balancer.ts';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { Expiring } from '../support/deadlines.ts';
import { latin1 } from '../support/latin1.ts';
import { Answer, type AnsweredRequest, type AnswerReader } from './answer.ts';
import type { PoolSite } from './deps.ts';
import type { CopiedRequest, HttpContext, RequestCopy } from './http-context.ts';
import { hintFor, isBackendError } from './http-policy.ts';
import { Link } from './link.ts';
import type { BackendUser } from './upstreams.ts';

/** Requests that are larger, head and body together, are not copied. */
const MAX_COPY_BYTES = 64 * 1024;
/** Copies under way at a time, for one route in one worker. */
const MAX_COPIES = 64;

/** What became of a copy, as metrics have it. */
type CopyResult = 'answered' | 'failed' | 'no-backend' | 'busy' | 'too-large';

/** What a mirror is made of. */
export interface MirrorParts {
  readonly meters: Meters;
  readonly labels: { readonly listener: string; readonly route: string };
  readonly pool: PoolSite;
  /** The share of requests that are copied, 0 to 1. */
  readonly share: number;
  /** How long a copy may take once it is sent, in ms. */
  readonly timeoutMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The mirror of a route in one worker: copies some of its requests to another pool and throws the answers away. */
export class Mirror {
  readonly parts: MirrorParts;
  #active = 0;
  readonly #cells = new Map<CopyResult, number>();

  constructor(parts: MirrorParts) {
    this.parts = parts;
  }

  /**
   * Copies a request that is prepared for its backend, if it is one to be copied. The rest of its body is for the copy's
   * `add`; the copy is sent when all of it is there.
   */
  copy(site: HttpContext, request: CopiedRequest): RequestCopy | undefined {
    if (this.parts.random() >= this.parts.share || request.upgrade) return undefined;
    if (request.text.length > MAX_COPY_BYTES || site.head.contentLength > MAX_COPY_BYTES) {
      this.count('too-large');
      return undefined;
    }
    const copy = new MirrorCopy(this, site, request, hintFor(this.parts.pool, site.head, request.source));
    if (!request.incomplete) copy.send();
    return copy;
  }

  /** Takes a place for a copy; false when there is none. */
  take(): boolean {
    if (this.#active >= MAX_COPIES) return false;
    this.#active++;
    return true;
  }

  /** Gives the place of a copy back. */
  leave(): void {
    this.#active--;
  }

  count(result: CopyResult): void {
    const { meters, labels } = this.parts;
    let cell = this.#cells.get(result);
    if (cell === undefined) {
      cell = meters.counter('mirrors_total', { ...labels, result });
      this.#cells.set(result, cell);
    }
    meters.cells[cell]! += 1;
  }
}

/** One copy of a request: nobody waits for it, and nothing that happens to it reaches the client. */
class MirrorCopy implements RequestCopy, BackendUser, Expiring {
  deadline = Number.POSITIVE_INFINITY;
  deadlineIndex = -1;
  readonly #mirror: Mirror;
  readonly #site: HttpContext;
  readonly #original: CopiedRequest;
  readonly #hint: PickHint;
  readonly #link: Link;
  /** What of the body came after the head was prepared. */
  #body = '';
  #lease: Lease | undefined;
  #answer: Answer | undefined;
  #sentAt = 0;
  #over = false;

  constructor(mirror: Mirror, site: HttpContext, original: CopiedRequest, hint: PickHint) {
    this.#mirror = mirror;
    this.#site = site;
    this.#original = original;
    this.#hint = hint;
    this.#link = new Link({ site }, this);
  }

  /** Takes more of the body, and sends the copy when that was the last of it. */
  add(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return;
    if (this.#original.text.length + this.#body.length + end - start > MAX_COPY_BYTES) {
      this.#over = true;
      this.#body = '';
      this.#mirror.count('too-large');
      return;
    }
    this.#body += latin1(bytes, start, end);
    if (!this.#original.incomplete) this.send();
  }

  /** pick → connect. */
  send(): void {
    const { pool, connect } = this.#mirror.parts.pool;
    if (!this.#mirror.take()) return this.#mirror.count('busy');
    const acquired = pool.acquire(this.#hint);
    if (!acquired.ok) {
      this.#mirror.leave();
      return this.#mirror.count('no-backend');
    }
    this.#lease = acquired.lease;
    const { deadlines } = this.#site.deps;
    deadlines.add(this);
    if (this.#link.takeKept(acquired.lease.backend, connect)) return this.#write();
    this.deadline = deadlines.in(connect.timeoutMs);
    if (!this.#link.dial(acquired.lease.backend, connect)) this.#finish('connect-failed');
  }

  onBackendConnect(): void {
    this.#link.connected(this.#mirror.parts.pool);
    this.#write();
  }

  /** relay. */
  #write(): void {
    const { deadlines, now } = this.#site.deps;
    this.#answer = new Answer(new Nowhere(this.#original.method));
    this.#sentAt = now();
    this.deadline = deadlines.in(this.#mirror.parts.timeoutMs);
    this.#link.wire.writeText(this.#original.textFor(this.#lease!.backend, false) + this.#body);
  }

  onBackendBytes(bytes: Buffer, length: number): boolean {
    const answer = this.#answer;
    if (answer === undefined) return false;
    const began = answer.relaying;
    const step = answer.take(bytes, length);
    if (!began && answer.relaying) this.#noteAnswer(answer.status);
    if (step === 'more') return true;
    if (step === 'done') this.#complete(answer);
    else this.#finish('bad-response');
    return true;
  }

  #noteAnswer(status: number): void {
    this.#mirror.parts.pool.meters.answered(this.#lease!, this.#site.deps.now() - this.#sentAt);
    this.#lease!.show(!isBackendError(status));
  }

  #complete(answer: Answer): void {
    const { connect } = this.#mirror.parts.pool;
    if (answer.persistent && answer.rest === undefined) this.#link.keep(connect, answer.promisedMs);
    this.#finish(isBackendError(answer.status) ? 'bad-status' : 'served');
  }

  /** The one end: nothing is tried again, since a copy is worth no second request. */
  #finish(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#link.drop();
    this.#site.deps.deadlines.remove(this);
    this.#lease?.release(outcome);
    this.#mirror.leave();
    this.#mirror.count(outcome === 'served' ? 'answered' : 'failed');
  }

  onBackendEnd(): void {
    const answer = this.#answer;
    if (answer?.endsWithConnection === true) this.#complete(answer);
    else this.#finish('backend-reset');
  }

  onBackendClose(error: NodeJS.ErrnoException | undefined): void {
    const failure = this.#link.failed(error);
    if (this.#answer === undefined || failure === 'connect-tls') return this.#finish(failure);
    // A kept connection that was closed under the copy says nothing of the backend.
    this.#finish(this.#link.reused && !this.#answer.begun ? 'stale' : 'backend-reset');
  }

  onDeadline(): void {
    this.#finish(this.#answer === undefined ? 'connect-timeout' : 'backend-timeout');
  }

  onBackendDrain(): void {}
}

/** Where the answer to a copy goes. */
class Nowhere implements AnswerReader {
  readonly request: AnsweredRequest;
  readonly answerEdit = undefined;
  readonly session = undefined;
  headBytes = 0;

  constructor(method: string) {
    this.request = { method, minor: 1, upgrade: false, persistent: true };
  }

  mustClose(): boolean {
    return false;
  }

  write(): boolean {
    return true;
  }

  send(): boolean {
    return true;
  }
}
