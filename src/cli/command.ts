import type { Io } from './io.ts';

/** Loads every command, by its name. */
export type LoadAll = () => Promise<Readonly<Record<string, Command>>>;

/** What the file of a command exports. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text: usage, what it does, options, exit codes, examples. */
  readonly usage: string;
  /** Does the work and gives the exit code. `args` are those behind the command's name; `all` is for one about the others. */
  main(args: readonly string[], io: Io, all: LoadAll): Promise<number>;
}

/** What keeps a command from doing its work, and is said in one line. */
export class CommandProblem extends Error {}

/** Exit codes that mean the same in every command. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Prints why a command line was refused and where to read more, and gives the exit code for it. */
export function refuse(io: Io, command: string | undefined, problem: string): number {
  const name = command === undefined ? 'fairlead' : `fairlead ${command}`;
  io.stderr.write(`${name}: ${problem}\nTry '${name} --help'.\n`);
  return EXIT_USAGE;
}
