import { freePorts, portsReady } from '../lib/ports.ts';
import type { ProcessGroup } from '../lib/processes.ts';

/** The name every DNS backend knows. */
export const DNS_NAME = 'bench.test';

/** Starts so many DNS servers (dnsmasq, one process each) and resolves with their ports once all of them answer. */
export async function startDnsBackends(group: ProcessGroup, count: number, core?: number): Promise<readonly number[]> {
  const ports = await freePorts(count);
  const quiet = ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file'];
  for (const port of ports) {
    const args = [
      ...quiet,
      '--bind-interfaces',
      '--listen-address=127.0.0.1',
      `--port=${port}`,
      `--address=/${DNS_NAME}/192.0.2.1`,
    ];
    // It answers over TCP too, on the same port, as soon as it does over UDP.
    await portsReady(await group.start({ name: 'backend', command: 'dnsmasq', args, core }), [port]);
  }
  return ports;
}
