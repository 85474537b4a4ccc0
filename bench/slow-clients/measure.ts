import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BULK_BYTES, BULK_PATH, startFastBackend } from '../backends/fast-backend.ts';
import type { Cores } from '../lib/cores.ts';
import { readResidentBytes } from '../lib/cpu-time.ts';
import { startFairlead } from '../lib/fairlead.ts';
import { freePorts, portsReady } from '../lib/ports.ts';
import { ProcessGroup, type RunningProcess } from '../lib/processes.ts';
import { runWarmWrk, type WrkResult } from '../lib/wrk.ts';
import type { CrowdSpec, ToCrowd } from './crowd-process.ts';
import { type CrowdCount, type PerKind, SLOW_KINDS } from './slow-client.ts';

const CROWD = fileURLToPath(new URL('./crowd-process.ts', import.meta.url));
const DEAF = fileURLToPath(new URL('./deaf-backend.ts', import.meta.url));

/** How much longer than the idle timer a reader stays blind, in seconds: the timer starts once no more bytes move. */
const BLIND_MARGIN_S = 10;

/**
 * Over how long slow clients arrive, and how long the proxy then has to fill the sockets of readers, in ms: some 4 MiB
 * each, a burst of load that is not what is measured.
 */
const ARRIVAL_MS = 10_000;
const SETTLE_MS = 3000;

/** How a run is made. */
export interface SlowOptions extends Cores {
  readonly clients: number;
  readonly everyS: number;
  /** The listener's timers for heads and for idle connections, in seconds; that for bodies is a second below `everyS`. */
  readonly timeoutS: number;
  readonly connections: number;
  readonly durationS: number;
  readonly warmUpS: number;
  /** What the kernel holds for one connection at most that does not read, in bytes. */
  readonly sendBufferBytes: number;
}

/** One round: the same load on the same process, without slow clients and then among them. */
export interface SlowSample {
  readonly round: number;
  readonly alone: WrkResult;
  readonly among: WrkResult;
  /** Slow clients that were open when the second window ended. */
  readonly held: PerKind;
  /** What became of all of them, some time after their last timer. */
  readonly after: CrowdCount;
  readonly residentBytes: { readonly alone: number; readonly among: number; readonly after: number };
}

/** The configuration: timers that are short enough to be seen at work, everything else as it is by default. */
export function slowConfig(
  ports: { readonly listener: number; readonly backends: readonly number[]; readonly deaf: number },
  o: SlowOptions,
): string {
  return `workers: 1
watch: false
admin: false
log: { level: warn }
listeners:
  web:
    protocol: http
    bind: "127.0.0.1:${ports.listener}"
    timeouts: { header: ${o.timeoutS}s, idle: ${o.timeoutS}s, body: ${bodyTimeoutS(o)}s }
    routes:
      - { match: { path: /deaf }, pool: deaf }
      - pool: apps
pools:
  deaf: { backends: ["127.0.0.1:${ports.deaf}"], health: { type: off } }
  apps:
    backends: [${ports.backends.map((port) => `"127.0.0.1:${port}"`).join(', ')}]
`;
}

/** The timer for bodies: a byte that comes every `everyS` seconds comes too late. */
export function bodyTimeoutS({ everyS }: Pick<SlowOptions, 'everyS'>): number {
  return Math.max(1, everyS - 1);
}

/** As many of each kind as make `clients`. */
export function shares(clients: number): PerKind {
  const each = Math.floor(clients / SLOW_KINDS.length);
  return { head: clients - 2 * each, body: each, reader: each };
}

/** How long one round takes at most in most cases, in ms. */
export function roundMs(options: SlowOptions): number {
  const windows = 2 * (options.warmUpS + options.durationS) * 1000;
  return windows + ARRIVAL_MS + SETTLE_MS + patienceMs(options);
}

/** After this time nobody can be left that a timer was to cut, in ms. */
export function patienceMs({ timeoutS, everyS }: SlowOptions): number {
  return (timeoutS + everyS + BLIND_MARGIN_S) * 1000 + 5000;
}

/**
 * Slow clients and the backend of their bodies do hardly anything, but wrk, in the middle of a burst, would have to wait
 * for it.
 */
const placeOf = ({ loadCore }: SlowOptions) => ({ core: loadCore, yielding: true });

async function startDeafBackend(group: ProcessGroup, options: SlowOptions): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const args = [DEAF, String(port)];
  await portsReady(await group.start({ name: 'deaf backend', command: process.execPath, args, ...placeOf(options) }), [
    port,
  ]);
  return port;
}

function startCrowd(group: ProcessGroup, port: number, options: SlowOptions): Promise<RunningProcess> {
  const spec: CrowdSpec = {
    port,
    clients: shares(options.clients),
    everyMs: options.everyS * 1000,
    blindMs: (options.timeoutS + BLIND_MARGIN_S) * 1000,
    path: BULK_PATH,
    bytes: BULK_BYTES,
    overMs: ARRIVAL_MS,
  };
  const args = [CROWD, JSON.stringify(spec)];
  return group.start({ name: 'slow clients', command: process.execPath, args, ...placeOf(options), ipc: true });
}

function answerOf(crowd: RunningProcess, message?: ToCrowd): Promise<CrowdCount> {
  return new Promise((resolve, reject) => {
    crowd.child.once('message', (count) => resolve(count as CrowdCount));
    void crowd.ended.then((code) => reject(new Error(`the slow clients ended with ${code}\n${crowd.output()}`)));
    if (message !== undefined) crowd.child.send(message);
  });
}

const isOver = ({ open }: CrowdCount): boolean => SLOW_KINDS.every((kind) => open[kind] === 0);

/** Waits until nobody is left, or until nobody should be. */
async function lastCount(crowd: RunningProcess, options: SlowOptions): Promise<CrowdCount> {
  const deadline = performance.now() + patienceMs(options);
  let count = await answerOf(crowd, 'end');
  while (!isOver(count) && performance.now() < deadline) {
    await wait(250);
    count = await answerOf(crowd, 'count');
  }
  return count;
}

/** Measures one round with a backend and a Fairlead of its own. */
export async function measureSlow(options: SlowOptions): Promise<Omit<SlowSample, 'round'>> {
  const group = new ProcessGroup();
  try {
    const deaf = await startDeafBackend(group, options);
    const backend = await startFastBackend(group, 3, options.loadCore);
    const [port] = (await freePorts(1)) as [number];
    const config = slowConfig({ listener: port, backends: backend.ports, deaf }, options);
    const { process: running } = await startFairlead(group, { config, ports: [port], core: options.proxyCore });
    const wrk = { url: `http://127.0.0.1:${port}/`, connections: options.connections, newConnections: false };
    const window = { ...wrk, durationS: options.durationS, core: options.loadCore };
    const alone = await runWarmWrk(group, window, options.warmUpS);
    const residentAlone = readResidentBytes(running.pid);
    const crowd = await startCrowd(group, port, options);
    await answerOf(crowd);
    await wait(SETTLE_MS);
    // Warmed up again: the first second of load after the pause in which they came is slow by itself.
    const among = await runWarmWrk(group, window, options.warmUpS);
    const [{ open: held }, residentAmong] = [await answerOf(crowd, 'count'), readResidentBytes(running.pid)];
    const after = await lastCount(crowd, options);
    const residentBytes = { alone: residentAlone, among: residentAmong, after: readResidentBytes(running.pid) };
    return { alone, among, held, after, residentBytes };
  } finally {
    await group.close();
  }
}
