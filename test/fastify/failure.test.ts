import { describe, expect, it } from 'vitest';
import { failureOf, outcomeOf } from '../../src/fastify/failure.ts';

describe('the outcome of a request that failed', () => {
  it.each([
    ['ECONNREFUSED', 'connect-refused', 'backend-failed', 502],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect-timeout', 'backend-timeout', 504],
    ['UND_ERR_INVALID_ARG', 'client-aborted', 'bad-request', 400],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect-tls', 'backend-failed', 502],
    ['EMFILE', 'out-of-files', 'saturated', 503],
    ['EADDRNOTAVAIL', 'connect-no-port', 'saturated', 503],
    ['EADDRINUSE', 'connect-no-port', 'saturated', 503],
  ])('%s is %s, and told as %s', (code, outcome, told, status) => {
    const error = Object.assign(new Error(code), { code });
    expect(outcomeOf(error)).toBe(outcome);
    expect(failureOf(outcomeOf(error), error)).toMatchObject({ code: told, status });
  });
});
