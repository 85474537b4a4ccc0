import type { RequestHead } from '../http1/request-head.ts';
import type { Backend } from '../pool/backend.ts';
import type { PoolSite } from './deps.ts';
import type { ClientSide } from './http-context.ts';
import type { RouteSite } from './route-site.ts';

/** What the access log needs of a request's head, taken while the head is at hand. */
export interface LoggedRequest {
  readonly target: string;
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
  readonly connectMs: number;
  readonly attempts: number;
}

/** Takes from a head what the access log will need of it. */
export function loggedRequest(head: RequestHead): LoggedRequest {
  return {
    target: head.target,
    host: head.authority,
    userAgent: head.get('user-agent') ?? '',
    referer: head.get('referer') ?? '',
  };
}

/** Hands an exchange that is over to the access log, if it is one to be logged. */
export function logRequest(exchange: LoggedExchange, status: number, ended: string): void {
  const { request } = exchange;
  if (request.logged === undefined) return;
  const { site } = exchange.client;
  const durationMs = site.deps.now() - exchange.startedAt;
  site.deps.settings.access?.push({
    kind: 'request',
    time: Date.now() - durationMs,
    listener: site.name,
    route: exchange.route.plan.name,
    pool: exchange.pool?.pool.name ?? '',
    backend: exchange.backend?.id ?? '',
    client: request.source,
    method: request.method,
    protocol: `HTTP/1.${request.minor}`,
    status,
    bytesIn: request.bytesIn,
    bytesOut: exchange.bytesOut,
    durationMs,
    connectMs: exchange.connectMs,
    attempts: exchange.attempts,
    ended,
    requestId: request.id,
    ...request.logged,
  });
}
