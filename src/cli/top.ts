import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../support/duration.ts';
import { adminHelp } from './admin-address.ts';
import { UsageProblem } from './args.ts';
import { paintFor } from './colour.ts';
import { EXIT_OK } from './command.ts';
import { abortOnSignal } from './interrupt.ts';
import type { Io } from './io.ts';
import { runLive } from './live.ts';
import { renderTop } from './top/render.ts';
import { showTop, takeSnapshot } from './top/session.ts';
import { firstView } from './top/view.ts';

/** One line for the list of commands. */
export const summary = 'watch a running instance live, and drain or enable backends by a key';

/** The help text. */
export const usage = `
NAME
  fairlead top - watch a running instance live

USAGE
  fairlead top [OPTION]...

DESCRIPTION
  Fills the terminal with every backend of a running instance: its status (what the operator wants, or else its
  health), weight, requests or connections now, new ones and failures a second, and latency over the last minute; wider
  terminals show its share of the pool, its total and why its health is what it is. An instance that goes away is
  waited for. Where the output is no terminal, it is shown once.

KEYS
  up, down, j, k  choose a backend; also page up and down, home, end
  s, r            sort by the next column; reverse the order
  d, x, e         drain the chosen backend, disable it (both ask first), enable it
  +, -            raise and lower its weight by one
  h, ?            help
  q, Ctrl-C       quit

OPTIONS
  --interval TIME    between two looks; default 1s
${adminHelp}
  -h, --help         print this

EXIT CODES
  0    quit, or shown once
  1    the instance cannot be reached, or refused the token
  2    the command line was not understood
  143  ended by SIGTERM

EXAMPLES
  fairlead top
  fairlead top --admin unix:/run/fairlead/admin.sock --interval 250ms
  fairlead top | head -20
`;

const SHORTEST_MS = 100;
const LONGEST_MS = 3_600_000;
/** What is printed where there is no terminal is as wide as can be read there, and as long as it has to be. */
const PRINTED_COLUMNS = 160;
const HEAD_AND_FOOT = 5;

/** Shows an instance. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return runLive(
    {
      name: 'top',
      args,
      options: { interval: { type: 'string' } },
      async run({ client, values }) {
        const intervalMs = readInterval(String(values['interval'] ?? '1s'));
        const paint = paintFor(io.stdout, io.env);
        const first = await takeSnapshot(client);
        if (io.terminal === undefined) {
          await sleep(intervalMs);
          const now = await takeSnapshot(client);
          const backends = now.pools.reduce((sum, pool) => sum + pool.backends.length, 0);
          const size = { columns: PRINTED_COLUMNS, rows: backends + HEAD_AND_FOOT };
          const lines = renderTop({ ...firstView(now), before: first }, size, paint).slice(0, -1);
          io.stdout.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`);
          return EXIT_OK;
        }
        const interrupt = abortOnSignal(io.signals);
        try {
          await showTop({ client, terminal: io.terminal, paint, intervalMs, first, signal: interrupt.signal });
          return interrupt.code ?? EXIT_OK;
        } finally {
          interrupt.end();
        }
      },
    },
    io,
  );
}

function readInterval(written: string): number {
  const ms = parseDuration(written);
  if (ms === undefined || ms < SHORTEST_MS || ms > LONGEST_MS)
    throw new UsageProblem(`--interval '${written}' is no time from 100ms to 1h`);
  return ms;
}
