import { backendHelp, changeHelp, setState } from './backend-command.ts';
import type { Io } from './io.ts';

/** One line for the list of commands. */
export const summary = 'take a backend out of use';

/** The help text. */
export const usage = `
NAME
  fairlead disable - take a backend out of use

USAGE
  fairlead disable POOL/BACKEND [OPTION]...

DESCRIPTION
  Nothing new goes to the backend from now on, in any worker, not even the requests of sessions that are on it. What is
  under way may end. To let sessions go on there, drain it instead. fairlead enable brings it back.

${backendHelp}

${changeHelp}

EXAMPLES
  fairlead disable web/app-1
  fairlead disable web/127.0.0.1:3001 --token secret
`;

/** Disables a backend. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return setState('disable', 'disabled', { args, io });
}
