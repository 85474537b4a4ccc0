import { startFleet } from '../backends/fleet.ts';
import type { Capacity } from '../backends/slots.ts';
import { cpuUsed, readCpu } from '../lib/cpu-time.ts';
import { type LoadResult, runLoad } from '../lib/load.ts';
import { readPicks } from '../lib/metrics.ts';
import { ProcessGroup } from '../lib/processes.ts';
import type { Layer, Peer, PeerSetup } from '../peers/peer.ts';
import { type RunningPeer, startPeer } from '../peers/start.ts';

/** How one number of backends is measured. */
export interface ScaleOptions {
  readonly capacity: Capacity;
  readonly connectionsPerBackend: number;
  readonly durationS: number;
  readonly warmUpS: number;
  readonly workers: number;
  readonly balance: PeerSetup['balance'];
}

/** One layer with one number of backends. */
export interface ScalePoint {
  readonly backends: number;
  readonly layer: Layer;
  readonly load: LoadResult;
  /** How often each backend was picked in the window by the proxy's own count; undefined for a proxy without one. */
  readonly picks: Readonly<Record<string, number>> | undefined;
  /** Share of one core that the proxy used. */
  readonly proxyBusy: number;
}

/** Is told what is being measured, so that it can show progress; gives back what `work` gives. */
export type Watch = (label: string, work: Promise<ScalePoint>) => Promise<ScalePoint>;

/** What was counted between two readings; a backend that was never picked has 0. */
export function picksBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
}

/** Starts the backends and the proxy before them, and drives first its L7 listener, then its L4 listener. */
export async function measureScale(
  peer: Peer,
  count: number,
  options: ScaleOptions,
  watch: Watch,
): Promise<ScalePoint[]> {
  const group = new ProcessGroup();
  try {
    const backends = await startFleet(group, count, options.capacity);
    const { balance, workers } = options;
    const running = await startPeer(group, peer, { backends, balance, workers, forwarded: false, nodeFlags: [] });
    const points: ScalePoint[] = [];
    for (const layer of scaledLayers(peer)) {
      const label = `${count} backend${count === 1 ? '' : 's'}, ${layer.toUpperCase()}`;
      points.push(await watch(label, measureLayer(group, running, { layer, count, options })));
    }
    return points;
  } finally {
    await group.close();
  }
}

/** The layers of a peer that are measured, in the clear and over TCP. */
export function scaledLayers(peer: Peer): Layer[] {
  return (['l7', 'l4'] as const).filter((layer) => peer.layers.includes(layer));
}

interface LayerRun {
  readonly layer: Layer;
  readonly count: number;
  readonly options: ScaleOptions;
}

async function measureLayer(group: ProcessGroup, running: RunningPeer, run: LayerRun): Promise<ScalePoint> {
  const { layer, count, options } = run;
  const port = layer === 'l7' ? running.l7Port : running.l4Port;
  const spec = { url: `http://127.0.0.1:${port}/`, connections: count * options.connectionsPerBackend };
  if (options.warmUpS > 0) await runLoad(group, { ...spec, durationS: options.warmUpS });
  const counts = () => (running.peer.countsPicks ? readPicks(running.adminPort) : undefined);
  const picksBefore = await counts();
  const [cpuBefore, beganAt] = [readCpu(running.process.pid), performance.now()];
  const load = await runLoad(group, { ...spec, durationS: options.durationS });
  const [used, windowMs] = [cpuUsed(cpuBefore, readCpu(running.process.pid)), performance.now() - beganAt];
  const picksAfter = await counts();
  const picks = picksBefore && picksAfter ? picksBetween(picksBefore, picksAfter) : undefined;
  return { backends: count, layer, load, picks, proxyBusy: (used.userMs + used.systemMs) / windowMs };
}
