import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Claim, MeterMemory } from '../observe/meters.ts';
import { createBanMemory, DEFAULT_BANS } from '../pool/ban-table.ts';
import { createLimitMemory, DEFAULT_RATE_KEYS, DEFAULT_SOURCES, LimitTable } from '../pool/limit-table.ts';
import { createSessionMemory, DEFAULT_SESSIONS } from '../pool/session-table.ts';
import { SetLocks } from '../pool/set-locks.ts';
import type { SharedTable } from '../pool/table.ts';
import type { ConnectionsShown, ConnectionsWanted } from '../proxy/connection-view.ts';
import { systemClock } from '../support/clock.ts';
import { freeRing } from '../support/ring-memory.ts';
import { createRingRecord, type RingRecord } from '../support/ring-record.ts';
import type { FromWorker, ToWorker, WorkerPlan, WorkerSeed } from './messages.ts';
import { STUCK_MS, StuckWatch } from './stuck-watch.ts';

/** How long a worker may take to prepare a plan, in ms, before the plan is given up. */
const PREPARE_TIMEOUT_MS = 10_000;
/** A worker that dies sooner than this after its start is replaced only after a pause, so that a fault cannot spin. */
const EARLY_DEATH_MS = 1000;
const EARLY_DEATH_PAUSE_MS = 500;

/** How long workers may take to end what is cut and to report it, in ms. */
const CUT_MS = 1000;

/** How long a worker may take to show its connections, in ms. */
const SHOW_MS = 1000;

/** One worker thread as the control plane sees it. */
export interface WorkerView {
  readonly id: number;
  readonly state: 'starting' | 'running' | 'restarting' | 'draining';
  readonly restarts: number;
}

/** What the fleet needs, and whom it tells. */
export interface FleetDeps {
  readonly table: SharedTable;
  readonly meters: MeterMemory;
  claimsOf(lane: number): Claim[];
  /** A message of a worker that is not about plans. */
  onMessage(lane: number, message: FromWorker, reply: (message: ToWorker) => void): void;
  /** A worker died and its replacement is on its way; what the dead one held is to be given back. */
  onCrash(lane: number, error: Error | undefined): void;
  /** The replacement of a worker that died serves. */
  onReplaced(lane: number): void;
  /** Waits for before a worker may bind again what its predecessor had. When it rejects, that is tried again. */
  beforeRestart(lane: number): Promise<void>;
  /** A worker cannot be replaced for now, for a reason that was not told yet. */
  onObstacle(lane: number, error: Error): void;
}

/** Ports that a worker bound, by bind key. */
export type BoundPorts = ReadonlyMap<string, number>;

interface Waiting {
  readonly generation: number;
  resolve(ports: BoundPorts): void;
  reject(error: Error): void;
}

interface Member {
  readonly lane: number;
  worker: Worker;
  state: WorkerView['state'];
  restarts: number;
  startedAt: number;
  /** Resolved by the worker's answer about the plan of that generation. */
  waiting: Waiting | undefined;
  /** What it died of, or is being ended for, as far as is known. */
  fault: Error | undefined;
  /** What was in the way of replacing it at the last try; '' for nothing. */
  obstacle: string;
  onDrained: (() => void) | undefined;
  /** Set while it is on its way to the plan that the others have or will have: from its death, and from a commit, on. */
  catchingUp: PromiseWithResolvers<void> | undefined;
  /** Whom to tell what connections it shows, by the number of the question. */
  readonly asked: Map<number, (shown: ConnectionsShown | undefined) => void>;
}

/**
 * The garbage of a proxy is short-lived: with more room for it (in MiB) it is collected less often, and little of it is
 * then alive, which one thread clears faster than several that have to be woken.
 */
const WORKER_GC_FLAGS = ['--min-semi-space-size=16', '--no-parallel-scavenge'];

/** The entry of a worker thread, in the sources or in the built package. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * The worker threads: starts them, brings all of them to a new plan or none, and replaces one that dies. The others do
 * not notice, since each has its own sockets and connections.
 */
export class Fleet {
  readonly #deps: FleetDeps;
  readonly #members: Member[];
  #plan: WorkerPlan | undefined;
  #closing = false;
  #questions = 0;
  readonly #beats: SharedArrayBuffer;
  readonly #rings: readonly RingRecord[];
  readonly #stuckWatch: StuckWatch;
  readonly #sessions = createSessionMemory(DEFAULT_SESSIONS, Math.random);
  /** What workers count sources in. */
  readonly limits: WorkerSeed['limits'];

