import { fileURLToPath } from 'node:url';
import { freePorts, portsReady } from '../lib/ports.ts';
import type { ProcessGroup } from '../lib/processes.ts';
import type { Capacity } from './slots.ts';

/** A running backend of fixed capacity; its name is what it answers with. */
export interface SlowBackend {
  readonly name: string;
  readonly port: number;
}

const SCRIPT = fileURLToPath(new URL('./slow-app.ts', import.meta.url));

/** The name of the backend at an index, from 0. */
export function backendName(index: number): string {
  return `app-${index + 1}`;
}

/** Starts so many backend processes, named app-1, app-2 and so on, and resolves once all accept. */
export async function startFleet(group: ProcessGroup, count: number, capacity: Capacity): Promise<SlowBackend[]> {
  const ports = await freePorts(count);
  return Promise.all(
    ports.map(async (port, i) => {
      const name = backendName(i);
      const shape = ['--slots', String(capacity.slots), '--service-ms', String(capacity.serviceMs)];
      const args = [SCRIPT, '--name', name, '--port', String(port), ...shape];
      await portsReady(await group.start({ name, command: process.execPath, args }), [port]);
      return { name, port };
    }),
  );
}
