#!/usr/bin/env node
import { closest } from '../support/suggest.ts';
import { version } from '../support/version.ts';
import { paintFor } from './colour.ts';
import { type Command, EXIT_FAILED, EXIT_OK, EXIT_USAGE, refuse } from './command.ts';
import { commands } from './commands.ts';
import { HeldSignals } from './held-signals.ts';
import { overview, renderHelp } from './help.ts';
import { type Io, type Output, processIo } from './io.ts';

/** Runs the command that the arguments name and gives its exit code. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    await printHelp(undefined, io.stderr, io);
    return EXIT_USAGE;
  }
  if (first === '--version' || first === '-V') {
    io.stdout.write(`fairlead ${version}\n`);
    return EXIT_OK;
  }
  if (first === '--help' || first === '-h') return printHelp(undefined, io.stdout, io);
  if (first === 'help')
    return rest[0] === undefined ? printHelp(undefined, io.stdout, io) : runCommand(rest[0], ['-h'], io);
  if (first.startsWith('-')) return refuse(io, undefined, `unknown option '${first}'`);
  return runCommand(first, rest, io);
}

async function runCommand(name: string, args: readonly string[], io: Io): Promise<number> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    const meant = closest(name, Object.keys(commands));
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
    return refuse(io, undefined, `unknown command '${name}'${hint}`);
  }
  const command = await load();
  // Here rather than in each command, so that no command can be without it. What follows -- is not ours to read.
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own.includes('--help') || own.includes('-h')) return printHelp(command, io.stdout, io);
  return command.main(args, io, loadAll);
}

async function printHelp(command: Command | undefined, output: Output, io: Io): Promise<number> {
  const usage = command?.usage ?? overview(await loadAll());
  output.write(renderHelp(usage, paintFor(output, io.env)));
  return EXIT_OK;
}

async function loadAll(): Promise<Record<string, Command>> {
  const loaded = Object.entries(commands).map(async ([name, load]) => [name, await load()] as const);
  return Object.fromEntries(await Promise.all(loaded));
}

/** The commands that signals end in good order; all others are ended by the system, at any time. */
const served = ['run', 'demo'];

/** Runs the command line of this very process, and ends it with the exit code once everything is written. */
export async function runProcess(): Promise<void> {
  const args = process.argv.slice(2);
  // First of all: the file of such a command takes its time to load, and signals come whenever they like.
  const signals = served.includes(args[0] ?? '') ? new HeldSignals(process, (code) => process.exit(code)) : process;
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that has gone, as in `fairlead schema | head -1`, is no failure of ours and no reason for a stack trace.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  let code = EXIT_FAILED;
  try {
    code = await main(args, { ...processIo(), signals });
  } catch (error) {
    console.error(error);
  }
  // A write to a pipe is not done when write() returns, and exit() does not wait for it.
  for (const stream of [process.stdout, process.stderr]) await new Promise((done) => stream.write('', done));
  process.exit(code);
}

if (import.meta.main) await runProcess();
