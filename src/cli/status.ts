import { adminHelp } from './admin-address.ts';
import { paintFor } from './colour.ts';
import { EXIT_OK } from './command.ts';
import type { Io } from './io.ts';
import { runLive } from './live.ts';
import { overviewText } from './status-text.ts';

/** One line for the list of commands. */
export const summary = 'show a running instance: listeners, pools, backends and their health';

/** The help text. */
export const usage = `
NAME
  fairlead status - show a running instance

USAGE
  fairlead status [OPTION]...

DESCRIPTION
  Asks a running instance through its admin server, and prints whether it is ready and, if not, why; its workers, its
  listeners with their real ports, and every backend with its state (what the operator wants), its health with the
  reason, its leases now and since the start, failures, and latency over the last minute.

OPTIONS
${adminHelp}
  --json             print the answers of /api/status, /readyz and /api/pools as one JSON object
  -h, --help         print this

EXIT CODES
  0  it answered, ready or not
  1  it cannot be reached, or refused the token
  2  the command line was not understood

EXAMPLES
  fairlead status
  fairlead status --admin unix:/run/fairlead/admin.sock
  fairlead status --json | jq '.pools[].backends[] | select(.health != "up")'
`;

/** Shows an instance. */
export function main(args: readonly string[], io: Io): Promise<number> {
  const options = { json: { type: 'boolean' } } as const;
  return runLive(
    {
      name: 'status',
      args,
      options,
      async run({ client, values }) {
        const [status, readiness, pools] = await Promise.all([client.status(), client.readiness(), client.pools()]);
        const overview = { status, readiness, pools };
        const asJson = values['json'] === true;
        io.stdout.write(
          asJson ? `${JSON.stringify(overview, null, 2)}\n` : overviewText(overview, paintFor(io.stdout, io.env)),
        );
        return EXIT_OK;
      },
    },
    io,
  );
}
