import type { Paint } from './colour.ts';
import type { DemoBackend } from './demo-fleet.ts';

/** What the banner tells of. Addresses are `host:port`, with the real ports. */
export interface DemoFacts {
  readonly http: string;
  readonly tcp: string;
  readonly admin: string;
  readonly backends: readonly DemoBackend[];
  /** Seconds until a backend that was ended is there again. */
  readonly restartS: number;
}

/** The demo's first page: what runs where, and commands that can be pasted into another terminal. */
export function demoBanner({ http, tcp, admin, backends, restartS }: DemoFacts, paint: Paint): string {
  const width = Math.max(...backends.map(({ name }) => name.length));
  const apps = backends.map(({ name, port, pid }) => `  ${name.padEnd(width)}  127.0.0.1:${port}  pid ${pid}`);
  const listeners = [
    ['L7 http', `http://${http}/`, 'another backend for each request'],
    ['L4 tcp', tcp, 'another backend for each connection'],
  ] as const;
  const longest = Math.max(...listeners.map(([, address]) => address.length));
  const rows = listeners.map(
    ([kind, address, what]) => `  ${kind.padEnd(7)}  ${paint.cyan(address.padEnd(longest))}  ${what}`,
  );
  const victim = backends.find(({ pid }) => pid !== undefined);
  return `
${paint.bold(`Fairlead before ${backends.length} backends, on both layers`)}

${paint.dim('listeners')}
${rows.join('\n')}

${paint.dim('watch it')}
  dashboard  ${paint.cyan(`http://${admin}/`)}
  metrics    ${paint.cyan(`http://${admin}/metrics`)}
  status     ${paint.cyan(`http://${admin}/api/status`)}
  pool       ${paint.cyan(`http://${admin}/api/pools/apps`)}

${paint.dim('backends')}
${apps.join('\n')}

${paint.dim('try, in another terminal')}
  for i in 1 2 3 4 5 6; do curl -s http://${http}/; done
  for i in 1 2 3; do curl -s http://${tcp}/; done
  curl -s http://${admin}/metrics | grep picks_total
  while sleep 0.05; do curl -s http://${http}/ >/dev/null; done   # something to see on the dashboard
  kill -9 ${victim?.pid ?? 'PID'}   # then ask again: the others answer, and it is back after ${restartS} s

Ctrl-C ends the balancer and its backends.
`;
}

/** The line for a backend that went down or came back. */
export function backendChange({ name, port, pid }: DemoBackend, restartS: number, paint: Paint): string {
  const what =
    pid === undefined
      ? `${paint.red('ended')}; it starts again in ${restartS} s, and the others carry on`
      : `${paint.green('is back')}, pid ${pid}`;
  return `${paint.bold(name)} on 127.0.0.1:${port} ${what}\n`;
}
