import { defaultConfigPath } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { createLogger, type Logger } from '../observe/log.ts';
import { type Running, startFairlead } from '../runtime/control.ts';
import { systemClock } from '../support/clock.ts';
import { readArgs } from './args.ts';
import { NO_CONFIG } from './check.ts';
import { isColoured, paintFor } from './colour.ts';
import { EXIT_FAILED, refuse } from './command.ts';
import { ConfigFile } from './config-file.ts';
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

const POLL_MS = 500;

/** Runs an instance to its end. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, { positionals: ['CONFIG'] });
  if (!parsed.ok) return refuse(io, 'run', parsed.problem);
  const path = parsed.positionals[0] ?? defaultConfigPath(io.cwd);
  if (path === undefined) return refuse(io, 'run', NO_CONFIG);
  const file = new ConfigFile({ path, env: io.env, clock: systemClock, pollMs: POLL_MS });
  const starting = start(file, io);
  try {
    const stopping = () => {
      if (io.stderr.isTTY) io.stderr.write('\nending what is open; once more to stop at once\n');
    };
    return await serveUntilSignal(starting, io.signals, stopping);
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    io.stderr.write(error.message);
    return EXIT_FAILED;
  } finally {
    file.close();
  }
}

/** Why the instance cannot start, in lines for whoever wanted it to. */
class StartProblem extends Error {}

async function start(file: ConfigFile, io: Io): Promise<Serving> {
  const loaded = await file.load();
  if (!loaded.ok) throw new StartProblem(problemLines(loaded.problems));
  io.stderr.write(warningLines(loaded, paintFor(io.stderr, io.env)));
  const { config } = loaded;
  const logger = createLogger({ level: config.log.level, output: io.stderr, color: isColoured(io.stderr, io.env) });
  const running = await startFairlead({ config, configPath: file.path, logger }).catch((error: Error) => {
    throw new StartProblem(`fairlead run: ${error.message}\n`, { cause: error });
  });
  io.stdout.write(listeningLines(running));
  const reload = async (): Promise<void> => {
    const next = await reloadFrom(file, running, logger);
    if (next !== undefined) watchIf(next.watch);
  };
  const watchIf = (wanted: boolean): void => {
    if (wanted) file.watch(reload);
    else file.close();
  };
  watchIf(config.watch);
  return { reload, drain: () => running.drain(), close: () => running.close() };
}

/** Brings the file as it is now into force and gives its config, or says in the log why not. */
async function reloadFrom(file: ConfigFile, running: Running, logger: Logger): Promise<Config | undefined> {
  const refuse = (why: string): undefined => {
    logger.error(`config not reloaded: ${why}; the one in force stays`);
  };
  const loaded = await file.load();
  if (!loaded.ok) {
    running.reloadRejected();
    for (const problem of loaded.problems) logger.error(formatProblem(problem));
    return refuse(counted(loaded.problems.length, 'problem'));
  }
  try {
    await running.reload(loaded.config);
    return loaded.config;
  } catch (error) {
    return refuse((error as Error).message);
  }
}
