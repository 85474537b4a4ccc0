import type { Cores } from '../lib/cores.ts';
import { cpuUsed, readCpu, readResidentBytes } from '../lib/cpu-time.ts';
import { ProcessGroup, type RunningProcess } from '../lib/processes.ts';
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

/** A window by itself. */
export type Measured = Omit<Sample, 'round'>;

/** Nobody in between, to see what generator and backends can do by themselves. */
export const DIRECT: Contestant = { name: 'direct', layers: ['l4', 'l4-udp'] };

/** How each window is run. */
export interface WindowOptions extends Cores {
  readonly connections: number;
  readonly durationS: number;
  readonly warmUpS: number;
  readonly forwarded: boolean;
}

/** Somebody who is started and warm, and can be measured with one workload time and again. */
export interface Stand {
  readonly contestant: Contestant;
  /** Measures one window. Rejects when somebody who is needed has ended in it. */
  measure(): Promise<Measured>;
}

/** What the stands of one workload have in common. */
export interface StandSetup {
  /** Ends what was started for them. */
  readonly group: ProcessGroup;
  readonly workload: Workload;
  /** Ports of its backends. */
  readonly backends: readonly number[];
  readonly options: WindowOptions;
}

/** Starts a peer and warms it up. */
export async function standOf(peer: Peer, { group, workload, backends, options }: StandSetup): Promise<Stand> {
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
  const seen =
    peer.watched === 'another' ? await startPeer(group, peer, { ...setup, core: options.loadCore }) : running;
  const drive = { port, connections: options.connections, core: options.loadCore };
  const warmUp = async (): Promise<void> => {
    if (options.warmUpS > 0) await workload.run(group, { ...drive, durationS: options.warmUpS });
  };
  await warmUp();

  const window = async (watchers: readonly RunningProcess[]): Promise<Measured> => {
    const { pid } = running.process;
    const [cpuBefore, beganAt] = [readCpu(pid), performance.now()];
    const work = await workload.run(group, { ...drive, durationS: options.durationS });
    const [used, windowMs] = [cpuUsed(cpuBefore, readCpu(pid)), performance.now() - beganAt];
    const gone = [running.process, ...watchers].find((one) => !one.alive());
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
  };
  return {
    contestant: peer,
    measure: async () => {
      if (peer.watched === undefined) return window([]);
      // Nobody looks while others are measured.
      const watching = new ProcessGroup();
      try {
        const watchers = await watchPeer(watching, seen.adminPort, options.loadCore);
        // A page that has just been opened asks for more than one that stays open.
        await warmUp();
        return await window(watchers);
      } finally {
        await watching.close();
      }
    },
  };
}

/** Nobody in between: the generator is led to the first of the backends. There is no CPU to count. */
export async function directStand({ group, workload, backends, options }: StandSetup): Promise<Stand> {
  const drive = { port: backends[0]!, connections: options.connections, core: options.loadCore };
  if (options.warmUpS > 0) await workload.run(group, { ...drive, durationS: options.warmUpS });
  return {
    contestant: DIRECT,
    measure: async () => {
      const work = await workload.run(group, { ...drive, durationS: options.durationS });
      const none = { userPerUnit: Number.NaN, systemPerUnit: Number.NaN, busy: Number.NaN, residentBytes: Number.NaN };
      return { ...work, ...none, peer: DIRECT.name, workload: workload.name };
    },
  };
}
