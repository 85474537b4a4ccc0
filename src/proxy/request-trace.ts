import type { RequestHead } from '../http1/request-head.ts';
import type { AccessBuffer } from '../observe/access-log.ts';
import { isSampled, makeSpanId, makeTraceId, parseTraceparent } from '../observe/trace-context.ts';
import type { AttemptRecord, TraceRecord, TracingPlan } from '../observe/trace-record.ts';
import type { Backend } from '../pool/backend.ts';

/** Attempts of one request that have a span; a request that is tried more often has spans of the first ones. */
const MAX_ATTEMPT_SPANS = 16;

/** Tracing in one worker: exists only where an exporter is configured. */
export class RequestTracer {
  readonly plan: TracingPlan;
  /** Takes the records of requests that are over. */
  readonly records: AccessBuffer;
  readonly random: () => number;

  constructor(plan: TracingPlan, deps: { records: AccessBuffer; random: () => number }) {
    this.plan = plan;
    this.records = deps.records;
    this.random = deps.random;
  }

  /** The trace of the request whose head was just parsed: the client's if it sent a valid one, else a new one. */
  begin(head: RequestHead): RequestTrace {
    return new RequestTrace(this, head);
  }
}

/** The part of a trace that one request is, with the spans of its attempts. Times are ms since the request began. */
export class RequestTrace {
  readonly traceId: string;
  readonly sampled: boolean;
  readonly #tracer: RequestTracer;
  readonly #parentId: string;
  readonly #state: string;
  readonly #spanId: string;
  readonly #attempts: AttemptRecord[] = [];
  #open: { readonly spanId: string; readonly backend: Backend; readonly startMs: number } | undefined;

  constructor(tracer: RequestTracer, head: RequestHead) {
    const { plan, random } = tracer;
    const parent = parseTraceparent(head.get('traceparent'));
    this.#tracer = tracer;
    this.traceId = parent?.traceId ?? makeTraceId(random);
    this.sampled = parent !== undefined && plan.parentBased ? parent.sampled : isSampled(this.traceId, plan.ratio);
    this.#state = parent === undefined ? '' : (head.get('tracestate') ?? '');
    // Where spans get ids of somebody else's choice, backends are told the sender of the request, or for want of one a
    // sender that is made up: Fairlead's spans are then beside those of the backends, in the same trace.
    this.#parentId = parent?.parentId ?? (plan.ownIds ? '' : makeSpanId(random));
    this.#spanId = this.sampled ? makeSpanId(random) : '';
  }

  /** The field lines for the backend that is tried now, or is about to be. */
  get lines(): string {
    const { plan, random } = this.#tracer;
    const told = this.sampled && plan.ownIds ? this.#open?.spanId : this.#parentId;
    const parent = `traceparent: 00-${this.traceId}-${told || makeSpanId(random)}-${this.sampled ? '01' : '00'}\r\n`;
    return this.#state === '' ? parent : `${parent}tracestate: ${this.#state}\r\n`;
  }

  /** Another attempt begins at `startMs`; `after` is how the one before has failed. */
  tried(backend: Backend, after: string | undefined, startMs: number): void {
    if (!this.sampled) return;
    this.#close(after ?? 'stale', startMs);
    this.#open = { spanId: makeSpanId(this.#tracer.random), backend, startMs };
  }

  #close(failed: string, endMs: number): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined || this.#attempts.length >= MAX_ATTEMPT_SPANS) return;
    const { spanId, backend, startMs } = open;
    this.#attempts.push({ spanId, backend: backend.id, address: backend.address, startMs, endMs, failed });
  }

  /** The request is over at `endMs`, and with it its last attempt; `failed` is how that has failed, '' when it brought the answer. */
  over(failed: string, scheme: 'http' | 'https', endMs: number): TraceRecord {
    this.#close(failed, endMs);
    return {
      spanId: this.#spanId,
      parentId: this.#parentId,
      state: this.#state,
      scheme,
      attempts: this.#attempts,
    };
  }
}
