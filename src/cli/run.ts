import { isDeepStrictEqual } from 'node:util';
import type { Reloaded } from '../admin/config-schema.ts';
import { defaultConfigPath, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { type ConfigWatch, watchConfig } from '../config/watch.ts';
import { createLogger, type Logger } from '../observe/log.ts';
import { startFairlead } from '../runtime/control.ts';
import type { Running } from '../runtime/running.ts';
import { systemClock } from '../support/clock.ts';
import { readArgs } from './args.ts';
import { NO_CONFIG } from './check.ts';
import { isColoured, paintFor } from './colour.ts';
import { EXIT_FAILED, refuse } from './command.ts';
import type { Io } from './io.ts';
import { listeningLines } from './listening.ts';
import { counted, problemLines, warningLines } from './report.ts';
import { type Serving, serveUntilSignal } from './serve.ts';

/** One line for the list of commands. */
export const summary = 'run the load balancer until it is told to stop';

/** The help text. */
export const usage = `
NAME
  fairlead run - run the load balancer

USAGE
  fairlead run [CONFIG]

DESCRIPTION
  Loads the config, probes its backends once, opens its listeners, and prints an address for each of them and for
  the admin server to the standard output. The access log, when it is on, goes there too; everything else that is
  logged goes to the standard error: as lines for people on a terminal, and as JSON elsewhere.

  CONFIG is YAML or JSON by its extension, or a .ts or .js module whose default export is a config. Without it
  fairlead.yaml is read, or else config/fairlead.yaml. \${NAME} and \${NAME:-default} read the environment.

  The file is watched, unless it says watch: false. A change is applied without dropping a connection; one with a
  problem in it is reported, and the config in force stays.

SIGNALS
  SIGTERM, SIGINT  take nothing new, wait for what is open for as long as shutdown.grace says, then exit;
                   a second one exits at once
  SIGHUP           load the config again

OPTIONS
  -h, --help  print this

EXIT CODES
  0    stopped by a signal, after the drain
  1    the config has problems, or an address could not be opened
  2    the command line was not understood, or there is no config file
  130  stopped at once by a second signal (143 when that was SIGTERM)

EXAMPLES
  fairlead run
  fairlead run config/canary.yaml
  FAIRLEAD_TOKEN=secret fairlead run /etc/fairlead/fairlead.yaml
`;

/** Runs an instance to its end. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, { positionals: ['CONFIG'] });
  if (!parsed.ok) return refuse(io, 'run', parsed.problem);
  const path = parsed.positionals[0] ?? defaultConfigPath(io.cwd);
  if (path === undefined) return refuse(io, 'run', NO_CONFIG);
  const served = new ServedFile(path, io);
  try {
    const stopping = () => {
      if (io.stderr.isTTY) io.stderr.write('\nending what is open; once more to stop at once\n');
    };
    return await serveUntilSignal(served.start(), io.signals, stopping);
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    io.stderr.write(error.message);
    return EXIT_FAILED;
  } finally {
    served.unwatch();
  }
}

/** Why the instance cannot start, in lines for whoever wanted it to. */
class StartProblem extends Error {}

/** A config file and the instance that runs by it. */
class ServedFile {
  readonly #path: string;
  readonly #io: Io;
  #logger!: Logger;
  #running!: Running;
  #inForce!: Config;
  #watch: ConfigWatch | undefined;
  /** Whether the file was refused when it was last loaded. */
  #fileRefused = false;
  /** The tail of the queue of reloads: one ends before the next begins. */
  #reloads: Promise<unknown> = Promise.resolve();

  constructor(path: string, io: Io) {
    this.#path = path;
    this.#io = io;
  }

  /** Starts the instance; what changes meanwhile is taken up after it. */
  start(): Promise<Serving> {
    const starting = this.#begin();
    this.#reloads = starting.catch(() => undefined);
    return starting;
  }

  async #begin(): Promise<Serving> {
    const io = this.#io;
    // Watched from before the load, so that no change is missed.
    this.#watchFile(true);
    const loaded = await loadConfig(this.#path, { env: io.env });
    if (!loaded.ok) throw new StartProblem(problemLines(loaded.problems));
    io.stderr.write(warningLines(loaded, paintFor(io.stderr, io.env)));
    const { config } = loaded;
    this.#inForce = config;
    this.#watchFile(config.watch);
    const logger = createLogger({ level: config.log.level, output: io.stderr, color: isColoured(io.stderr, io.env) });
    this.#logger = logger;
    this.#running = await startFairlead({
      config,
      configPath: this.#path,
      logger,
      loadAgain: () => this.#reload(true),
    }).catch((error: Error) => {
      throw new StartProblem(`fairlead run: ${error.message}\n`, { cause: error });
    });
    const running = this.#running;
    io.stdout.write(listeningLines(running));
    return { reload: () => this.#reload(true), drain: () => running.drain(), close: () => running.close() };
  }

  /** Begins or ends watching the file; what is as wanted stays as it is. */
  #watchFile(wanted: boolean): void {
    if (!wanted) this.unwatch();
    else this.#watch ??= watchConfig(this.#path, () => void this.#reload(false), { clock: systemClock });
  }

  unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #reload(asked: boolean): Promise<Reloaded> {
    const reloaded = this.#reloads.then(() => this.#reloadNow(asked));
    this.#reloads = reloaded;
    return reloaded;
  }

  /**
   * Brings the file as it is now into force, or says why not. A change that changes nothing counts only when asked for, or
   * when the file had been refused before: then it is news that it is good again.
   */
  async #reloadNow(asked: boolean): Promise<Reloaded> {
    if (this.#running === undefined) return { ok: false, problems: ['the instance could not be started'] };
    const watched = this.#watch !== undefined;
    // From before the load here too, for the file may say that it is to be watched.
    this.#watchFile(true);
    const reloaded = await this.#loadAndApply(asked);
    if (!reloaded.ok) this.#watchFile(watched);
    return reloaded;
  }

  async #loadAndApply(asked: boolean): Promise<Reloaded> {
    const loaded = await loadConfig(this.#path, { env: this.#io.env });
    if (!loaded.ok) {
      const problems = loaded.problems.map(formatProblem);
      this.#running.reloadRejected(problems);
      for (const problem of problems) this.#logger.error(problem);
      return this.#refused(counted(loaded.problems.length, 'problem'), problems);
    }
    if (!asked && !this.#fileRefused && isDeepStrictEqual(loaded.config, this.#inForce))
      return { ok: true, generation: this.#running.generation, replaced: [] };
    try {
      const replaced = await this.#running.reload(loaded.config);
      this.#inForce = loaded.config;
      this.#fileRefused = false;
      this.#watchFile(loaded.config.watch);
      return { ok: true, generation: this.#running.generation, replaced: [...replaced] };
    } catch (error) {
      const { message } = error as Error;
      return this.#refused(message, [message]);
    }
  }

  #refused(why: string, problems: readonly string[]): Reloaded {
    this.#fileRefused = true;
    this.#logger.error(`config not reloaded: ${why}; the one in force stays`);
    return { ok: false, problems };
  }
}
