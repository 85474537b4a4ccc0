import { isIP } from 'node:net';
import type { RequestHead } from '../http1/request-head.ts';
import type { PickHint } from '../pick/balancer.ts';
import type { Outcome } from '../pool/lease.ts';
import type { Refusal } from '../pool/pool.ts';
import { parseCookies } from '../route/cookies.ts';
import { unmapped } from '../support/proxied.ts';
import type { HashKey, PoolSite } from './deps.ts';
import type { ErrorCode } from './error-response.ts';

/** True for the methods with which twice has the effect of once (RFC 9110 §9.2.2). */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
    case 'PUT':
    case 'DELETE':
      return true;
    default:
      return false;
  }
}

/** True for the statuses by which a backend says that it, or what is behind it, does not work. */
export function isBackendError(status: number): boolean {
  return status >= 502 && status <= 504;
}

/** A backend's address as a Host field has it: without the port that is the default, and `localhost` for a Unix socket. */
export function hostField(address: string): string {
  return address.startsWith('unix:') ? 'localhost' : address.replace(/:80$/, '');
}

/** An error with the line that names its cause. */
export interface Complaint {
  readonly code: ErrorCode;
  readonly cause: string;
  /** Under which reason it is counted, if not its code. */
  readonly reason?: string;
  /** When it is worth trying again, in seconds, if that is known. */
  readonly retryAfterS?: number;
}

/** No route of the listener matches a request. */
export function noRoute(listener: string): Complaint {
  return { code: 'no-route', cause: `no route of listener ${listener} matches` };
}

/** What a client is told whose path cannot be rewritten safely. */
export const unsafePath: Complaint = {
  code: 'bad-request',
  cause: 'the path cannot be rewritten, for it may be read in two ways',
};

/** What a client is told when a pool gives no lease. */
export function refusalComplaint(refusal: Refusal, pool: string): Complaint {
  switch (refusal) {
    case 'all-saturated':
      return { code: 'saturated', cause: `every backend of pool ${pool} is at its connection limit` };
    case 'no-backends':
      return { code: 'no-backend', cause: `pool ${pool} has no backends` };
    default:
      return { code: 'no-backend', cause: `no backend of pool ${pool} is available` };
  }
}

/** What a client is told that has waited in the queue of a pool for too long. */
export function waitedComplaint(pool: string): Complaint {
  return { code: 'saturated', cause: `no backend of pool ${pool} had a free place in time` };
}

/** What a client is told when the last attempt failed. */
export function failureComplaint(outcome: Outcome, detail: string): Complaint {
  switch (outcome) {
    case 'connect-refused':
      return { code: 'backend-failed', cause: 'the backend refused the connection' };
    case 'connect-failed':
      return { code: 'backend-failed', cause: 'the backend could not be reached' };
    case 'connect-tls':
      return { code: 'backend-failed', cause: `there is no TLS connection to the backend: ${detail}` };
    case 'connect-no-port':
      return {
        code: 'saturated',
        cause: 'there is no local address or port to connect to the backend from',
        reason: outcome,
      };
    case 'out-of-files':
      return {
        code: 'saturated',
        cause: 'no more files can be opened, which a connection to a backend takes',
        reason: outcome,
      };
    case 'connect-timeout':
      return { code: 'backend-timeout', cause: 'the backend did not accept the connection in time' };
    case 'backend-timeout':
      return { code: 'backend-timeout', cause: 'the backend did not answer in time' };
    case 'bad-status':
      return { code: 'backend-failed', cause: 'the backend answered with an error, and no other could be tried' };
    case 'bad-response':
      return { code: 'backend-failed', cause: `the backend sent an invalid response: ${detail}` };
    default:
      return { code: 'backend-failed', cause: 'the backend closed the connection before it answered' };
  }
}

/** As much of a request's head as can be hashed. */
type HashedHead = Pick<RequestHead, 'originTarget' | 'get'>;

const NO_HINT: PickHint = {};

/** What the pool's algorithm may go by; only `hash` looks at it. */
export function hintFor(pool: Pick<PoolSite, 'hashKey'>, head: HashedHead, source: string): PickHint {
  return pool.hashKey === undefined ? NO_HINT : { key: hashKey(pool.hashKey, head, source) };
}

function hashKey(key: HashKey, head: HashedHead, source: string): string | undefined {
  switch (key.kind) {
    case 'source':
      return source;
    case 'uri':
      return head.originTarget;
    case 'header':
      return head.get(key.name.toLowerCase());
    case 'cookie':
      return parseCookies(head.get('cookie', '; ') ?? '', new Set([key.name]))?.get(key.name)?.[0];
  }
}

/**
 * The address of the client behind trusted proxies: the last entry of X-Forwarded-For that no trusted proxy has, since
 * each proxy vouches only for the one before it. Behind what is no address there is nobody to believe.
 */
export function clientSource(
  peer: string,
  forwardedFor: string | undefined,
  trusts: (address: string) => boolean,
): string {
  if (forwardedFor === undefined) return peer;
  let source = peer;
  for (const entry of forwardedFor.split(',').reverse()) {
    const address = forwardedAddress(entry);
    if (address === undefined) break;
    source = address;
    if (!trusts(address)) break;
  }
  return source;
}

/** The address in an entry of X-Forwarded-For, which some proxies write with its port or in quotes; undefined for none. */
function forwardedAddress(entry: string): string | undefined {
  const text = entry.trim().replace(/^"(.*)"$/, '$1');
  const parts = /^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text);
  const address = parts?.[1] ?? parts?.[2] ?? text;
  return isIP(address) === 0 ? undefined : unmapped(address);
}
