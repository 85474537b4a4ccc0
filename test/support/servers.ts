import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import { promisify } from 'node:util';
import { remember } from './opened.ts';
import { eventually } from './patience.ts';

/** Debian keeps daemons where only root looks. */
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** Runs a program to its end; rejects with what it wrote when it fails. */
export const run = promisify(execFile);

/** True when all of these programs are there. */
export const has = (...tools: string[]): boolean =>
  tools.every((tool) => spawnSync('which', [tool], { env }).status === 0);

/** Ids of a user of this system, for servers that refuse to run as root. */
export function userIds(name: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

/** What dnsmasq is told to be a DNS server of 127.0.0.1 that knows one name, as `/app.test/10.0.0.1`. */
export const dnsmasqArgs = (port: number, answer: string): string[] => [
  ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file='],
  ...['--bind-interfaces', '--listen-address=127.0.0.1', `--port=${port}`],
  ...[`--address=${answer}`, `--user=${process.env['USER'] ?? 'root'}`],
];

/** How a server is run. */
export interface ServerOptions {
  /** As whom; as the one who runs the test unless said otherwise. */
  readonly as?: { uid: number; gid: number } | undefined;
  /** The signal that ends it, with its children. */
  readonly endWith?: NodeJS.Signals;
}

/** Starts a server in the foreground and waits until its TCP port answers; it ends with the test. */
export async function startServer(
  command: string,
  args: readonly string[],
  port: number,
  { as, endWith = 'SIGKILL' }: ServerOptions = {},
): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: 'ignore', env, ...as });
  const exited = new Promise((resolve) => child.once('close', resolve));
  remember({
    close: async () => {
      child.kill(endWith);
      await exited;
    },
  });
  await eventually(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
      }),
    `the start of ${command}`,
  );
  return child;
}
