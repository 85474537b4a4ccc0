import type { Paint } from './colour.ts';
import type { Command } from './command.ts';

const heading = /^[A-Z][A-Z ]*$/gm;

/** A help text with its headings, which are lines of capitals, in bold. */
export function renderHelp(usage: string, paint: Paint): string {
  return `${usage.trim().replace(heading, (line) => paint.bold(line))}\n`;
}

/** The help of fairlead itself, from the summaries of its commands. */
export function overview(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `
NAME
  fairlead - a layer 4 and layer 7 load balancer

USAGE
  fairlead COMMAND [ARGUMENT]...
  fairlead COMMAND --help
  fairlead --version

COMMANDS
${lines.join('\n')}

OPTIONS
  -h, --help     print this, or the help of a command
  -V, --version  print the version

ENVIRONMENT
  NO_COLOR       not empty: no colour
  FORCE_COLOR    colour even where the output is no terminal; 0 for none

EXIT CODES
  0  it went well
  1  it did not: each command says what that means
  2  the command line was not understood

EXAMPLES
  fairlead demo
  fairlead check config/canary.yaml && fairlead run config/canary.yaml
`;
}
