import { backendHelp, changeHelp, setState } from './backend-command.ts';
import type { Io } from './io.ts';

/** One line for the list of commands. */
export const summary = 'let a backend take its share again';

/** The help text. */
export const usage = `
NAME
  fairlead enable - let a backend take its share again

USAGE
  fairlead enable POOL/BACKEND [OPTION]...

DESCRIPTION
  Brings back a backend that was drained or disabled: it gets its share from the next request or connection on, in every
  worker, unless its health says otherwise.

${backendHelp}

${changeHelp}

EXAMPLES
  fairlead enable web/app-1
  fairlead enable 'web/[::1]:3001' --admin unix:/run/fairlead/admin.sock
`;

/** Enables a backend. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return setState('enable', 'enabled', { args, io });
}
