import { fileURLToPath } from 'node:url';
import type { ProcessGroup, RunningProcess } from '../lib/processes.ts';
import type { IdleClientSpec, ToIdleClients } from './idle-clients.ts';

const SCRIPT = fileURLToPath(new URL('./idle-clients.ts', import.meta.url));

/** How many connections each of several client processes takes: even, the first ones one more. */
export function divide(total: number, processes: number): number[] {
  const [least, more] = [Math.floor(total / processes), total % processes];
  return Array.from({ length: processes }, (_, i) => least + (i < more ? 1 : 0));
}

/** Starts the client processes and resolves when every connection is open, answered and idle. */
export async function openClients(
  group: ProcessGroup,
  port: number,
  spread: readonly number[],
): Promise<RunningProcess[]> {
  return Promise.all(
    spread.map(async (connections) => {
      const spec: IdleClientSpec = { port, connections };
      const args = [SCRIPT, JSON.stringify(spec)];
      const client = await group.start({ name: 'idle-clients', command: process.execPath, args, ipc: true });
      await message(client);
      return client;
    }),
  );
}

/** How many of all connections the proxy has closed on the clients; 0 is what makes a measurement valid. */
export async function countClosed(clients: readonly RunningProcess[]): Promise<number> {
  return sumOver(clients, 'count', (answer) => (answer as { closed: number }).closed);
}

/** Has one more request sent on every connection; gives the number of those that were answered. */
export async function useAll(clients: readonly RunningProcess[]): Promise<number> {
  return sumOver(clients, 'use', (answer) => (answer as { answered: number }).answered);
}

async function sumOver(
  clients: readonly RunningProcess[],
  asked: ToIdleClients,
  read: (answer: unknown) => number,
): Promise<number> {
  const counts = await Promise.all(
    clients.map(async (client) => {
      const answer = message(client);
      client.child.send(asked);
      return read(await answer);
    }),
  );
  return counts.reduce((sum, each) => sum + each, 0);
}

function message(client: RunningProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.child.once('message', resolve);
    void client.ended.then((code) => reject(new Error(`idle clients ended with ${code}\n${client.output()}`)));
  });
}
