import { readdir, readFile, readlink } from 'node:fs/promises';

/** CPU time in ms of the process that listens on an address, by that address. */
export type CpuOfPort = ReadonlyMap<string, number>;

// USER_HZ is 100 on every Linux platform that Node supports.
const MS_PER_TICK = 10;
const LISTENING = '0A';
const loopback = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost):(\d+)$/;

/**
 * How much CPU time the processes have used that listen on these loopback addresses, read from /proc: none on other
 * systems than Linux, of other machines, and of processes that are not ours to look into.
 */
export async function cpuOfPorts(addresses: readonly string[]): Promise<CpuOfPort> {
  const ports = new Map(addresses.map((address) => [Number(loopback.exec(address)?.[1] ?? 0), address]));
  ports.delete(0);
  const found = new Map<string, number>();
  if (process.platform !== 'linux' || ports.size === 0) return found;
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readOr));
  const inodes = new Map<string, string>();
  for (const [port, inode] of tables.flatMap(listeners)) {
    const address = ports.get(port);
    if (address !== undefined) inodes.set(`socket:[${inode}]`, address);
  }
  for (const pid of (await listOr('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (inodes.size === 0) break;
    for (const fd of await listOr(`/proc/${pid}/fd`)) {
      const address = inodes.get(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
      if (address !== undefined) found.set(address, cpuMs(await readOr(`/proc/${pid}/stat`)));
    }
  }
  return found;
}

/** The ports that are listened on in a table of /proc/net, each with the inode of its socket. */
export function listeners(table: string): [number, string][] {
  return table.split('\n').flatMap((row): [number, string][] => {
    const fields = row.trim().split(/\s+/);
    if (fields[3] !== LISTENING) return [];
    return [[Number.parseInt(fields[1]!.split(':')[1]!, 16), fields[9]!]];
  });
}

/** CPU time out of /proc/PID/stat (proc(5)), counted from the last ')': a command's name may hold spaces. */
export function cpuMs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK || 0;
}

// A process may end between the listing and the reading.
function readOr(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function listOr(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}
