import { z } from 'zod';
import { closest } from '../support/suggest.ts';
import { hostPattern, method, noHeaderTwice, pathPattern, tokenName, valueMatch } from './patterns.ts';
import { didYouMean } from './problem.ts';
import { oneOrList, Refusal, scalar } from './scalar.ts';
import { choice, cidr, duration, flag, integer, name, percent, poolName, text } from './scalars.ts';
import { bodySchema } from './schema-body.ts';
import { headersSchema } from './schema-headers.ts';
import { location, rewriteSchema } from './schema-rewrite.ts';
import { stickySchema } from './schema-sticky.ts';
import { faultSchema, mirrorSchema, rateLimitSchema } from './schema-traffic.ts';

const mostTries = 10;
const longestRespondBodyChars = 65_536;

/** The largest weight of a backend, or of a part of a split. */
export const largestWeight = 65_535;

/** The keys of a route that say what becomes of a request; a route has exactly one of them. */
export const routeActions = ['pool', 'split', 'redirect', 'respond'] as const;

const headerConditions = z
  .record(tokenName('header'), valueMatch())
  .superRefine(noHeaderTwice)
  .transform((conditions) =>
    Object.fromEntries(Object.entries(conditions).map(([key, match]) => [key.toLowerCase(), match])),
  );

const matchSchema = z
  .strictObject({
    host: oneOrList(hostPattern())
      .exactOptional()
      .describe('Host of the request: exact, or `*.` and a domain for the names below it. One or a list.'),
    path: oneOrList(pathPattern())
      .exactOptional()
      .describe('Path, without the query: exact `/a`, prefix `/a/*` or regular expression `~^/a\\d+$`. One or a list.'),
    method: oneOrList(method()).exactOptional().describe('Method, in upper case. One or a list.'),
    header: headerConditions
      .exactOptional()
      .describe(
        'Conditions by header: exact text, `true` (present), `false` (absent), `~` and a regular expression, or a list of which one must hold.',
      ),
    cookie: z
      .record(tokenName('cookie'), valueMatch())
      .exactOptional()
      .describe('Conditions by cookie; the same forms as for headers.'),
    query: z
      .record(z.string(), valueMatch())
      .exactOptional()
      .describe('Conditions by query parameter, decoded; the same forms as for headers.'),
    body: bodySchema
      .exactOptional()
      .describe('What the body must be like. A request is held for that only when all other conditions hold.'),
    source: oneOrList(cidr()).exactOptional().describe('Client addresses: CIDR ranges or single ones. One or a list.'),
  })
  .describe('What a request must be like, every condition of it. Without conditions every request matches.');

const splitSchema = z
  .array(
    z.strictObject({
      pool: poolName().describe('Pool that takes this part.'),
      weight: integer(0, largestWeight).prefault(1).describe('Share of this part, in relation to the other weights.'),
    }),
  )
  .min(1)
  .describe('Pools that share the requests by weight.');

const redirectSchema = z
  .strictObject({
    to: location.describe(
      'Where the client is sent: a path on the same host, or a URL. `$1` to `$9` are what a regular expression of the path captured.',
    ),
    status: choice([301, 302, 303, 307, 308]).prefault(308).describe('Status of the answer.'),
    keepQuery: flag()
      .exactOptional()
      .describe('Whether the query of the request goes along, behind that of `to` if it has one. Default: false.'),
  })
  .describe('Answers with a redirect.');

const respondBody = text({
  title: 'text',
  expected: `text of at most ${longestRespondBodyChars} characters`,
  check: (written) => (written.length <= longestRespondBodyChars ? undefined : new Refusal()),
});

const respondSchema = z
  .strictObject({
    status: integer(200, 599).prefault(200).describe('Status of the answer.'),
    body: respondBody.prefault('').describe('Body of the answer, as plain text.'),
  })
  .describe('Answers by itself.');

const retryWords = ['connect', 'reset', 'timeout'] as const;

