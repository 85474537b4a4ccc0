import { connect, createServer } from 'node:net';
import type { RunningProcess } from './processes.ts';

const READY_TIMEOUT_MS = 15_000;
const RETRY_MS = 20;

/**
 * Picks ports nobody listens on. All are held until the last is known, so that one call never gives the same one
 * twice; between the call and the use another process could still take one, which then fails loudly.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from({ length: count }, async () => {
      const listening = createServer();
      await new Promise<void>((resolve, reject) => {
        listening.once('error', reject).listen(0, '127.0.0.1', resolve);
      });
      return listening;
    }),
  );
  const ports = held.map((listening) => (listening.address() as { port: number }).port);
  await Promise.all(held.map((listening) => new Promise((resolve) => listening.close(resolve))));
  return ports;
}

/** Resolves once every port accepts; rejects with the process's output when it ends or 15 seconds pass first. */
export async function portsReady(running: RunningProcess, ports: readonly number[]): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (const port of ports) {
    while (!(await accepts(port))) {
      const why = running.alive() ? `port ${port} does not accept after 15 s` : 'ended while starting';
      if (!running.alive() || performance.now() > deadline) {
        throw new Error(`${running.name}: ${why}\n${running.output()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
