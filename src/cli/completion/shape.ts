import type { Command } from '../command.ts';

/** What a value or an argument can be completed to. */
export type Kind = 'files' | 'backends' | 'shells' | 'commands' | 'nothing';

/** An option as the help of its command tells of it. */
export interface OptionShape {
  readonly long: string;
  /** With its dash. */
  readonly short: string | undefined;
  /** What its value can be completed to; undefined for one without a value. */
  readonly value: Kind | undefined;
  readonly says: string;
}

/** A command as completion sees it. */
export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionShape[];
  /** What its arguments can be completed to. */
  readonly takes: Kind;
}

const optionLine = /^ {2}(?:(-\w), )?(--[a-z-]+)(?: ('[^']+'|[A-Z][^ ]*))?(?: +(.*))?$/;

/** Reads a command out of its help, so that completion knows what the help says, and nothing else. */
export function shapeOf(name: string, { summary, usage }: Command): CommandShape {
  const options = sectionOf(usage, 'OPTIONS').flatMap((line): OptionShape[] => {
    const [, short, long, value, says = ''] = optionLine.exec(line) ?? [];
    if (long === undefined) return [];
    return [{ long, short, value: value === undefined ? undefined : kindOf(value), says: says.replace(/[;:].*$/, '') }];
  });
  return { name, summary, options, takes: kindOf(sectionOf(usage, 'USAGE')[0]?.replace(/\[OPTION\].*/, '') ?? '') };
}

/** `help` is no command of its own, and completed like one. */
export const helpShape: CommandShape = {
  name: 'help',
  summary: 'print the help of a command',
  options: [],
  takes: 'commands',
};

function sectionOf(usage: string, title: string): string[] {
  const [, text = ''] = new RegExp(`^${title}\\n((?:(?: .*)?\\n)*)`, 'm').exec(usage) ?? [];
  return text.split('\n').filter((line) => line !== '');
}

function kindOf(words: string): Kind {
  if (words.includes('POOL/BACKEND')) return 'backends';
  if (words.includes('SHELL')) return 'shells';
  return /CONFIG|FILE/.test(words) ? 'files' : 'nothing';
}

/** The shells that there is completion for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
