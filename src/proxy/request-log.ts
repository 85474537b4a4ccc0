import type { RequestHead } from '../http1/request-head.ts';
import type { RequestRecord } from '../observe/access-log.ts';
import { parseTraceparent } from '../observe/trace-context.ts';
import type { Backend } from '../pool/backend.ts';
import type { PoolSite } from './deps.ts';
import type { ClientSide } from './http-context.ts';
import type { Complaint } from './http-policy.ts';
import type { RequestTrace } from './request-trace.ts';
import type { RouteSite } from './route-site.ts';

/** The status under which a client is counted that left before it was answered. */
export const CLIENT_LEFT = 499;

/** What the access log needs of a request's head, taken while the head is at hand. */
export interface LoggedRequest {
  readonly target: string;
  readonly traceId: string;
  readonly host: string;
  readonly userAgent: string;
  readonly referer: string;
}

/** What the access log needs of an exchange. */
export interface LoggedExchange {
  readonly client: ClientSide;
  readonly startedAt: number;
  readonly request: {
    readonly logged: LoggedRequest | undefined;
    /** It is one for the access log, not for spans alone. */
    readonly inAccessLog: boolean;
    readonly trace: RequestTrace | undefined;
    readonly source: string;
    readonly method: string;
    readonly minor: number;
    readonly bytesIn: number;
    readonly id: string;
  };
  readonly route: RouteSite;
  readonly pool: PoolSite | undefined;
  readonly backend: Backend | undefined;
  readonly bytesOut: number;
  /** Those of `bytesOut` that are of heads. */
  readonly headBytes: number;
  readonly queueMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  /** What is known of the cause of an end that was not the plain one; '' for nothing. */
  readonly cause: string;
  readonly attempts: number;
}

/** A client whose request could not be read. */
type RefusedClient = Pick<ClientSide, 'site' | 'peer'>;

/** An answer of our own, as it was written. */
interface WrittenAnswer {
  readonly status: number;
  readonly text: string;
}

/** Takes from a head what the access log will need of it. */
export function loggedRequest(head: RequestHead, trace: RequestTrace | undefined): LoggedRequest {
  return {
    target: head.target,
    traceId: trace?.traceId ?? parseTraceparent(head.get('traceparent'))?.traceId ?? '',
    host: head.authority,
    userAgent: head.get('user-agent') ?? '',
    referer: head.get('referer') ?? '',
  };
}

/** Hands an exchange that is over to the access log and to tracing, if it is one for them. */
export function logRequest(exchange: LoggedExchange, status: number, ended: string): void {
  const { request } = exchange;
  if (request.logged === undefined) return;
  const { site } = exchange.client;
  const durationMs = site.deps.now() - exchange.startedAt;
  const { access, tracing } = site.deps.settings;
  const record: RequestRecord = {
    kind: 'request',
    time: Date.now() - durationMs,
    listener: site.name,
    route: exchange.route.plan.name,
    pool: exchange.pool?.pool.name ?? '',
    backend: exchange.backend?.id ?? '',
    client: request.source,
    method: request.method,
    protocol: `HTTP/${exchange.client.wire.httpVersion ?? `1.${request.minor}`}`,
    status,
    bytesIn: request.bytesIn,
    bytesOut: exchange.bytesOut,
    bodyBytesOut: exchange.bytesOut - exchange.headBytes,
    durationMs,
    queueMs: exchange.queueMs,
    connectMs: exchange.connectMs,
    firstByteMs: exchange.firstByteMs,
    attempts: exchange.attempts,
    ended,
    cause: exchange.cause,
    requestId: request.id,
    ...request.logged,
  };
  if (request.inAccessLog) access?.push(record);
  if (request.trace?.sampled !== true) return;
  const trace = request.trace.over(ended === 'served' ? '' : ended, site.proto, durationMs);
  tracing?.records.push({ ...record, trace });
}

/** Hands a request whose head could not be read, and its answer, to the access log, if it is one to be logged. */
export function logRefused({ site, peer }: RefusedClient, { code, cause }: Complaint, answer: WrittenAnswer): void {
  const { access } = site.deps.settings;
  if (access?.sampled() !== true) return;
  access.push({
    kind: 'request',
    time: Date.now(),
    listener: site.name,
    route: '',
    pool: '',
    backend: '',
    client: peer,
    method: '',
    protocol: '',
    status: answer.status,
    bytesIn: 0,
    bytesOut: answer.text.length,
    bodyBytesOut: answer.text.length - headBytesOf(answer.text),
    durationMs: 0,
    queueMs: 0,
    connectMs: 0,
    firstByteMs: 0,
    attempts: 0,
    ended: code,
    cause,
    requestId: '',
    traceId: '',
    target: '',
    host: '',
    userAgent: '',
    referer: '',
  });
}

/** How much of the text of an answer of our own is its head. */
export function headBytesOf(text: string): number {
  return text.indexOf('\r\n\r\n') + 4;
}
