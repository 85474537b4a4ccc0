import { startFastBackend } from '../backends/fast-backend.ts';
import { readResidentBytes } from '../lib/cpu-time.ts';
import { Inspector, inspectorUrl } from '../lib/inspector.ts';
import { ProcessGroup } from '../lib/processes.ts';
import type { Layer, Peer } from '../peers/peer.ts';
import { startPeer } from '../peers/start.ts';
import { countClosed, divide, openClients } from './clients.ts';
import { holdIdle } from './idle-clients.ts';
import { settle } from './settle.ts';

/** How each proxy is measured. */
export interface MemoryOptions {
  readonly connections: number;
  readonly clientProcesses: number;
  /** Requests before the first reading, one after the other, each on a connection of its own. */
  readonly warmUpRequests: number;
}

/** Resident memory of one process around the opening of the idle connections, in bytes. */
export interface MemoryReading {
  /** Before the first idle connection, after the warm-up requests. */
  readonly before: number;
  /** With all connections open and idle. */
  readonly after: number;
  /** Connections the proxy closed while it was measured; anything but 0 makes the reading worthless. */
  readonly closed: number;
  /** JavaScript heaps that were collected before either reading: the main thread's and the workers'. */
  readonly heaps: number;
}

/** One proxy and one layer. */
export interface MemorySample {
  readonly peer: string;
  readonly layer: Layer;
  readonly connections: number;
  /** As the process settles by itself. */
  readonly asIs: MemoryReading;
  /** Of another process of the same kind, with a full collection before both readings; only for peers on Node. */
  readonly collected: MemoryReading | undefined;
}

const BACKEND_PORTS = 3;

/** Peers that run on Node can be asked for a collection through their inspector. */
export function runsOnNode(peer: Peer): boolean {
  return peer.version[0] === process.execPath;
}

/** Measures one proxy and one layer, on Node a second time with collections. */
export async function measureMemory(peer: Peer, layer: Layer, options: MemoryOptions): Promise<MemorySample> {
  const asIs = await readGrowth(peer, layer, options, false);
  const collected = runsOnNode(peer) ? await readGrowth(peer, layer, options, true) : undefined;
  return { peer: peer.name, layer, connections: options.connections, asIs, collected };
}

async function readGrowth(peer: Peer, layer: Layer, options: MemoryOptions, collect: boolean): Promise<MemoryReading> {
  const group = new ProcessGroup();
  try {
    const backend = await startFastBackend(group, BACKEND_PORTS);
    const running = await startPeer(group, peer, {
      backends: backend.ports.map((port, i) => ({ name: `backend-${i + 1}`, port })),
      balance: 'round-robin',
      workers: 1,
      forwarded: false,
      nodeFlags: collect ? ['--inspect=127.0.0.1:0'] : [],
    });
    const port = layer === 'l7' ? running.l7Port : running.l4Port;
    for (let i = 0; i < options.warmUpRequests; i++) (await holdIdle({ port, connections: 1 })).release();
    const collector = collect ? await Inspector.connect(inspectorUrl(running.process.output())) : undefined;
    const read = async () => {
      await collector?.collect();
      return settle(() => readResidentBytes(running.process.pid));
    };
    const before = await read();
    const clients = await openClients(group, port, divide(options.connections, options.clientProcesses));
    const after = await read();
    collector?.close();
    return { before, after, closed: await countClosed(clients), heaps: collector?.threads ?? 0 };
  } finally {
    await group.close();
  }
}
