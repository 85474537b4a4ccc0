import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Meters } from '../observe/meters.ts';
import type { Pressure } from '../proxy/pressure.ts';
import { ringPasses } from '../support/open-wire.ts';

/** How often the loop is looked at, in ms. */
const SAMPLE_MS = 100;
/** Samples after which what is shown of the loop is new. */
const SHOWN_SAMPLES = 10;

/** How the thread and its event loop did since they started. */
interface Reading {
  /** Of the loop, or passes over all that waits where they take several. */
  readonly turns: number;
  readonly cpuMs: number;
  readonly utilization: EventLoopUtilization;
}

/** How long this thread has had a processor, in ms. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function read(): Reading {
  return {
    turns: performance.nodeTiming.uvMetricsInfo.loopCount + (ringPasses()?.surplus ?? 0),
    cpuMs: threadCpuMs(),
    utilization: performance.eventLoopUtilization(),
  };
}

/** Calls back when all that had come by now was seen: after this turn of the event loop, or several. */
export function afterTurn(done: () => void): void {
  setImmediate(() => {
    const passes = ringPasses();
    if (passes === undefined) done();
    else passes.whenOver(done);
  });
}

/** Watches the event loop of this thread: shows how it does in the metrics, and tells whoever is to act on it. */
export class LoopWatch {
  readonly #pressure: Pressure;
  readonly #beat: () => void;
  readonly #cells: Float64Array;
  readonly #utilization: number;
  readonly #lag: number;
  /** Turns of the loop are measured one by one where Node can; elsewhere by timers, every 10 ms. */
  readonly #delays = monitorEventLoopDelay({ samplePerIteration: true });
  #last = read();
  #shown = this.#last;
  #samples = 0;

  /** `worker` is what it is called in the metrics; `beat` is called as long as the loop goes on. */
  constructor(pressure: Pressure, meters: Meters, worker: string, beat: () => void) {
    this.#pressure = pressure;
    this.#beat = beat;
    this.#cells = meters.cells;
    this.#utilization = meters.gauge('event_loop_utilization', { worker });
    this.#lag = meters.gauge('event_loop_lag_seconds', { worker });
  }

  /** Begins to watch, until the thread ends. */
  start(): void {
    this.#delays.enable();
    setInterval(() => this.#sample(), SAMPLE_MS);
  }

  #sample(): void {
    this.#beat();
    const now = read();
    const before = this.#last;
    this.#last = now;
    this.#pressure.observe({
      turns: now.turns - before.turns,
      cpuMs: now.cpuMs - before.cpuMs,
      utilization: performance.eventLoopUtilization(now.utilization, before.utilization).utilization,
    });
    this.#samples = (this.#samples + 1) % SHOWN_SAMPLES;
    if (this.#samples === 0) this.#show(now);
  }

  #show(now: Reading): void {
    const { utilization } = performance.eventLoopUtilization(now.utilization, this.#shown.utilization);
    this.#shown = now;
    this.#cells[this.#utilization] = utilization;
    this.#cells[this.#lag] = this.#delays.count === 0 ? 0 : this.#delays.percentile(99) / 1e9;
    this.#delays.reset();
  }
}
