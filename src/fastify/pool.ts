import { ConfigError } from '../config/config-error.ts';
import type { Environment } from '../config/interpolate.ts';
import { loadGiven } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import type { ConfigInput } from '../config/schema.ts';
import { createLogger, type Logger } from '../observe/log.ts';
import { LocalPool } from '../runtime/local-pool.ts';

/** A pool as it is written in a config. */
export type PoolInput = NonNullable<ConfigInput['pools']>[string];

/** What a pool for Fastify apps lives with; all of it may be left out. */
export interface PoolOptions {
  /** Its name in the log and in metrics; `apps` unless said otherwise. */
  readonly name?: string;
  /** A pino logger of yours, such as `app.log`; `false`, as when it is left out, for none. */
  readonly logger?: Pick<Logger, 'info' | 'warn' | 'error'> | false;
  /** What `${NAME}` in strings of the config reads; the environment of the process unless said otherwise. */
  readonly env?: Environment;
}

/**
 * Opens a pool of backends with its health probes in this process; resolves after the first round of probes. Rejects
 * with a `ConfigError` when the config of the pool has problems. To be closed when the app closes.
 */
export async function createPool(config: PoolInput, options: PoolOptions = {}): Promise<LocalPool> {
  const name = options.name ?? 'apps';
  const loaded = await loadGiven(
    {
      admin: false,
      // A pool is checked with a listener before it, which is never opened.
      listeners: { fastify: { protocol: 'http', bind: '127.0.0.1:0', pool: name } },
      pools: { [name]: config },
    },
    { env: options.env ?? process.env },
  );
  if (!loaded.ok) throw new ConfigError(loaded.problems);
  const unused = unusedKeys(config).map((key) => unusedProblem(`pools.${name}.${key}`));
  if (unused.length > 0) throw new ConfigError(unused);
  const silent = createLogger({ level: 'silent', output: process.stderr, color: false });
  return LocalPool.open(name, loaded.config, options.logger || silent);
}

/** The keys that are set and that the plugin could not heed: @fastify/http-proxy makes the connections, in its own way. */
function unusedKeys({ connect, keepAlive }: PoolInput): string[] {
  const isSet = {
    'connect.proxyProtocol': !isOff(connect?.proxyProtocol),
    'connect.http2': !isOff(connect?.http2),
    'connect.local': !isOff(connect?.local),
    'keepAlive.max': keepAlive?.max !== undefined,
  };
  return Object.entries(isSet).flatMap(([key, set]) => (set ? [key] : []));
}

function isOff(value: unknown): boolean {
  return value === undefined || value === false || value === '' || value === 'off' || value === 'false';
}

function unusedProblem(key: string): Problem {
  const message = 'has no meaning for the routes of a Fastify app, whose connections @fastify/http-proxy makes';
  return { file: '<config>', line: 1, column: 1, key, message };
}
