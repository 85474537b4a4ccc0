import { z } from 'zod';
import { type NamedPlace, namedPlace } from './patterns.ts';
import { Refusal, scalar } from './scalar.ts';
import { duration, integer, off, poolName, rate, rateOrNone } from './scalars.ts';

/** A share of requests, written as a number of percent. */
function percentNumber() {
  return scalar<number, number>({
    title: 'number of percent',
    expected: 'a number above 0 and at most 100',
    json: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
    parse(written) {
      const value = /^\d+(\.\d+)?$/.test(String(written)) ? Number(written) : 0;
      return value > 0 && value <= 100 ? value / 100 : new Refusal();
    },
  });
}

const limitKey = scalar<string, { kind: 'source' } | NamedPlace>({
  title: 'key of a rate limit',
  expected: 'source, header:NAME or cookie:NAME',
  json: { type: 'string', pattern: '^(source|(header|cookie):.+)$' },
  parse(written) {
    if (written === 'source') return { kind: written };
    return namedPlace(String(written)) ?? new Refusal();
  },
});

/** `rateLimit` of a route. */
export const rateLimitSchema = z
  .union([
    off(),
    z.strictObject({
      rate: rate().describe('Requests of one key, such as `100/s` or `600/m`, over all workers.'),
      burst: integer(1, 1_000_000)
        .optional()
        .describe('Requests of one key that may come at once. Default: those of one second.'),
      by: limitKey
        .prefault('source')
        .describe(
          'What is counted apart: `source` (an IPv4 address, or a /64 of IPv6), `header:NAME` or `cookie:NAME`. Requests without it are counted by source.',
        ),
    }),
  ])
  .prefault(false)
  .describe('How often one client may ask; others are answered 429. `false` for no limit.');

/** `mirror` of a route. */
export const mirrorSchema = z
  .union([
    off(),
    z.strictObject({
      pool: poolName().describe('Pool that gets the copies. Its answers are thrown away.'),
      percent: percentNumber().prefault(100).describe('Share of requests that are copied, in percent.'),
    }),
  ])
  .prefault(false)
  .describe('Sends copies of requests to another pool, except for those of more than 64 KiB. `false` sends none.');

/** `fault` of a route. */
export const faultSchema = z
  .union([
    off(),
    z.strictObject({
      delay: duration().optional().describe('How long a request waits before it goes to a backend.'),
      status: integer(200, 599).optional().describe('What a request is answered, without asking a backend.'),
      percent: percentNumber().prefault(100).describe('Share of requests that are hit, in percent.'),
    }),
  ])
  .prefault(false)
  .describe('Makes requests slow, or fail, on purpose. At least one of delay and status; with both, it is slow first.');

/** `guard` of a listener. */
export const guardSchema = z
  .union([
    off(),
    z.strictObject({
      bad: rateOrNone()
        .prefault('20/10s')
        .describe(
          'Malformed requests, failed handshakes (TLS, PROXY) and requests that did not arrive in time, of one source: so many at once, and after that at this rate; 0 for any number.',
        ),
      notFound: rateOrNone()
        .prefault('100/10s')
        .describe(
          'Requests (on tcp listeners connections) of one source that no route takes, for their path or their method: likewise.',
        ),
      ban: duration().prefault('60s').describe('How long a source that is over either is refused.'),
    }),
  ])
  .optional()
  .describe('Bans sources for a while that send much of what is abnormal (docs/limits.md); `false` for not.');
