import { adminHelp } from './admin-address.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Io } from './io.ts';
import { runLive } from './live.ts';

/** One line for the list of commands. */
export const summary = 'have a running instance load its config again';

/** The help text. */
export const usage = `
NAME
  fairlead reload - have a running instance load its config again

USAGE
  fairlead reload [OPTION]...

DESCRIPTION
  The instance reads its config file again and brings it into force without dropping a connection, as it does on
  SIGHUP, and when the file changes. With a problem in the file every one of them is printed, in the form of fairlead
  check, and the config in force stays. What had been changed at run time and holds no longer is named.

OPTIONS
${adminHelp}
  --json             print what /api/reload answers
  -h, --help         print this

EXIT CODES
  0  the config is in force
  1  it was refused, or the instance cannot be reached
  2  the command line was not understood

EXAMPLES
  fairlead reload
  fairlead check && fairlead reload && fairlead status
`;

/** Reloads an instance. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return runLive(
    {
      name: 'reload',
      args,
      options: { json: { type: 'boolean' } },
      async run({ client, values }) {
        const { status, body } = await client.reload();
        if (values['json'] === true) io.stdout.write(`${JSON.stringify(body, null, 2)}\n`);
        if (status === 'refused') {
          if (values['json'] !== true) io.stderr.write([...body.problems, body.message, ''].join('\n'));
          return EXIT_FAILED;
        }
        if (values['json'] === true) return EXIT_OK;
        const lines = [
          `config reloaded, generation ${body.generation}`,
          ...body.replaced.map((one) => `  replaced: ${one}`),
        ];
        io.stdout.write(`${lines.join('\n')}\n`);
        return EXIT_OK;
      },
    },
    io,
  );
}
