import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, portsReady } from '../lib/ports.ts';
import type { ProcessGroup } from '../lib/processes.ts';

/** The database user of the benchmark. */
export const POSTGRES_USER = 'bench';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

function binaries(): string {
  const version = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).at(-1) : undefined;
  if (version === undefined) throw new Error(`PostgreSQL is not installed (nothing in ${DEBIAN_FOLDER})`);
  return `${DEBIAN_FOLDER}/${version}/bin`;
}

function idOf(flag: '-u' | '-g'): number {
  return Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
}

/** PostgreSQL does not run as root: there it runs as the user Debian makes for it, who has to own the folders. */
function asItsUser(folders: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [];
  for (const folder of folders) chownSync(folder, idOf('-u'), idOf('-g'));
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
}

/** Starts a PostgreSQL with pgbench's tables in it, at scale 1, and resolves with its port. Nothing is synced to disk. */
export async function startPostgresBackend(group: ProcessGroup, core?: number): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const directory = group.directory();
  const data = join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  const prefix = asItsUser([directory, data]);
  const start = (name: string, args: readonly string[]) => {
    const [command, ...rest] = [...prefix, join(binaries(), name), ...args] as [string, ...string[]];
    return group.start({ name, command, args: rest, core });
  };
  const how = ['--auth', 'trust', '--username', POSTGRES_USER, '--no-sync', '--no-locale', '--encoding', 'UTF8'];
  const made = await start('initdb', ['--pgdata', data, ...how]);
  if ((await made.ended) !== 0) throw new Error(`initdb failed\n${made.output()}`);
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${data}`];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const running = await start('postgres', args);
  await portsReady(running, [port]);
  const to = ['-h', '127.0.0.1', '-p', String(port), '-U', POSTGRES_USER];
  await group.run({ name: 'pgbench', command: 'pgbench', args: [...to, '--initialize', '--quiet', 'postgres'] });
  return port;
}
