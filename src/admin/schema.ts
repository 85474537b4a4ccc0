import { z } from 'zod';
import { jsonSchema } from './json-schema.ts';

const count = z.number();
const nullableMs = z.number().nullable();

const latencySchema = z.object({
  p50: nullableMs.describe('Median over the last minute in ms; null when nothing was measured.'),
  p99: nullableMs.describe('99th percentile over the last minute in ms; null when nothing was measured.'),
});

const stateSchema = z.enum(['enabled', 'draining', 'disabled']);

const backendSchema = z.object({
  id: z.string(),
  address: z.string(),
  weight: z.number().describe('As configured, or as it was changed at run time.'),
  state: stateSchema.describe('What the operator wants.'),
  health: z.enum(['up', 'down', 'ejected', 'unknown']).describe('What probes and traffic say.'),
  healthReason: z.string().describe('Why the health is what it is.'),
  active: count.describe('Leases held now.'),
  total: count.describe('Leases taken since the start.'),
  failures: count.describe('Attempts failed since the start.'),
  latencyMs: latencySchema,
  effectiveWeight: z.number().describe('What is left of the weight now, by slow start and by what an agent says.'),
});

const poolSchema = z.object({
  name: z.string(),
  algorithm: z.string(),
  healthy: count.describe('Backends that may be picked now.'),
  active: count.describe('Leases held now, over all backends.'),
  version: z.string().describe('Changes whenever the config or an operator changes the pool; for `If-Match`.'),
  changes: z
    .array(z.string())
    .describe('What is other than in the config, since it was changed at run time; in words.'),
  leaving: z.array(z.string()).describe('Backends that are being removed, and go when they hold no leases.'),
  backends: z.array(backendSchema),
});

const routeSchema = z.object({
  name: z.string(),
  kind: z.enum(['pool', 'redirect', 'respond']),
  pools: z.array(z.object({ pool: z.string(), weight: z.number() })).describe('Empty unless kind is pool.'),
});

const listenerSchema = z.object({
  name: z.string(),
  protocol: z.enum(['http', 'tcp', 'udp']),
  tls: z.boolean().describe('Clients are to speak TLS.'),
  bind: z.array(z.string()).describe('Addresses as configured.'),
  addresses: z.array(z.string()).describe('Addresses as bound, with the real ports; empty until it is open.'),
  active: count.describe('Client connections open now.'),
  total: count.describe('Client connections accepted since the start.'),
  routes: z.array(routeSchema),
});

const workerSchema = z.object({
  id: count,
  state: z.enum(['starting', 'serving', 'draining']),
  restarts: count.describe('How often it was replaced after a crash.'),
  connections: count.describe('Client connections open now.'),
  loopUtilization: z
    .number()
    .describe('Share of the last second, 0 to 1, in which it was not waiting for something to do.'),
  loopLagMs: z.number().describe("99th percentile of its event loop's turns in the last second, in ms."),
  overloaded: z.boolean().describe('New work is being refused, because it has more than it can do.'),
});

const statusSchema = z.object({
  version: z.string(),
  node: z.string(),
  pid: count,
  startedAt: z.string().describe('ISO 8601, UTC.'),
  uptimeMs: count,
  generation: count.describe('Number of the config in force; 1 at the start.'),
  configPath: z.string().nullable().describe('null when the config did not come from a file.'),
  workers: z.array(workerSchema),
  listeners: z.array(listenerSchema),
});

const readinessSchema = z.object({
  ready: z.boolean(),
  reasons: z.array(z.string()).describe('What is missing; empty when ready.'),
});

const connectionSchema = z.object({
  listener: z.string(),
  protocol: z.enum(['http', 'tcp', 'udp']),
  pool: z.string().nullable().describe('null between requests of HTTP.'),
  backend: z.string().nullable().describe('null until one was picked.'),
  client: z.string().nullable().describe('null where the system no longer knows it.'),
  phase: z
    .enum([
      'opening',
      'idle',
      'connecting',
      'established',
      'half-closed-by-client',
      'half-closed-by-backend',
      'draining',
      'closed',
    ])
    .describe('opening: before it is served, as during a TLS handshake; idle: HTTP, between requests.'),
  ageMs: nullableMs.describe('Of an HTTP connection that of the request under way; null between requests.'),
  requests: nullableMs.describe('Requests under way on an HTTP connection; null in L4.'),
  connectMs: nullableMs.describe('How long the handshake with the backend took; null without one.'),
  bytesIn: count.describe('From the client.'),
  bytesOut: count.describe('To the client.'),
  ended: z.string().nullable().describe('By which side and how; null while it is open.'),
  endedAt: nullableMs.describe('In ms since 1970; null while it is open.'),
});

const connectionsSchema = z.object({
  total: count.describe('Connections and flows open now, also those that are not listed.'),
  open: z.array(connectionSchema),
  ended: z.array(connectionSchema).describe('Those of L4 that ended last, the latest first.'),
  silent: z.array(z.number()).describe('Workers that did not answer in time, whose connections are missing.'),
});

