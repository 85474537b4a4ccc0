import { z } from 'zod';

/** What `POST /api/explain` is asked: a request that nobody sends. */
export const explainRequestSchema = z.strictObject({
  url: z
    .string()
    .describe(
      'http, https, ws, wss, tcp, tls or udp, and a path for HTTP. A path alone, or a host and a path, are http. Taken as it is written, dots and escapes included.',
    ),
  method: z.string().optional().describe('Default: GET; POST when there is a body.'),
  headers: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .optional()
    .describe('Values by header, one or a list.'),
  body: z.string().optional().describe('Sent with a Content-Length, unless the headers say otherwise.'),
  source: z.string().optional().describe('Address of the peer. Default: 127.0.0.1.'),
  sni: z.string().optional().describe('Host name of a TLS client. Default: that of the URL, for https, wss and tls.'),
  alpn: z.array(z.string()).optional().describe('Protocols that a TLS client offers.'),
  listener: z.string().optional().describe('Name of the listener. Default: told by the URL.'),
});

const failureSchema = z.object({
  condition: z.string().describe('What the condition looks at: `host`, `header x-tier`.'),
  expected: z.string().describe('What it wants, in words.'),
  got: z.string().describe('What the request has, in words.'),
});

const stepSchema = z.object({
  index: z.number().describe('Position in the file, from 0.'),
  name: z.string(),
  outcome: z
    .enum(['matched', 'failed', 'undecided', 'not-reached'])
    .describe('undecided: it could not be told, and the request goes nowhere; not-reached: another came first.'),
  failures: z.array(failureSchema).describe('Every condition that did not hold; empty for any other outcome.'),
});

const listenerStepSchema = z.object({
  name: z.string(),
  protocol: z.enum(['http', 'tcp', 'udp']),
  bind: z.array(z.string()),
  taken: z.boolean(),
  reason: z.string().describe('Why it is, or is not, the listener that takes the request.'),
});

const poolShareSchema = z.object({
  pool: z.string(),
  share: z.number().describe('Share of the requests of this route, 0 to 1.'),
  algorithm: z.string(),
  key: z.string().nullable().describe('What the algorithm hashes of this request; null when it hashes nothing.'),
  backend: z
    .string()
    .nullable()
    .describe('Where the key leads while every backend is well and idle; null without a key.'),
  backends: z.array(z.object({ id: z.string(), address: z.string(), weight: z.number(), backup: z.boolean() })),
});

const actionSchema = z.object({
  kind: z.enum(['pool', 'redirect', 'respond']),
  pools: z.array(poolShareSchema).describe('Empty unless kind is pool.'),
  status: z.number().nullable().describe('Of the answer that the route gives by itself; null for a pool.'),
  location: z.string().nullable().describe('Of a redirect.'),
  body: z.string().nullable().describe('Of `respond`.'),
});

/** What `POST /api/explain` and `fairlead explain --json` answer. */
export const explanationSchema = z.object({
  outcome: z
    .enum(['matched', 'no-route', 'refused', 'no-listener'])
    .describe('refused: it is answered with an error, or closed, before or after a route was found.'),
  summary: z.string().describe('All of it in one sentence.'),
  source: z.string().describe('Address of the client, as routes see it.'),
  listener: z.string().nullable(),
  route: z.object({ index: z.number(), name: z.string() }).nullable(),
  pool: z.string().nullable().describe('Pool that takes it, of several the one with the largest share.'),
  backend: z
    .string()
    .nullable()
    .describe(
      'Backend of `pool` that the cookie of a session, or the key of the algorithm, leads to while it is well; null when the pool picks in its turn.',
    ),
  refusal: z
    .object({
      code: z.string().describe('Value of `Fairlead-Error`.'),
      status: z.number().nullable().describe('null where the connection is closed without an answer.'),
      message: z.string(),
    })
    .nullable(),
  action: actionSchema.nullable().describe('What the route does with the request; null unless it is matched.'),
  listeners: z.array(listenerStepSchema).describe('Every listener in file order.'),
  steps: z.array(stepSchema).describe('Every route of the listener in file order.'),
  changes: z.array(z.string()).describe('What is rewritten, set and removed, in words.'),
  settings: z.array(z.string()).describe('What else the route does: time limits, retries, sessions, limits; in words.'),
  notes: z.array(z.string()).describe('What was assumed, and what a client should know.'),
  backendHead: z.string().nullable().describe('Head of the request as a backend of the pool gets it.'),
});

/** A request to be explained. */
export type ExplainRequest = z.output<typeof explainRequestSchema>;
/** What would become of a request, and why. */
export type Explanation = z.output<typeof explanationSchema>;
/** What a route does with a request. */
export type ExplainedAction = z.output<typeof actionSchema>;
/** How one listener stands to a request. */
export type ListenerStep = z.output<typeof listenerStepSchema>;
