import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AccessBatch, RequestRecord } from './access-log.ts';
import type { AttemptRecord, TraceRecord } from './trace-record.ts';

/** Where the ids of the next span are put, if it can be told them. */
export interface SpanIds {
  traceId: string;
  spanId: string;
}

/** The methods that OpenTelemetry knows; others are `_OTHER`, so that clients cannot make up names of spans. */
const knownMethods: ReadonlySet<string> = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE QUERY'.split(' '),
);

/** Values of queries that OpenTelemetry asks to keep out of traces: signatures of links that grant access. */
const SECRET_VALUES = /([?&](?:AWSAccessKeyId|Signature|sig|X-Goog-Signature)=)[^&#]*/g;

/**
 * Makes spans of requests that are over, through the OpenTelemetry API alone: a server span, and below it a client span for
 * each attempt on a backend, with the names of the semantic conventions for HTTP. Runs in the control plane.
 */
export class SpanMaker {
  readonly #tracer: Tracer;
  readonly #ids: SpanIds | undefined;

  /** Without `ids` the tracer chooses the ids of spans. */
  constructor(tracer: Tracer, ids?: SpanIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  /** Makes the spans of all traced requests in a batch. */
  take(batch: AccessBatch): void {
    for (const record of batch.records)
      if (record.kind === 'request' && record.trace !== undefined) this.#request(record, record.trace);
  }

  #request(record: RequestRecord, traced: TraceRecord): void {
    const method = knownMethods.has(record.method) ? record.method : '_OTHER';
    const name = method === '_OTHER' ? 'HTTP' : method;
    const { time, traceId } = record;
    this.#choose(traceId, traced.spanId);
    const server = this.#tracer.startSpan(
      name,
      { kind: SpanKind.SERVER, startTime: time, attributes: serverAttributes(record, traced, method) },
      parentContext(traceId, traced),
    );
    if (record.status >= 500) server.setStatus({ code: SpanStatusCode.ERROR });
    const below = trace.setSpan(ROOT_CONTEXT, server);
    traced.attempts.forEach((attempt, index) => {
      this.#choose(traceId, attempt.spanId);
      const attributes = attemptAttributes(record, attempt, { method, index });
      const startTime = time + attempt.startMs;
      const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime, attributes }, below);
      const last = index === traced.attempts.length - 1;
      endAttempt(span, attempt, { status: last ? record.status : 0, endTime: time + attempt.endMs });
    });
    server.end(time + record.durationMs);
  }

  #choose(traceId: string, spanId: string): void {
    if (this.#ids === undefined) return;
    this.#ids.traceId = traceId;
    this.#ids.spanId = spanId;
  }
}

/** The sender of the request as the span's parent, when there is one. */
function parentContext(traceId: string, { parentId, state }: TraceRecord): Context {
  if (parentId === '') return ROOT_CONTEXT;
  const traceState = state === '' ? {} : { traceState: createTraceState(state) };
  const parent = { traceId, spanId: parentId, traceFlags: TraceFlags.SAMPLED, isRemote: true, ...traceState };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function serverAttributes(record: RequestRecord, { scheme }: TraceRecord, method: string): Attributes {
  const { path, query } = pathAndQuery(record.target);
  const { host, port } = hostAndPort(record.host);
  return {
    'http.request.method': method,
    ...(method === '_OTHER' && { 'http.request.method_original': record.method }),
    'url.scheme': scheme,
    'url.path': path,
    ...(query !== '' && { 'url.query': query }),
    ...(host !== '' && { 'server.address': host }),
    ...(port > 0 && { 'server.port': port }),
    'client.address': record.client,
    'network.protocol.version': record.protocol.replace('HTTP/', ''),
    'http.response.status_code': record.status,
    ...(record.userAgent !== '' && { 'user_agent.original': record.userAgent }),
    ...(record.status >= 500 && { 'error.type': record.ended === 'served' ? String(record.status) : record.ended }),
    'fairlead.listener': record.listener,
    'fairlead.route': record.route,
    'fairlead.pool': record.pool,
    'fairlead.ended': record.ended,
  };
}

/** What of an attempt is not in the attempt's own record. */
interface AttemptFacts {
  readonly method: string;
  readonly index: number;
}

function attemptAttributes(record: RequestRecord, attempt: AttemptRecord, facts: AttemptFacts): Attributes {
  const { host, port } = hostAndPort(attempt.address);
  const { path, query } = pathAndQuery(record.target);
  return {
    'http.request.method': facts.method,
    'url.full': `http://${attempt.address}${path}${query === '' ? '' : `?${query}`}`,
    'server.address': host,
    ...(port > 0 && { 'server.port': port }),
    ...(facts.index > 0 && { 'http.request.resend_count': facts.index }),
    'fairlead.pool': record.pool,
    'fairlead.backend': attempt.backend,
  };
}

function endAttempt(span: Span, { failed }: AttemptRecord, end: { status: number; endTime: number }): void {
  if (failed !== '') {
    span.setAttribute('error.type', failed);
    span.setStatus({ code: SpanStatusCode.ERROR });
  } else {
    span.setAttribute('http.response.status_code', end.status);
    if (end.status >= 400) {
      span.setAttribute('error.type', String(end.status));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
  }
  span.end(end.endTime);
}

function pathAndQuery(target: string): { readonly path: string; readonly query: string } {
  const origin = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '').replace(SECRET_VALUES, '$1REDACTED');
  const mark = origin.indexOf('?');
  return mark < 0 ? { path: origin, query: '' } : { path: origin.slice(0, mark), query: origin.slice(mark + 1) };
}

function hostAndPort(authority: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(authority);
  return match === null ? { host: authority, port: 0 } : { host: match[1] ?? match[2]!, port: Number(match[3] ?? 0) };
}
