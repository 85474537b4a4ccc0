import { z } from 'zod';
import { oneOrList, Refusal, scalar } from './scalar.ts';
import { bindAddress, choice, duration, flag, fraction, integer, namePattern, off, text } from './scalars.ts';
import { type HttpListenerConfig, listenerSchema, mostConnections } from './schema-listener.ts';
import { assumedHealth, type HealthConfig, poolSchema, withoutProbes } from './schema-pool.ts';

const mostWorkers = 256;
const namesRule = { propertyNames: { pattern: namePattern.source } };

const workers = scalar<number | 'auto', number | 'auto'>({
  title: 'auto or whole number',
  expected: `auto or a whole number from 1 to ${mostWorkers}`,
  json: { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: mostWorkers }] },
  parse(written) {
    if (written === 'auto') return written;
    const count = /^\d+$/.test(String(written)) ? Number(written) : 0;
    return count >= 1 && count <= mostWorkers ? count : new Refusal();
  },
});

/** Where the admin server listens when nothing is said. */
export const defaultAdminBind = '127.0.0.1:9900';

const token = text({
  title: 'text',
  expected: 'a token of ASCII characters without spaces',
  secret: true,
  check: (written) => (/^[\x21-\x7e]*$/.test(written) ? undefined : new Refusal()),
});

/** `admin` of the config. */
export const adminSchema = z
  .union([
    off(),
    z.strictObject({
      bind: oneOrList(bindAddress())
        .prefault(defaultAdminBind)
        .describe('Where the admin server listens; an address as for a listener. One or a list.'),
      token: token
        .prefault('')
        .describe('What `Authorization: Bearer` must carry. Required unless every bind is loopback.'),
    }),
  ])
  .prefault({})
  .describe('The admin server: API, metrics and dashboard. `false` turns it off.');

const accessSchema = z
  .union([
    flag(),
    z.strictObject({
      sample: fraction().prefault(1).describe('Share of requests and connections that are logged.'),
      format: choice(['json', 'combined']).prefault('json').describe('Format of a line.'),
    }),
  ])
  .transform((written) => {
    if (typeof written === 'object') return written;
    return written ? { sample: 1, format: 'json' as const } : (false as const);
  })
  .prefault(false)
  .describe('The access log: `true` logs everything as JSON; an object says how much and in which format.');

const logSchema = z
  .strictObject({
    level: choice(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .prefault('info')
      .describe('The least severe messages that are logged.'),
    access: accessSchema,
  })
  .prefault({})
  .describe('What is logged.');

/**
 * The whole config: the one source of its types, validation, defaults, descriptions, reference and JSON Schema.
 * What single values cannot show (names that must exist, addresses used twice) is in `checks.ts`.
 */
export const configSchema = z
  .strictObject({
    $schema: text({ title: 'URL', expected: 'the URL of a JSON Schema' })
      .optional()
      .describe('The JSON Schema of this file, for editors; has no effect.'),
    workers: workers.prefault('auto').describe('Data-plane threads; `auto` is one per core.'),
    ioUring: choice(['auto', true, false])
      .prefault('auto')
      .describe(
        'Whether workers accept, connect, read and write through io_uring, which takes less processor time; `auto` where it can be had, which `true` warns of where it cannot. Needs Linux 6.1 on x64 and Node 26.10.',
      ),
    watch: flag().prefault(true).describe('Whether a change of the file is taken up at once. SIGHUP works either way.'),
    admin: adminSchema,
    log: logSchema,
    shutdown: z
      .strictObject({
        grace: duration({ min: 0 }).prefault('30s').describe('How long open connections may take to finish.'),
      })
      .prefault({})
      .describe('How the process ends.'),
    limits: z
      .strictObject({
        connections: integer(0, mostConnections)
          .prefault(20_000)
          .describe('Client connections at a time, all listeners together; 0 for no limit.'),
      })
      .prefault({})
      .describe('What the whole process may use.'),
    listeners: z.record(z.string(), listenerSchema).meta(namesRule).describe('Listeners by name. At least one.'),
    pools: z.record(z.string(), poolSchema).meta(namesRule).prefault({}).describe('Pools by name.'),
  })
  .transform(({ $schema: _, ...config }) => ({ ...config, pools: withoutTcpProbes(config) }));

/** A pool that only udp listeners use is not probed over TCP, where nobody may listen, unless it says so. */
function withoutTcpProbes<P extends { health: HealthConfig }>(config: {
  readonly listeners: Record<string, z.output<typeof listenerSchema>>;
  readonly pools: Record<string, P>;
}): Record<string, P> {
  const listeners = Object.values(config.listeners);
  const overUdp = new Set(listeners.flatMap((listener) => (listener.protocol === 'udp' ? [listener.pool] : [])));
  if (overUdp.size === 0) return config.pools;
  for (const listener of listeners) {
    if (listener.protocol === 'udp') continue;
    const pools = listener.protocol === 'tcp' ? listener.routes.map(({ pool }) => pool) : poolsOf(listener);
    for (const pool of pools) overUdp.delete(pool);
  }
  return Object.fromEntries(
    Object.entries(config.pools).map(([name, pool]) =>
      overUdp.has(name) && assumedHealth.has(pool.health)
        ? [name, { ...pool, health: withoutProbes(pool.health) }]
        : [name, pool],
    ),
  );
}

function poolsOf({ routes }: HttpListenerConfig): string[] {
  return routes.flatMap(({ action }) => (action.kind === 'pool' ? action.split.map(({ pool }) => pool) : []));
}

/** A config after validation and defaults: durations in ms, sizes in bytes, shares as fractions, addresses parsed. */
export type Config = z.output<typeof configSchema>;

/** Where the admin server listens, with its token; false when it is off. */
export type AdminConfig = Config['admin'];

/** A config as it is written. */
export type ConfigInput = z.input<typeof configSchema>;

export type { ValueMatch } from './patterns.ts';
export type { HttpListenerConfig, ListenerConfig, TcpListenerConfig } from './schema-listener.ts';
export type { BackendConfig, HashKey, HealthConfig, PoolConfig } from './schema-pool.ts';
export type { MatchConfig, RouteAction, RouteConfig } from './schema-route.ts';
