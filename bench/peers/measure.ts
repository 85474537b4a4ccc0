import type { Cores } from '../lib/cores.ts';
import { cpuUsed, readCpu, readResidentBytes } from '../lib/cpu-time.ts';
import { ProcessGroup } from '../lib/processes.ts';
import type { Contestant, Peer } from './peer.ts';
import { type PeerOptions, startPeer } from './start.ts';
import { watchPeer } from './watch.ts';
import type { Work, Workload } from './workloads.ts';

/** One measured window: one peer, one workload, one round. */
export interface Sample extends Work {
  readonly peer: string;
  readonly workload: string;
  readonly round: number;
  /** CPU time of the peer for one unit: microseconds per request, or milliseconds per GiB. */
  readonly userPerUnit: number;
  readonly systemPerUnit: number;
  /** Share of one core the peer used (0..1); near 1 means the peer was the limit. */
  readonly busy: number;
  /** Resident memory at the end of the window, under load. */
  readonly residentBytes: number;
}

/** Nobody in between, to see what generator and backends can do by themselves. */
export const DIRECT: Contestant = { name: 'direct', layers: ['l4', 'l4-udp'] };

/** How each window is run. */
export interface WindowOptions extends Cores {
  readonly connections: number;
  readonly durationS: number;
  readonly warmUpS: number;
  readonly forwarded: boolean;
}

/**
 * Starts a fresh backend and a fresh proxy, warms them up, and measures one window. Fresh, so that no window sees the
 * heap, the connections or the compiled code that another workload left.
 */
export async function measureWindow(
  peer: Peer,
  workload: Workload,
  options: WindowOptions,
): Promise<Omit<Sample, 'round'>> {
  const group = new ProcessGroup();
  try {
    const backends = await workload.startBackends(group, options.loadCore);
    const setup: PeerOptions = {
      backends: backends.map((port, i) => ({ name: `backend-${i + 1}`, port })),
      balance: 'round-robin',
      workers: 1,
      forwarded: options.forwarded,
      nodeFlags: [],
      core: options.proxyCore,
    };
    const running = await startPeer(group, peer, setup);
    const port = { l7: running.l7Port, l4: running.l4Port, 'l7-tls': running.tlsPort, 'l4-udp': running.udpPort }[
      workload.layer
    ];
    const needed = [running.process];
    if (peer.watched !== undefined) {
      const seen =
        peer.watched === 'itself' ? running : await startPeer(group, peer, { ...setup, core: options.loadCore });
      needed.push(...(await watchPeer(group, seen.adminPort, options.loadCore)));
    }
    const drive = { port, connections: options.connections, core: options.loadCore };
    if (options.warmUpS > 0) await workload.run(group, { ...drive, durationS: options.warmUpS });
    const pid = running.process.pid;
    const [cpuBefore, beganAt] = [readCpu(pid), performance.now()];
    const work = await workload.run(group, { ...drive, durationS: options.durationS });
    const [used, windowMs] = [cpuUsed(cpuBefore, readCpu(pid)), performance.now() - beganAt];
    const gone = needed.find((one) => !one.alive());
    if (gone !== undefined) throw new Error(`${gone.name} ended during ${workload.name}\n${gone.output()}`);
    const scale = (workload.kind === 'bulk' ? 1 : 1000) / work.units;
    return {
      ...work,
      peer: peer.name,
      workload: workload.name,
      userPerUnit: used.userMs * scale,
      systemPerUnit: used.systemMs * scale,
      busy: (used.userMs + used.systemMs) / windowMs,
      residentBytes: readResidentBytes(pid),
    };
  } finally {
    await group.close();
  }
}

/** The same window with nobody in between: the generator is led to the first of the backends. There is no CPU to count. */
export async function measureDirect(workload: Workload, options: WindowOptions): Promise<Omit<Sample, 'round'>> {
  const group = new ProcessGroup();
  try {
    const [port] = await workload.startBackends(group, options.loadCore);
    const drive = { port: port!, connections: options.connections, core: options.loadCore };
    if (options.warmUpS > 0) await workload.run(group, { ...drive, durationS: options.warmUpS });
    const work = await workload.run(group, { ...drive, durationS: options.durationS });
    const none = { userPerUnit: Number.NaN, systemPerUnit: Number.NaN, busy: Number.NaN, residentBytes: Number.NaN };
    return { ...work, ...none, peer: DIRECT.name, workload: workload.name };
  } finally {
    await group.close();
  }
}