/** A failure that leads to another try: a word, or the status of an answer. */
export type RetryCause = (typeof retryWords)[number] | number;

const retryCause = scalar<string | number, RetryCause>({
  title: 'cause of a retry',
  expected: 'connect, reset, timeout or a status code from 400 to 599',
  json: {
    anyOf: [
      { enum: retryWords },
      { type: 'string', pattern: '^[45]\\d\\d$' },
      { type: 'integer', minimum: 400, maximum: 599 },
    ],
  },
  parse(written) {
    const word = retryWords.find((known) => known === written);
    if (word !== undefined) return word;
    if (/^[45]\d\d$/.test(String(written))) return Number(written);
    return new Refusal(undefined, didYouMean(closest(String(written), retryWords)));
  },
});

const retrySchema = z
  .strictObject({
    attempts: integer(1, mostTries).prefault(2).describe('Tries a request gets in all; 1 turns retries off.'),
    on: z
      .array(retryCause)
      .prefault(['connect', 'reset'])
      .describe(
        'Failures that lead to another try: `connect`, no connection was made; `reset`, it broke before a byte of the answer; `timeout`, no answer came in time; a status code, the backend answered with it. Only when it is safe.',
      ),
    perTry: duration()
      .exactOptional()
      .describe('For one try, its connection included. Default: none but `timeout` of the route.'),
    budget: percent()
      .prefault('20%')
      .describe(
        'Requests tried again at a time in a worker, as a share of those it has in the pool; three are always allowed. One that finds no place waits for one, up to 1s. A request that reached no backend is tried again whatever the budget.',
      ),
  })
  .describe('When a request is tried again, on another backend.');

/** A route as written, its action still under its own key and its name not yet given. */
export const routeSchema = z
  .strictObject({
    name: name().optional().describe('Name in metrics and logs. Default: `route-N`, N counting from 1.'),
    match: matchSchema.prefault({}),
    pool: poolName()
      .optional()
      .describe('Pool that takes the requests. Exactly one of pool, split, redirect, respond.'),
    split: splitSchema.optional(),
    redirect: redirectSchema.optional(),
    respond: respondSchema.optional(),
    timeout: duration()
      .prefault('30s')
      .describe('From when the whole request is there to the head of the answer, all tries together.'),
    retry: retrySchema.prefault({}),
    rewrite: rewriteSchema.exactOptional(),
    headers: headersSchema.prefault({}),
    sticky: stickySchema,
    rateLimit: rateLimitSchema,
    mirror: mirrorSchema,
    fault: faultSchema,
  })
  .transform(({ pool, split, redirect, respond, ...route }) => ({
    ...route,
    action: actionOf({ pool, split, redirect, respond }),
  }));

type RedirectConfig = z.output<typeof redirectSchema>;

interface WrittenAction {
  pool: string | undefined;
  split: { pool: string; weight: number }[] | undefined;
  redirect: RedirectConfig | undefined;
  respond: { status: number; body: string } | undefined;
}

/** What becomes of a request that a route takes. */
export type RouteAction =
  | { kind: 'pool'; split: { pool: string; weight: number }[] }
  | ({ kind: 'redirect' } & RedirectConfig)
  | { kind: 'respond'; status: number; body: string };

/** That there is exactly one action is checked apart (see `checks.ts`), so that it is reported with all the rest. */
function actionOf({ pool, split, redirect, respond }: WrittenAction): RouteAction {
  if (redirect) return { kind: 'redirect', ...redirect };
  if (respond) return { kind: 'respond', ...respond };
  return { kind: 'pool', split: split ?? (pool === undefined ? [] : [{ pool, weight: 1 }]) };
}

/** The conditions of a route; all must hold. */
export type MatchConfig = z.output<typeof matchSchema>;

/** A route after defaults, with its name. */
export type RouteConfig = Omit<z.output<typeof routeSchema>, 'name'> & { name: string };
