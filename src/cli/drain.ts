import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../support/duration.ts';
import { adminHelp } from './admin-address.ts';
import { type AdminClient, AdminProblem, type BackendName } from './admin-client.ts';
import { UsageProblem } from './args.ts';
import { backendHelp, changeBackend, changeOptions, findBackend, ifMatchHelp } from './backend-command.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Io } from './io.ts';
import { readBackendName, runLive } from './live.ts';
import { counted } from './report.ts';
import { inWords } from './status-text.ts';

/** One line for the list of commands. */
export const summary = 'give a backend no new clients, and watch it become empty';

/** The help text. */
export const usage = `
NAME
  fairlead drain - give a backend no new clients

USAGE
  fairlead drain POOL/BACKEND [--wait] [OPTION]...

DESCRIPTION
  New clients go to other backends from now on, in every worker. What is under way goes on, and so do sessions that a
  route keeps on the backend (sticky): take those away too with fairlead disable. With --wait the command ends when
  nothing is left, and shows until then how many requests or connections are: then the backend can be stopped.
  fairlead enable brings it back.

${backendHelp}

OPTIONS
  -w, --wait         wait until nothing is left
  --timeout TIME     wait no longer than this, such as 90s or 5m; default: as long as it takes
${ifMatchHelp}
${adminHelp}
  -h, --help         print this

EXIT CODES
  0    the backend drains, or with --wait: it is empty
  1    the instance cannot be reached or refused, there is no such backend, its pool has another version,
       something was left when the time was over, or somebody has enabled it meanwhile
  2    the command line was not understood
  130  interrupted while it waited (143 by SIGTERM); the backend goes on draining

EXAMPLES
  fairlead drain web/app-1 --wait && systemctl stop app-1
  fairlead drain web/127.0.0.1:3001 --wait --timeout 5m
`;

const LOOK_MS = 250;
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Drains a backend. */
export function main(args: readonly string[], io: Io): Promise<number> {
  return runLive(
    {
      name: 'drain',
      args,
      options: { wait: { type: 'boolean', short: 'w' }, timeout: { type: 'string' }, ...changeOptions },
      positionals: ['POOL/BACKEND'],
      async run({ client, values, positionals: [written] }) {
        const named = readBackendName(written);
        const timeoutMs = readTimeout(values['timeout'] as string | undefined);
        const { id, active } = await changeBackend({ client, values }, named, { state: 'draining' });
        const name = { ...named, backend: id };
        if (values['wait'] !== true) {
          io.stdout.write(`${name.pool}/${id} is draining, ${left(active)}\n`);
          return EXIT_OK;
        }
        return waitUntilEmpty(client, name, { io, timeoutMs });
      },
    },
    io,
  );
}

function readTimeout(written: string | undefined): number {
  const ms = written === undefined ? Number.POSITIVE_INFINITY : parseDuration(written);
  if (ms === undefined) throw new UsageProblem(`--timeout '${written}' is no time, expected one such as 90s or 5m`);
  return ms;
}

function left(active: number): string {
  return active === 0 ? 'nothing is left' : `${counted(active, 'lease')} left`;
}

/**
 * Shows how much is left: on a terminal in one line that changes, elsewhere a line for each change. Throws AdminProblem
 * when the backend takes new clients again: one that is idle for a moment must not pass for empty.
 */
async function waitUntilEmpty(
  client: AdminClient,
  name: BackendName,
  { io, timeoutMs }: { readonly io: Io; readonly timeoutMs: number },
): Promise<number> {
  const interrupted = new AbortController();
  const handlers = Object.entries(SIGNAL_CODES).map(([signal, code]) => ({
    signal: signal as keyof typeof SIGNAL_CODES,
    stop: () => interrupted.abort(code),
  }));
  for (const { signal, stop } of handlers) io.signals.on(signal, stop);
  const startedAt = performance.now();
  const { isTTY } = io.stdout;
  let shown = '';
  try {
    for (;;) {
      const { active, state } = await findBackend(client, name);
      if (state === 'enabled') throw new AdminProblem(`${name.pool}/${name.backend} was enabled while it drained`);
      const waitedMs = performance.now() - startedAt;
      const line = `${name.pool}/${name.backend} is ${state}, ${left(active)}`;
      if (isTTY) io.stdout.write(`\r${line}, ${inWords(waitedMs)}\u001b[K`);
      else if (line !== shown) io.stdout.write(`${line}\n`);
      shown = line;
      if (active === 0) return EXIT_OK;
      if (waitedMs >= timeoutMs) return EXIT_FAILED;
      await sleep(Math.min(LOOK_MS, timeoutMs - waitedMs), undefined, { signal: interrupted.signal }).catch(
        () => undefined,
      );
      if (interrupted.signal.aborted) return interrupted.signal.reason as number;
    }
  } finally {
    if (isTTY) io.stdout.write('\n');
    for (const { signal, stop } of handlers) io.signals.off(signal, stop);
  }
}
