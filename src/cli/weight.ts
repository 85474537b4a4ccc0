import { largestWeight } from '../config/schema-route.ts';
import { UsageProblem } from './args.ts';
import { backendHelp, changeBackend, changeHelp, changeOptions } from './backend-command.ts';
import { EXIT_OK } from './command.ts';
import type { Io } from './io.ts';
import { readBackendName, runLive } from './live.ts';

/** One line for the list of commands. */
export const summary = 'change the weight of a backend';

/** The help text. */
export const usage = `
NAME
  fairlead weight - change the weight of a backend

USAGE
  fairlead weight POOL/BACKEND N [OPTION]...

DESCRIPTION
  The backend takes its new share of the load, in relation to the weights of the others, from the next request or
  connection on, in every worker. N is a whole number from 0 to ${largestWeight}; 0 is no share at all.

${backendHelp}

${changeHelp}

EXAMPLES
  fairlead weight web/app-1 10
  fairlead weight 'web/[::1]:3001' 0
`;

/** Weighs a backend. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return runLive(
    {
      name: 'weight',
      args,
      positionals: ['POOL/BACKEND', 'N'],
      options: changeOptions,
      async run({ positionals: [written, number], ...live }) {
        const name = readBackendName(written);
        const weight = readWeight(number);
        const { id, weight: now } = await changeBackend(live, name, { weight });
        io.stdout.write(`${name.pool}/${id} has weight ${now}\n`);
        return EXIT_OK;
      },
    },
    io,
  );
}

function readWeight(written: string | undefined): number {
  if (written === undefined) throw new UsageProblem('which weight? N is missing');
  const weight = /^\d{1,5}$/.test(written) ? Number(written) : Number.POSITIVE_INFINITY;
  if (weight > largestWeight) throw new UsageProblem(`'${written}' is no whole number from 0 to ${largestWeight}`);
  return weight;
}
