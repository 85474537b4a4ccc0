import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const STATES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
];

/** An IPv4 address as /proc/net/tcp has it: the address in host order, the port in network order, both in hex. */
export function readAddress(text: string): string {
  const [host, port] = text.split(':') as [string, string];
  const bytes = host.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  return `${bytes.reverse().join('.')}:${Number.parseInt(port, 16)}`;
}

/** The IPv4 TCP sockets that a process has open, save those that listen, as `local > remote STATE` (proc(5)). */
export function openSockets(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // Closed since it was listed.
        return undefined;
      }
    }),
  );
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => inodes.has(fields[9]!))
    .map(
      (fields) => [readAddress(fields[1]!), readAddress(fields[2]!), STATES[Number.parseInt(fields[3]!, 16)]!] as const,
    )
    .filter(([, , state]) => state !== 'LISTEN')
    .map(([local, remote, state]) => `${local} > ${remote} ${state}`);
}
