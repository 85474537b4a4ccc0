import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Latencies } from './latencies.ts';
import { type FromLoad, GO, type LoadResult, type LoadSpec } from './load.ts';

/** Load from one process or several. */
export interface Generation {
  readonly spec: LoadSpec;
  readonly processes: number;
  /** Hears how many answers there are, now and then. */
  onProgress(answered: number): void;
  /** Called when everything is warm, before the measured run. */
  beforeRun(): Promise<void>;
  readonly signal: AbortSignal;
}

/** What all processes measured together. */
export interface Measured extends Omit<LoadResult, 'latencies'> {
  readonly latencies: Latencies;
}

/** A process that sends load. */
class LoadProcess {
  readonly warm: Promise<void>;
  readonly done: Promise<LoadResult>;
  answered = 0;
  readonly #child: ChildProcess;

  constructor(spec: LoadSpec, onProgress: () => void) {
    const entry = fileURLToPath(new URL(`./load-process${extname(import.meta.url)}`, import.meta.url));
    const child = fork(entry, {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const warm = Promise.withResolvers<void>();
    const done = Promise.withResolvers<LoadResult>();
    this.#child = child;
    this.warm = warm.promise;
    this.done = done.promise;
    child.on('message', (message: FromLoad) => {
      if (message.kind === 'warm') warm.resolve();
      else if (message.kind === 'done') done.resolve(message.result);
      else {
        this.answered = message.answered;
        onProgress();
      }
    });
    const fail = (error: Error): void => {
      warm.reject(error);
      done.reject(error);
    };
    child.on('error', fail);
    child.on('exit', (code) => fail(new Error(`a process that sends load has ended with ${code}`)));
    // Whoever waits for one of the two need not wait for the other.
    this.warm.catch(() => undefined);
    this.done.catch(() => undefined);
    child.send(spec);
  }

  go(): void {
    this.#child.send(GO);
  }

  /** Ends it and waits until it is gone. */
  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** Sends load and measures; rejects when a process fails, and with the signal's reason when that aborts. */
export async function generate({ spec, processes, onProgress, beforeRun, signal }: Generation): Promise<Measured> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  const all: LoadProcess[] = [];
  const sum = (): void => onProgress(all.reduce((total, { answered }) => total + answered, 0));
  for (const part of partsOf(spec, processes)) all.push(new LoadProcess(part, sum));
  try {
    signal.throwIfAborted();
    await Promise.race([Promise.all(all.map(({ warm }) => warm)), aborted.promise]);
    await beforeRun();
    for (const one of all) one.go();
    return joined(await Promise.race([Promise.all(all.map(({ done }) => done)), aborted.promise]));
  } finally {
    signal.removeEventListener('abort', abort);
    await Promise.all(all.map((one) => one.end()));
  }
}

/** The connections and the rate, shared out evenly; none is without a connection. */
export function partsOf(spec: LoadSpec, processes: number): LoadSpec[] {
  const count = Math.min(processes, spec.connections);
  return Array.from({ length: count }, (_, n) => ({
    ...spec,
    connections: Math.floor(spec.connections / count) + (n < spec.connections % count ? 1 : 0),
    rate: spec.rate === undefined ? undefined : spec.rate / count,
  }));
}

/** What several processes measured at the same time, as one. */
export function joined(results: readonly LoadResult[]): Measured {
  const latencies = new Latencies();
  for (const result of results) latencies.add(result.latencies);
  const total = (of: (result: LoadResult) => number) => results.reduce((sum, result) => sum + of(result), 0);
  const slices = Math.min(...results.map((result) => result.slices.length));
  return {
    answered: total(({ answered }) => answered),
    statuses: summed(results.map(({ statuses }) => statuses)),
    failures: summed(results.map(({ failures }) => failures)),
    bytes: total(({ bytes }) => bytes),
    durationMs: Math.max(...results.map(({ durationMs }) => durationMs)),
    latencies,
    slices: Array.from({ length: slices }, (_, n) => total((result) => result.slices[n]!)),
    busy: Math.max(...results.map(({ busy }) => busy)),
  };
}

function summed(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, count] of all.flatMap(Object.entries<number>)) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}
