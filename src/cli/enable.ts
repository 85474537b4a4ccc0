import { adminHelp } from './admin-address.ts';
import { backendHelp, setState } from './backend-command.ts';
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

OPTIONS
${adminHelp}
  -h, --help         print this

EXIT CODES
  0  done
  1  the instance cannot be reached or refused, or there is no such backend
  2  the command line was not understood

EXAMPLES
  fairlead enable web/app-1
  fairlead enable 'web/[::1]:3001' --admin unix:/run/fairlead/admin.sock
`;

/** Enables a backend. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return setState('enable', 'enabled', { args, io });
}
