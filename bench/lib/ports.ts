import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server as NetServer } from 'node:net';
import type { RunningProcess } from './processes.ts';

const READY_TIMEOUT_MS = 15_000;
const RETRY_MS = 20;

/** The first port to try; there are always so many behind it. */
const FIRST_PORT = 5000;
const LEAST_PORTS = 1000;

/** Where the ports begin that the kernel gives to clients. */
function firstClientPort(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 32_768;
  }
}

/**
 * Picks ports of 127.0.0.1 that nobody has, for TCP or UDP, and that no client is given: who dies and comes back finds its
 * port free. All are held until the last is known, so that one call never gives the same one twice; between the call
 * and the use another process could still take one, which then fails loudly.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = Math.max(firstClientPort() - FIRST_PORT, LEAST_PORTS);
  const held = new Map<number, Server[]>();
  while (held.size < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * ports);
    const servers = held.has(port) ? undefined : await hold(port);
    if (servers !== undefined) held.set(port, servers);
  }
  await Promise.all([...held.values()].flat().map(closed));
  return [...held.keys()];
}

type Server = NetServer | Socket;

/** Binds a port for TCP and UDP; undefined when somebody has it. */
async function hold(port: number): Promise<Server[] | undefined> {
  const tcp = createServer().listen(port, '127.0.0.1');
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  const bound = await Promise.allSettled([once(tcp, 'listening'), once(udp, 'listening')]);
  if (bound.every(({ status }) => status === 'fulfilled')) return [tcp, udp];
  if (bound[0].status === 'fulfilled') await closed(tcp);
  await closed(udp);
  return undefined;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
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
