import { adminHelp, adminOptions, findAdmin } from './admin-address.ts';
import { AdminClient } from './admin-client.ts';
import { type OptionValues, readArgs } from './args.ts';
import { EXIT_FAILED, EXIT_OK, type LoadAll, refuse } from './command.ts';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { type CommandShape, helpShape, shapeOf, shells } from './completion/shape.ts';
import { zshCompletion } from './completion/zsh.ts';
import type { Io } from './io.ts';

/** One line for the list of commands. */
export const summary = 'print what makes a shell complete commands, options and backends';

/** The help text. */
export const usage = `
NAME
  fairlead completion - print what makes a shell complete commands

USAGE
  fairlead completion SHELL
  fairlead completion backends

DESCRIPTION
  SHELL is bash, zsh or fish. What is printed completes commands, their options, files, and, for the commands that act
  on a backend, the backends of the running instance. It knows an option when the help of its command tells of it.

  With backends the POOL/BACKEND names of the running instance are printed, one a line: what the shells ask for.

OPTIONS
${adminHelp}
  -h, --help         print this

EXIT CODES
  0  printed
  1  with backends: the instance cannot be reached
  2  the command line was not understood

EXAMPLES
  source <(fairlead completion bash)
  fairlead completion bash > /etc/bash_completion.d/fairlead
  fairlead completion zsh > "\${fpath[1]}/_fairlead"
  fairlead completion fish > ~/.config/fish/completions/fairlead.fish
`;

const writers: Readonly<Record<(typeof shells)[number], (commands: readonly CommandShape[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Prints the completion for a shell. */
export async function main(args: readonly string[], io: Io, all: LoadAll): Promise<number> {
  const parsed = readArgs(args, { options: adminOptions, positionals: ['SHELL'] });
  if (!parsed.ok) return refuse(io, 'completion', parsed.problem);
  const [wanted] = parsed.positionals;
  if (wanted === 'backends') return printBackends(parsed.values, io);
  const shell = shells.find((one) => one === wanted);
  if (shell === undefined) {
    const what = wanted === undefined ? 'which shell?' : `'${wanted}' is no shell that is known:`;
    return refuse(io, 'completion', `${what} expected ${shells.join(', ')}`);
  }
  const shapes = Object.entries(await all()).map(([name, command]) => shapeOf(name, command));
  io.stdout.write(writers[shell]([...shapes, helpShape]));
  return EXIT_OK;
}

/** Says nothing when there is nobody to ask: it is the answer to a key. */
async function printBackends(values: OptionValues, io: Io): Promise<number> {
  let client: AdminClient | undefined;
  try {
    client = new AdminClient(await findAdmin(values, io));
    const pools = await client.pools();
    io.stdout.write(pools.flatMap(({ name, backends }) => backends.map(({ id }) => `${name}/${id}\n`)).join(''));
    return EXIT_OK;
  } catch {
    return EXIT_FAILED;
  } finally {
    client?.close();
  }
}
