import { defaultConfigPath, loadConfig } from '../config/load.ts';
import { readArgs } from './args.ts';
import { paintFor } from './colour.ts';
import { EXIT_FAILED, EXIT_OK, refuse } from './command.ts';
import type { Io } from './io.ts';
import { configSummary, counted, problemLines, warningLines } from './report.ts';

/** One line for the list of commands. */
export const summary = 'validate a config file and print every problem in it';

/** The help text. */
export const usage = `
NAME
  fairlead check - validate a config file

USAGE
  fairlead check [CONFIG]

DESCRIPTION
  Reads the file just as run would, and prints every problem in it, one a line, to the standard error:

      file:line:column: key: what is wrong, what was expected (what was probably meant)

  Warns in the same form of routes that can never match, which are no error. Opens no address and starts nothing.

  CONFIG is YAML or JSON by its extension, or a .ts or .js module whose default export is a config. Without it
  fairlead.yaml is read, or else config/fairlead.yaml. \${NAME} and \${NAME:-default} read the environment, so check
  wants the same variables as run.

OPTIONS
  -h, --help  print this

EXIT CODES
  0  valid
  1  invalid, or the file cannot be read
  2  the command line was not understood, or there is no file to check

EXAMPLES
  fairlead check
  fairlead check config/canary.yaml && kill -HUP "$(pidof fairlead)"
`;

/** Why there is nothing to load when no file was named. */
export const NO_CONFIG = 'there is neither fairlead.yaml nor config/fairlead.yaml here: name a config file';

/** Checks a file. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, { positionals: ['CONFIG'] });
  if (!parsed.ok) return refuse(io, 'check', parsed.problem);
  const path = parsed.positionals[0] ?? defaultConfigPath(io.cwd);
  if (path === undefined) return refuse(io, 'check', NO_CONFIG);
  const loaded = await loadConfig(path, { env: io.env });
  const [out, err] = [paintFor(io.stdout, io.env), paintFor(io.stderr, io.env)];
  if (!loaded.ok) {
    const count = counted(loaded.problems.length, 'problem');
    io.stderr.write(`${problemLines(loaded.problems)}${err.red(count)} in ${path}\n`);
    return EXIT_FAILED;
  }
  io.stderr.write(warningLines(loaded, err));
  io.stdout.write(`${out.green('OK')}: ${configSummary(loaded.config)}\n`);
  return EXIT_OK;
}
