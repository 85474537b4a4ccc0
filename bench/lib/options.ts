import { parseArgs } from 'node:util';

/** One command-line option: `--NAME VALUE`, or `--NAME` alone when the default is a boolean. */
export interface OptionSpec {
  readonly about: string;
  readonly default: string | number | boolean | readonly string[];
  /** For a list or a word: what may stand there. */
  readonly choices?: readonly string[];
}

type Widened<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : readonly string[];

/** The values of a table of options, each of its default's type. Lists are written with commas. */
export type OptionValues<Specs extends Record<string, OptionSpec>> = {
  readonly [Name in keyof Specs]: Widened<Specs[Name]['default']>;
};

/** The text of `--help`. */
export function usage(command: string, about: string, specs: Record<string, OptionSpec>): string {
  const lines = Object.entries(specs).map(([name, spec]) => {
    const shown = Array.isArray(spec.default) ? spec.default.join(',') : String(spec.default);
    const flag = typeof spec.default === 'boolean' ? `--${name}` : `--${name} ${shown}`;
    return `  ${flag.padEnd(34)} ${spec.about}`;
  });
  return `${command}: ${about}\n\n${lines.join('\n')}\n`;
}

/** Reads the options. Throws an Error whose message is for the user when one is unknown or has a wrong value. */
export function readOptions<const Specs extends Record<string, OptionSpec>>(
  argv: readonly string[],
  specs: Specs,
): OptionValues<Specs> {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      return [name, { type: typeof spec.default === 'boolean' ? ('boolean' as const) : ('string' as const) }];
    }),
  );
  const { values } = parseArgs({ args: [...argv], options });
  const read = Object.entries(specs).map(([name, spec]) => [name, readOne(name, spec, values[name])]);
  return Object.fromEntries(read) as OptionValues<Specs>;
}

function readOne(name: string, spec: OptionSpec, given: unknown): OptionSpec['default'] {
  if (given === undefined) return spec.default;
  if (typeof spec.default === 'boolean') return given === true;
  const text = String(given);
  if (typeof spec.default === 'number') return positive(name, text);
  if (typeof spec.default === 'string') return chosen(name, text, spec);
  return text.split(',').map((each) => chosen(name, each.trim(), spec));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0) || !Number.isFinite(value)) throw new Error(`--${name} ${text}: expected a number`);
  return value;
}

function chosen(name: string, text: string, spec: OptionSpec): string {
  if (spec.choices === undefined || spec.choices.includes(text)) return text;
  throw new Error(`--${name} ${text}: expected one of ${spec.choices.join(', ')}`);
}

/** Runs a benchmark: prints the usage for `--help`; a wrong option ends with exit code 2, a failed run with 1. */
export async function runMain<const Specs extends Record<string, OptionSpec>>(
  specs: Specs,
  [command, about]: readonly [command: string, about: string],
  main: (options: OptionValues<Specs>) => Promise<void>,
): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage(command, about, specs));
    return;
  }
  let options: OptionValues<Specs>;
  try {
    options = readOptions(argv, specs);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 2;
    return;
  }
  await main(options).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
