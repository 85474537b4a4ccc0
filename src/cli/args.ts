import { type ParseArgsConfig, parseArgs } from 'node:util';
import { closest } from '../support/suggest.ts';

/** The options of a command, in the form that Node's parseArgs takes. */
export type OptionTable = Readonly<
  Record<string, { readonly type: 'boolean' | 'string'; readonly short?: string; readonly multiple?: boolean }>
>;

/** The values of options by their names: a list for one that may be given several times. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** A command line that was understood, or in one sentence why it was not. */
export type Args =
  | {
      readonly ok: true;
      readonly values: OptionValues;
      readonly positionals: readonly string[];
    }
  | { readonly ok: false; readonly problem: string };

/** What a command takes. */
export interface ArgRules {
  readonly options?: OptionTable;
  /** The names of the arguments that may be given, in their order; none of them is required. */
  readonly positionals?: readonly string[];
}

/** Every command has this one. */
const help = { type: 'boolean', short: 'h' } as const;

/** Reads a command's arguments; `values.help` is true for --help and -h. Never throws. */
export function readArgs(args: readonly string[], { options = {}, positionals: names = [] }: ArgRules): Args {
  const table = { help, ...options };
  try {
    const config = { args: [...args], options: table, allowPositionals: true } satisfies ParseArgsConfig;
    const { values, positionals } = parseArgs(config);
    const extra = positionals[names.length];
    if (extra !== undefined) return { ok: false, problem: `unexpected argument '${extra}'` };
    return { ok: true, values, positionals };
  } catch (error) {
    return { ok: false, problem: explainError(error as NodeJS.ErrnoException, Object.keys(table)) };
  }
}

/** Node's message in our words: the option that is wrong, and the one that was probably meant. */
function explainError(error: NodeJS.ErrnoException, known: readonly string[]): string {
  const option = /'(-[^ ']*)/.exec(error.message)?.[1] ?? '';
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return error.message;
  const meant = option.startsWith('--') ? closest(option.slice(2), known) : undefined;
  return `unknown option '${option}'${meant === undefined ? '' : `; did you mean '--${meant}'?`}`;
}

/** Why a command line was refused. */
export class UsageProblem extends Error {}

/** The value of an option as a whole number from 1 to `most`. Throws UsageProblem when it is none. */
export function readCount(option: string, written: unknown, most: number): number {
  const count = /^\d{1,10}$/.test(String(written)) ? Number(written) : 0;
  if (count < 1 || count > most)
    throw new UsageProblem(`--${option} '${written}' is no whole number from 1 to ${most}`);
  return count;
}
