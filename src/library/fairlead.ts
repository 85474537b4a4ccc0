import { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import type { PoolStatus, Readiness, Status } from '../admin/schema.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Environment } from '../config/interpolate.ts';
import { loadGiven } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { createLogger, type Logger } from '../observe/log.ts';
import { startFairlead } from '../runtime/control.ts';
import type { Transition } from '../runtime/health-keeper.ts';
import type { OpenListener, Running } from '../runtime/running.ts';

/** How an instance lives in its process; all of it may be left out. */
export interface FairleadOptions {
  /** A pino logger of yours, to which `log.level` applies; `false` for none. Without it JSON lines at `log.level` go to the standard error. */
  readonly logger?: Logger | false;
  /** Where the access log goes when the config turns it on; the standard output unless said otherwise. */
  readonly accessLog?: Writable;
  /** What `${NAME}` in strings of the config reads; the environment of the process unless said otherwise. */
  readonly env?: Environment;
}

/** What an instance tells of itself, by the name of the event. */
export interface FairleadEvents {
  /** A backend's health changed. */
  health: [change: Transition];
  /** Another config is in force, of this generation. */
  reload: [generation: number];
  /** The instance has ended, and everything of it is closed. */
  close: [];
}

/** A load balancer that runs in this process: its control plane in this thread, its workers in threads of their own. */
export interface Fairlead extends AsyncDisposable {
  /** The open listeners, with the ports that the system chose where the config says 0. */
  readonly listeners: readonly OpenListener[];
  /** Where the admin server listens; empty with `admin: false`. */
  readonly adminAddresses: readonly string[];
  /** Number of the config in force: 1 at the start. */
  readonly generation: number;
  /** The first address of a listener, like `127.0.0.1:8080`. Throws a RangeError when there is none of that name. */
  address(listener: string): string;
  /** The process, its workers and listeners, as of now. */
  status(): Status;
  /** Every pool with its backends, as of now. */
  pools(): readonly PoolStatus[];
  /** Whether every listener is open and every pool has a healthy backend, or why not. */
  readiness(): Readiness;
  /** All metrics in Prometheus' text format. */
  metrics(): Promise<string>;
  /**
   * Brings another config into force without dropping a connection. Rejects with a `ConfigError` when it has problems,
   * and with another error when it cannot be brought in; what was in force then stays.
   */
  reload(config: ConfigInput): Promise<void>;
  /** Takes nothing new and waits for what is open; true when all of it ended within `shutdown.grace`. Then it is closed. */
  drain(): Promise<boolean>;
  /** Ends everything at once; a second call does nothing. */
  close(): Promise<void>;
  /** Calls `listener` at every event of that name until `off`. What it throws is thrown where the event came from. */
  on<E extends keyof FairleadEvents>(event: E, listener: FairleadListener<E>): this;
  /** The same for the next event only. */
  once<E extends keyof FairleadEvents>(event: E, listener: FairleadListener<E>): this;
  /** Ends what `on` or `once` began. */
  off<E extends keyof FairleadEvents>(event: E, listener: FairleadListener<E>): this;
}

/** What hears an event. */
export type FairleadListener<E extends keyof FairleadEvents> = (...values: FairleadEvents[E]) => void;

/**
 * Starts a load balancer; resolves when its listeners are open, which is after the first round of health probes. Rejects
 * with a `ConfigError` that lists every problem of a bad config, and with another error, nothing left open, when it
 * cannot start, as with an address in use. Relative paths in the config start at the working directory, and nothing of
 * the process is taken over: no signal, no exit.
 */
export async function createFairlead(config: ConfigInput, options: FairleadOptions = {}): Promise<Fairlead> {
  const checking = { env: options.env ?? process.env, silent: options.logger === false };
  const checked = await checkedConfig(config, checking);
  const started = new Instance(checking);
  const running = await startFairlead({
    config: checked,
    configPath: null,
    logger: loggerOf(options, checked),
    ...(options.accessLog === undefined ? {} : { accessStream: options.accessLog }),
    onTransition: (change) => started.emit('health', change),
  });
  started.adopt(running);
  return started;
}

/** What a config of this instance is read with, at the start and at reloads. */
interface Checking {
  readonly env: Environment;
  /** No logger is wanted, whatever the config says. */
  readonly silent: boolean;
}

async function checkedConfig(given: unknown, { env, silent }: Checking): Promise<Config> {
  const loaded = await loadGiven(given, { env });
  if (!loaded.ok) throw new ConfigError(loaded.problems);
  const { config } = loaded;
  return silent ? { ...config, log: { ...config.log, level: 'silent' } } : config;
}

function loggerOf({ logger }: FairleadOptions, { log }: Config): Logger {
  if (logger !== undefined && logger !== false) return logger.child({});
  return createLogger({ level: log.level, output: process.stderr, color: false });
}

/** A started instance in the form that its users see. */
class Instance implements Fairlead {
  // Not inherited, since an emitter has a method of the name `listeners`.
  readonly #emitter = new EventEmitter();
  readonly #checking: Checking;
  #running!: Running;
  #closing: Promise<void> | undefined;

  constructor(checking: Checking) {
    this.#checking = checking;
  }

  emit<E extends keyof FairleadEvents>(event: E, ...values: FairleadEvents[E]): void {
    this.#emitter.emit(event, ...values);
  }

  on<E extends keyof FairleadEvents>(event: E, listener: FairleadListener<E>): this {
    this.#emitter.on(event, listener as (...values: unknown[]) => void);
    return this;
  }

  once<E extends keyof FairleadEvents>(event: E, listener: FairleadListener<E>): this {
    this.#emitter.once(event, listener as (...values: unknown[]) => void);
    return this;
  }

  off<E extends keyof FairleadEvents>(event: E, listener: FairleadListener<E>): this {
    this.#emitter.off(event, listener as (...values: unknown[]) => void);
    return this;
  }

  adopt(running: Running): void {
    this.#running = running;
  }

  get listeners(): readonly OpenListener[] {
    return this.#running.listeners;
  }

  get adminAddresses(): readonly string[] {
    return this.#running.adminAddresses;
  }

  get generation(): number {
    return this.#running.generation;
  }

  address(listener: string): string {
    const address = this.listeners.find(({ name }) => name === listener)?.addresses[0];
    if (address === undefined) throw new RangeError(`there is no open listener ${JSON.stringify(listener)}`);
    return address;
  }

  status(): Status {
    return this.#running.source.status();
  }

  pools(): readonly PoolStatus[] {
    return this.#running.source.pools();
  }

  readiness(): Readiness {
    return this.#running.source.readiness();
  }

  async metrics(): Promise<string> {
    return (await this.#running.source.metrics()).body;
  }

  async reload(config: ConfigInput): Promise<void> {
    const checked = await checkedConfig(config, this.#checking).catch((error: unknown) => {
      if (error instanceof ConfigError) this.#running.reloadRejected(error.problems.map(formatProblem));
      throw error;
    });
    await this.#running.reload(checked);
    this.emit('reload', this.generation);
  }

  async drain(): Promise<boolean> {
    const whole = await this.#running.drain();
    await this.close();
    return whole;
  }

  close(): Promise<void> {
    this.#closing ??= this.#running.close().then(() => {
      this.emit('close');
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