  constructor(deps: FleetDeps, size: number) {
    for (const flag of WORKER_GC_FLAGS) setFlagsFromString(flag);
    this.#deps = deps;
    this.limits = {
      sources: createLimitMemory(DEFAULT_SOURCES, size, Math.random),
      rates: createLimitMemory(DEFAULT_RATE_KEYS, 0, Math.random),
      bans: createBanMemory(DEFAULT_BANS, Math.random),
    };
    this.#beats = new SharedArrayBuffer(size * Int32Array.BYTES_PER_ELEMENT);
    this.#rings = Array.from({ length: size }, createRingRecord);
    this.#members = Array.from({ length: size }, (_, lane) => this.#start(lane));
    const beats = new Int32Array(this.#beats);
    this.#stuckWatch = new StuckWatch({ beats, clock: systemClock, onStuck: (lane) => this.#kill(lane) });
  }

  /** A worker that does nothing any more is ended as a crash would, and so replaced. */
  #kill(lane: number): void {
    const member = this.#members[lane]!;
    member.fault = new Error(`its event loop has stood still for ${STUCK_MS / 1000} s`);
    void member.worker.terminate();
  }

  #start(lane: number): Member {
    const member: Member = {
      lane,
      worker: this.#spawn(lane),
      state: 'starting',
      restarts: 0,
      startedAt: Date.now(),
      waiting: undefined,
      fault: undefined,
      obstacle: '',
      onDrained: undefined,
      catchingUp: undefined,
      asked: new Map(),
    };
    this.#watch(member);
    return member;
  }

  #spawn(lane: number): Worker {
    const { table, meters } = this.#deps;
    const workerData: WorkerSeed = {
      lane,
      table: { memory: table.memory, size: table.size },
      meters,
      sessions: this.#sessions,
      limits: this.limits,
      beats: this.#beats,
      ring: this.#rings[lane]!,
      claims: this.#deps.claimsOf(lane),
    };
    return new Worker(entry, { workerData, name: `fairlead-worker-${lane}` });
  }

  #watch(member: Member): void {
    const { worker } = member;
    worker.on('message', (message: FromWorker) => this.#heard(member, message));
    worker.on('error', (cause: Error) => {
      member.fault = cause;
    });
    worker.on('exit', () => this.#died(member));
  }

  #heard(member: Member, message: FromWorker): void {
    switch (message.type) {
      case 'prepared':
        return waitingFor(member, message.generation)?.resolve(new Map(message.ports));
      case 'prepare-failed':
        return waitingFor(member, message.generation)?.reject(new Error(message.error));
      case 'committed':
        return this.#committed(member);
      case 'connections':
        return member.asked.get(message.ask)?.(message.shown);
      case 'drained':
        return member.onDrained?.();
      default:
        this.#deps.onMessage(member.lane, message, (reply) => member.worker.postMessage(reply));
    }
  }

  #committed(member: Member): void {
    const replaces = member.state === 'restarting';
    member.state = this.#closing ? 'draining' : 'running';
    this.#caughtUp(member);
    if (replaces) this.#deps.onReplaced(member.lane);
  }

  #caughtUp(member: Member): void {
    member.catchingUp?.resolve();
    member.catchingUp = undefined;
  }

  /** Waits until all workers are at the plan in force, if that does not take too long. */
  async #allCaughtUp(): Promise<void> {
    await within(Promise.all(this.#members.map(({ catchingUp }) => catchingUp?.promise)), PREPARE_TIMEOUT_MS);
  }

  /** A worker is gone: what it held is given back, and a new one takes its lane under the plan in force. */
  #died(member: Member): void {
    const error = member.fault;
    freeRing(this.#rings[member.lane]!);
    member.waiting?.reject(error ?? new Error('the worker died'));
    member.onDrained?.();
    for (const tell of member.asked.values()) tell(undefined);
    if (this.#closing) return this.#caughtUp(member);
    member.state = 'restarting';
    member.catchingUp ??= Promise.withResolvers();
    const { sources, rates, bans } = this.limits;
    new LimitTable(sources, member.lane, Date.now).clearLane(member.lane);
    for (const { locks } of [rates, bans]) new SetLocks(locks, member.lane).clearLane(member.lane);
    this.#deps.onCrash(member.lane, error);
    const pause = Date.now() - member.startedAt < EARLY_DEATH_MS ? EARLY_DEATH_PAUSE_MS : 0;
    setTimeout(() => void this.#replace(member), pause);
  }

  async #replace(member: Member): Promise<void> {
    try {
      await this.#deps.beforeRestart(member.lane);
    } catch (error) {
      return this.#replaceLater(member, error as Error);
    }
    if (this.#closing) return;
    member.obstacle = '';
    member.fault = undefined;
    member.restarts++;
    member.startedAt = Date.now();
    member.worker = this.#spawn(member.lane);
    this.#watch(member);
    if (this.#plan === undefined) return this.#caughtUp(member);
    const plan = this.#plan;
    try {
      await this.#prepare(member, plan);
      // A reload may have come in between; it has then prepared this worker itself.
      if (this.#plan === plan)
        member.worker.postMessage({ type: 'commit', generation: plan.generation } satisfies ToWorker);
    } catch {
      // It died again, or could not bind: its exit brings the next attempt.
      void member.worker.terminate();
    }
  }

  #replaceLater(member: Member, error: Error): void {
    if (this.#closing) return;
    if (error.message !== member.obstacle) this.#deps.onObstacle(member.lane, error);
    member.obstacle = error.message;
    setTimeout(() => void this.#replace(member), EARLY_DEATH_PAUSE_MS);
  }

  #prepare(member: Member, plan: WorkerPlan): Promise<BoundPorts> {
    const { generation } = plan;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(
        () => settle(() => reject(new Error('a worker did not answer in time'))),
        PREPARE_TIMEOUT_MS,
      );
      const settle = (end: () => void): void => {
        clearTimeout(timeout);
        if (waitingFor(member, generation) !== undefined) member.waiting = undefined;
        end();
      };
      member.waiting = {
        generation,
        resolve: (ports) => settle(() => resolve(ports)),
        reject: (error) => settle(() => reject(error)),
      };
      member.worker.postMessage({ type: 'prepare', plan } satisfies ToWorker);
    });
  }

  /**
   * Brings all workers to a plan. The first one prepares alone: it learns the ports the system chooses, and `withPorts`
   * makes of them the plan for all. Rejects, with everything as it was, when any worker cannot prepare.
   */
  async apply(plan: WorkerPlan, withPorts: (ports: BoundPorts) => WorkerPlan): Promise<void> {
    const [first, ...others] = this.#members as [Member, ...Member[]];
    // One that is being replaced could not answer before it is at the plan in force.
    await this.#allCaughtUp();
    try {
      const final = withPorts(await this.#prepare(first, plan));
      await Promise.all(others.map((member) => this.#prepare(member, final)));
      this.#plan = final;
    } catch (error) {
      this.#broadcast({ type: 'rollback', generation: plan.generation });
      throw error;
    }
    for (const member of this.#members) member.catchingUp ??= Promise.withResolvers();
    this.#broadcast({ type: 'commit', generation: plan.generation });
    await this.#allCaughtUp();
  }

  /** What connections there are; `silent` has the workers that did not answer in time, whose connections are missing. */
  async connections(wanted: ConnectionsWanted): Promise<ConnectionsShown & { readonly silent: readonly number[] }> {
    const { offset, limit } = wanted;
    const answers = await Promise.all(this.#members.map((member) => this.#ask(member, wanted)));
    const shown = answers.filter((answer) => answer !== undefined);
    return {
      total: shown.reduce((sum, { total }) => sum + total, 0),
      open: shown.flatMap(({ open }) => open).slice(offset, offset + limit),
      ended: shown
        .flatMap(({ ended }) => ended)
        .toSorted((a, b) => b.endedAt! - a.endedAt!)
        .slice(0, limit),
      silent: answers.flatMap((answer, lane) => (answer === undefined ? [lane] : [])),
    };
  }

  #ask(member: Member, wanted: ConnectionsWanted): Promise<ConnectionsShown | undefined> {
    const ask = ++this.#questions;
    return new Promise((resolve) => {
      const tell = (shown: ConnectionsShown | undefined): void => {
        clearTimeout(timeout);
        member.asked.delete(ask);
        resolve(shown);
      };
      const timeout = setTimeout(tell, SHOW_MS, undefined);
      member.asked.set(ask, tell);
      member.worker.postMessage({ type: 'show-connections', ask, wanted } satisfies ToWorker);
    });
  }

  /** Ends the connections of a source that was banned from a listener. */
  cutSource(listener: string, network: string): void {
    this.#broadcast({ type: 'cut-source', listener, network });
  }

  #broadcast(message: ToWorker): void {
    for (const { worker } of this.#members) worker.postMessage(message);
  }

  /**
   * Stops accepting and waits until every connection has ended. Those that are left when `graceMs` is over are cut, and
   * what the workers have to say of them is waited for, a moment. Resolves to how many were cut.
   */
  async drain(graceMs: number): Promise<number> {
    this.#closing = true;
    this.#stuckWatch.stop();
    // One that is being replaced has no connections, and the one before it hears nothing any more.
    const serving = this.#members.filter(({ state }) => state !== 'restarting');
    const drained = serving.map((member) => {
      member.state = 'draining';
      return new Promise<void>((resolve) => {
        member.onDrained = resolve;
      });
    });
    this.#broadcast({ type: 'drain' });
    const ended = Promise.all(drained);
    if (await within(ended, graceMs)) return 0;
    const left = this.#members.reduce((sum, { lane }) => sum + this.#deps.table.openInLane(lane), 0);
    this.#broadcast({ type: 'cut' });
    await within(ended, CUT_MS);
    return left;
  }

  /** Ends all workers at once. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#stuckWatch.stop();
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  /** Kills one worker as a crash would, to see that it is replaced. */
  async crash(lane: number): Promise<void> {
    await this.#members[lane]?.worker.terminate();
  }

  views(): WorkerView[] {
    return this.#members.map(({ lane, state, restarts }) => ({ id: lane, state, restarts }));
  }
}

/** Who waits for a worker's answer about the plan of this generation; nobody when it was given up. */
function waitingFor({ waiting }: Member, generation: number): Waiting | undefined {
  return waiting?.generation === generation ? waiting : undefined;
}

/** True when it is done before the time is up. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  const inTime = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
