import { freePorts, portsReady } from '../lib/ports.ts';
import type { ProcessGroup } from '../lib/processes.ts';

/** Starts a Redis that keeps nothing on disk, and resolves with its port once it accepts. */
export async function startRedisBackend(group: ProcessGroup, core?: number): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const to = ['--port', String(port), '--bind', '127.0.0.1', '--dir', group.directory()];
  const args = [...to, '--save', '', '--appendonly', 'no'];
  await portsReady(await group.start({ name: 'backend', command: 'redis-server', args, core }), [port]);
  return port;
}
