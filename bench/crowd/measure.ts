import { startFastBackend } from '../backends/fast-backend.ts';
import type { Cores } from '../lib/cores.ts';
import { ProcessGroup } from '../lib/processes.ts';
import { runWarmWrk, type WrkResult } from '../lib/wrk.ts';
import { countClosed, divide, openClients, useAll } from '../memory/clients.ts';
import type { Layer, Peer } from '../peers/peer.ts';
import { startPeer } from '../peers/start.ts';

/** How a crowd is measured. */
export interface CrowdOptions extends Cores {
  readonly connections: number;
  readonly clientProcesses: number;
  /** Connections of the load beside the crowd. */
  readonly load: number;
  readonly durationS: number;
  readonly warmUpS: number;
}

/** One round: the same load on the same process without the crowd and then among it, and what became of the crowd. */
export interface CrowdSample {
  readonly alone: WrkResult;
  readonly among: WrkResult;
  /** Connections of the crowd that were answered when all were used again. */
  readonly answered: number;
  /** Those that were closed on their clients. */
  readonly closed: number;
}

/** Measures one round with a backend and a proxy of its own. The load opens a connection for each request in L4. */
export async function measureCrowd(peer: Peer, layer: Layer, options: CrowdOptions): Promise<CrowdSample> {
  const group = new ProcessGroup();
  try {
    const backend = await startFastBackend(group, 3, options.loadCore);
    const running = await startPeer(group, peer, {
      backends: backend.ports.map((port, i) => ({ name: `backend-${i + 1}`, port })),
      balance: 'round-robin',
      workers: 1,
      forwarded: false,
      nodeFlags: [],
      core: options.proxyCore,
    });
    const port = layer === 'l7' ? running.l7Port : running.l4Port;
    const wrk = { url: `http://127.0.0.1:${port}/`, connections: options.load, newConnections: layer === 'l4' };
    const window = { ...wrk, durationS: options.durationS, core: options.loadCore };
    const alone = await runWarmWrk(group, window, options.warmUpS);
    const clients = await openClients(group, port, divide(options.connections, options.clientProcesses));
    const among = await runWarmWrk(group, window, options.warmUpS);
    const answered = await useAll(clients);
    return { alone, among, answered, closed: await countClosed(clients) };
  } finally {
    await group.close();
  }
}
