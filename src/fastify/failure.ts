import type { Outcome } from '../pool/lease.ts';
import { type ErrorCode, errorStatus } from '../proxy/error-response.ts';
import { shortages } from '../support/shortages.ts';

/** Why a request has no answer of a backend, in the terms of what the client is told. */
export class ProxyFailure extends Error {
  readonly code: ErrorCode;
  readonly status: number;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.status = errorStatus[code];
  }
}

const byCode: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'connect-refused',
  ENOENT: 'connect-failed',
  EHOSTUNREACH: 'connect-failed',
  ENETUNREACH: 'connect-failed',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'backend-timeout',
  UND_ERR_BODY_TIMEOUT: 'backend-timeout',
  UND_ERR_SOCKET: 'backend-reset',
  ECONNRESET: 'backend-reset',
  EPIPE: 'backend-reset',
  // The request was at fault, and no backend.
  UND_ERR_INVALID_ARG: 'client-aborted',
  UND_ERR_NOT_SUPPORTED: 'client-aborted',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'client-aborted',
};

/** How a lease ended whose request failed with an error of undici, of Node's sockets or of OpenSSL. */
export function outcomeOf(error: unknown): Outcome {
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const known = byCode[code] ?? shortages.get(code)?.outcome;
  if (known !== undefined) return known;
  return /^(ERR_TLS|ERR_SSL)|CERT|SIGNATURE/.test(code) ? 'connect-tls' : 'bad-response';
}

/** What a client is told of a lease that ended so. */
export function failureOf(outcome: Outcome, cause: unknown): ProxyFailure {
  if (outcome === 'client-aborted') return new ProxyFailure('bad-request', 'the request cannot be passed on', cause);
  if (outcome === 'connect-no-port' || outcome === 'out-of-files')
    return new ProxyFailure('saturated', 'no connection to the backend can be opened here', cause);
  const late = outcome === 'backend-timeout' || outcome === 'connect-timeout';
  return late
    ? new ProxyFailure('backend-timeout', 'the backend did not answer in time', cause)
    : new ProxyFailure('backend-failed', 'the backend could not be reached, or its answer broke off', cause);
}
