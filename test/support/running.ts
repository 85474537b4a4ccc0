import { Writable } from 'node:stream';
import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import { createLogger } from '../../src/observe/log.ts';
import { startFairlead } from '../../src/runtime/control.ts';
import type { Running } from '../../src/runtime/running.ts';
import { ioUringSetting } from './io-uring-setting.ts';
import { remember } from './opened.ts';

/** A running instance, with what it wrote. */
export interface RunningFairlead extends Running {
  /** The first address of the listener of that name, `web` unless said otherwise, with the real port. */
  address(listener?: string): string;
  /** As `reload` of the instance, with the same defaults as at the start. */
  reloadWith(config: ConfigInput): Promise<readonly string[]>;
  /** Lines of the log, as JSON; only those of `log.level` in the config, which is `silent` unless said otherwise. */
  readonly logLines: readonly string[];
  /** Lines of the access log. */
  readonly accessLines: readonly string[];
}

type HttpListenerInput = Extract<ConfigInput['listeners'][string], { protocol: 'http' }>;
type PoolInput = NonNullable<ConfigInput['pools']>[string];

/** A config with one http listener `web` on a free port before one pool `web` that is not probed. */
export function webConfig(
  backends: PoolInput['backends'],
  listener: Partial<HttpListenerInput> = {},
  pool: Partial<PoolInput> = {},
): ConfigInput {
  const routing = listener.routes === undefined ? { pool: 'web' } : {};
  return {
    listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', ...routing, ...listener } },
    pools: { web: { backends, health: { type: 'off' }, ...pool } },
  };
}

/** Quiet, small and apart from other instances, unless the test says otherwise. */
function withDefaults(config: ConfigInput) {
  const quiet = { workers: 1, watch: false, admin: false, log: { level: 'silent' } } as const;
  return configSchema.parse({ ...quiet, ioUring: ioUringSetting, ...config });
}

/** Starts an instance as `fairlead run` does, in this process. Close it, or call `closeOpened`, after the test. */
export async function runFairlead(config: ConfigInput): Promise<RunningFairlead> {
  const logLines: string[] = [];
  const accessLines: string[] = [];
  const output = { write: (line: string) => logLines.push(line) };
  const accessStream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, taken) {
      accessLines.push(...String(chunk).split('\n').filter(Boolean));
      taken();
    },
  });
  const parsed = withDefaults(config);
  const logger = createLogger({ level: parsed.log.level, output, color: false });
  const running = await startFairlead({ config: parsed, configPath: null, logger, accessStream });
  const address = (name = 'web'): string => {
    const listener = running.listeners.find((candidate) => candidate.name === name);
    if (listener === undefined) throw new Error(`there is no listener ${name}`);
    return listener.addresses[0]!;
  };
  return remember(
    Object.assign(running, {
      address,
      reloadWith: (next: ConfigInput) => running.reload(withDefaults(next)),
      logLines,
      accessLines,
    }),
  );
}
