import { resolveConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { createLogger } from '../observe/log.ts';
import { startFairlead } from '../runtime/control.ts';
import { readArgs } from './args.ts';
import { isColoured, paintFor } from './colour.ts';
import { EXIT_FAILED, refuse } from './command.ts';
import { backendChange, demoBanner } from './demo-banner.ts';
import { type DemoBackend, DemoFleet } from './demo-fleet.ts';
import { portOrAny } from './free-port.ts';
import type { Io } from './io.ts';
import { type Serving, serveUntilSignal } from './serve.ts';

/** One line for the list of commands. */
export const summary = 'start three backends and a balancer over them, to try out';

/** The help text. */
export const usage = `
NAME
  fairlead demo - start three local backends and a balancer over them

USAGE
  fairlead demo

DESCRIPTION
  Starts three small HTTP applications, each a process of its own, and balances over them on two listeners: one for
  HTTP (layer 7), which takes a backend for each request, and one for plain TCP (layer 4), which takes one for each
  connection. Prints the addresses, those of the dashboard and the metrics, and commands to try, and keeps running until
  Ctrl-C. A backend that is killed is started again after a few seconds, so that its way out of the rotation and back
  can be watched.

  Everything listens on 127.0.0.1: on the ports 8080 (HTTP), 8081 (TCP), 9900 (admin) and 3001 to 3003 (backends)
  where these are free, and on other free ones where not.

OPTIONS
  -h, --help  print this

EXIT CODES
  0    stopped by a signal
  1    it could not start
  2    the command line was not understood
  130  stopped at once by a second signal (143 when that was SIGTERM)

EXAMPLES
  fairlead demo
  FORCE_COLOR=1 fairlead demo | tee demo.log
`;

const names = ['app-1', 'app-2', 'app-3'];
const backendPorts = [3001, 3002, 3003];
const wanted = { http: 8080, tcp: 8081, admin: 9900 };
const RESTART_S = 5;

/** Runs the demo to its end. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const parsed = readArgs(args, {});
  if (!parsed.ok) return refuse(io, 'demo', parsed.problem);
  const paint = paintFor(io.stdout, io.env);
  let fleet: DemoFleet | undefined;
  try {
    fleet = await DemoFleet.start({
      names,
      ports: backendPorts,
      restartMs: RESTART_S * 1000,
      onChange: (backend) => io.stdout.write(backendChange(backend, RESTART_S, paint)),
    });
    const starting = startBalancer(fleet, io);
    return await serveUntilSignal(starting, io.signals, () =>
      io.stdout.write('\nending the balancer and its backends\n'),
    );
  } catch (error) {
    io.stderr.write(`fairlead demo: ${(error as Error).message}\n`);
    return EXIT_FAILED;
  } finally {
    await fleet?.stop();
  }
}

async function startBalancer(fleet: DemoFleet, io: Io): Promise<Serving> {
  const [http, tcp, admin] = await Promise.all([wanted.http, wanted.tcp, wanted.admin].map(portOrAny));
  const input = demoConfig(fleet.backends, { http: http!, tcp: tcp!, admin: admin! });
  const loaded = resolveConfig(input, { env: io.env });
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  // For people, also where the output is no terminal: nobody collects a demo's log.
  const output = { isTTY: true, write: (text: string) => io.stderr.write(text) };
  const logger = createLogger({ level: 'info', output, color: isColoured(io.stderr, io.env) });
  const running = await startFairlead({ config: loaded.config, configPath: null, logger });
  const addressOf = (name: string) => running.listeners.find((listener) => listener.name === name)?.addresses[0] ?? '';
  const facts = {
    http: addressOf('web'),
    tcp: addressOf('raw'),
    admin: running.adminAddresses[0] ?? '',
    backends: fleet.backends,
    restartS: RESTART_S,
  };
  io.stdout.write(demoBanner(facts, paintFor(io.stdout, io.env)));
  return { reload: async () => undefined, drain: () => running.drain(), close: () => running.close() };
}

/** The demo's config as a user would write it. */
function demoConfig(backends: readonly DemoBackend[], ports: typeof wanted): object {
  return {
    admin: { bind: `127.0.0.1:${ports.admin}` },
    shutdown: { grace: '5s' },
    listeners: {
      web: {
        protocol: 'http',
        bind: `127.0.0.1:${ports.http}`,
        routes: [
          { name: 'ping', match: { path: '/ping' }, respond: { body: 'pong\n' } },
          { name: 'apps', pool: 'apps' },
        ],
      },
      raw: { protocol: 'tcp', bind: `127.0.0.1:${ports.tcp}`, pool: 'apps' },
    },
    pools: {
      apps: {
        backends: backends.map(({ name, port }) => ({ name, address: `127.0.0.1:${port}` })),
        health: { type: 'http', path: '/healthz', interval: '1s' },
      },
    },
  };
}