const banSchema = z.object({
  address: z.string().describe('An IPv4 address, or a /64 of IPv6.'),
  listener: z.string(),
  reason: z.enum(['bad', 'not-found', 'manual']).describe('What it was banned for; manual: by hand.'),
  cause: z.string().describe('The refusal that was one too many; empty when it was banned by hand.'),
  since: z.string().describe('ISO 8601, UTC.'),
  until: z.string().describe('ISO 8601, UTC.'),
});

const column = z.array(z.number());
const nullableColumn = z.array(nullableMs);

const trafficHistorySchema = z.object({
  at: column.describe('Milliseconds since 1970, one for each second that somebody listened; the oldest first.'),
  leasesPerSecond: column.describe('Requests tried in L7 and connections in L4.'),
  errorsPerSecond: column.describe('Answers of 500 and above.'),
  failuresPerSecond: column.describe('Attempts that a backend failed.'),
  p50Ms: nullableColumn.describe('Median of the ten seconds before; null when nothing was measured.'),
  p99Ms: nullableColumn.describe('99th percentile of the ten seconds before; null when nothing was measured.'),
});

const removalSchema = z.object({
  id: z.string(),
  removed: z.boolean().describe('False while it drains.'),
  active: count.describe('Leases that it still held.'),
});

/** The body of a change of a backend. */
export const backendSettingsBody = z.strictObject({
  state: stateSchema
    .optional()
    .describe('draining: nothing new, only what belongs to sessions it has; disabled: nothing new at all.'),
  weight: z.number().optional().describe('Share of the load, in relation to the other weights; 0 for none.'),
});

/** The body with which a backend is added. */
export const newBackendBody = z.strictObject({
  address: z.string().describe('`host:port`, `[ipv6]:port` or `unix:/path`.'),
  name: z.string().optional().describe('Id of the backend. Default: its address.'),
  weight: z.number().optional().describe('Default: 1.'),
  maxConnections: z.number().optional().describe('Default: that of the others, where they all have the same.'),
  backup: z
    .boolean()
    .optional()
    .describe('Used only while no other backend of the pool can be, and for what those have failed. Default: false.'),
});

/** The body with which an address is banned. */
export const newBanBody = z.strictObject({
  address: z.string().describe('An IPv4 address, or one of IPv6, which stands for its /64.'),
  listener: z.string().optional().describe('Default: every listener that has a guard.'),
  for: z.string().optional().describe('A duration such as `10m`. Default: as long as the guard bans.'),
});

const bannedSchema = z.object({
  address: z.string(),
  listeners: z.array(z.string()).describe('Those that it is banned from now, or was until now.'),
});

const errorSchema = z.object({
  error: z.string().describe('A code for programs.'),
  message: z.string().describe('A sentence for people.'),
});

const indexSchema = z.object({
  name: z.string(),
  endpoints: z.array(z.object({ method: z.string(), path: z.string(), summary: z.string() })),
});

/** A backend as the API shows it. */
export type BackendStatus = z.output<typeof backendSchema>;
/** A pool with its backends. */
export type PoolStatus = z.output<typeof poolSchema>;
/** A listener with its routes in the order they are tried. */
export type ListenerStatus = z.output<typeof listenerSchema>;
/** A data-plane thread. */
export type WorkerStatus = z.output<typeof workerSchema>;
/** The whole process. */
export type Status = z.output<typeof statusSchema>;
/** Whether traffic can be served, and if not, why. */
export type Readiness = z.output<typeof readinessSchema>;
/** Connections of all workers. */
export type Connections = {
  readonly total: number;
  readonly open: readonly z.output<typeof connectionSchema>[];
  readonly ended: readonly z.output<typeof connectionSchema>[];
  readonly silent: readonly number[];
};
/** A source that is banned from a listener. */
export type BanStatus = z.output<typeof banSchema>;
/** The last minutes of a pool, in columns of equal length. */
export type TrafficHistory = z.output<typeof trafficHistorySchema>;
/** The body of every answer that is not a success, but for /readyz. */
export type AdminError = z.output<typeof errorSchema>;

/** The schemas of what the endpoints answer; each type above is derived from the same definition. */
export const schemas = {
  backend: jsonSchema(backendSchema),
  removal: jsonSchema(removalSchema),
  alive: jsonSchema(z.object({ status: z.literal('alive') })),
  banned: jsonSchema(bannedSchema),
  bans: jsonSchema(z.array(banSchema)),
  connections: jsonSchema(connectionsSchema),
  error: jsonSchema(errorSchema),
  index: jsonSchema(indexSchema),
  listeners: jsonSchema(z.array(listenerSchema)),
  pool: jsonSchema(poolSchema),
  pools: jsonSchema(z.array(poolSchema)),
  readiness: jsonSchema(readinessSchema),
  status: jsonSchema(statusSchema),
  trafficHistory: jsonSchema(trafficHistorySchema),
} as const;
