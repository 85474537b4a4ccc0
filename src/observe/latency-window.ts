import type { Clock, TimerHandle } from '../support/clock.ts';
import { LATENCY_CELLS, quantile } from './latency.ts';
import type { MeterReader } from './meter-reader.ts';

/** Latency of one backend over the last minute or so, in ms with µs precision; null when nothing was measured. */
export interface LatencyPercentiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

const WINDOW_MS = 60_000;
const SNAPSHOTS = 6;
const none: LatencyPercentiles = { p50: null, p99: null };

function key(pool: string, backend: string): string {
  return JSON.stringify([pool, backend]);
}

function roundedMs(micros: number): number {
  return Math.round(micros) / 1000;
}

/**
 * Percentiles of the recent past out of counts that only ever grow: a snapshot of the counts is kept every 10 s for a
 * minute, and the oldest is subtracted from the counts of now. So a figure covers the last 50 to 60 s.
 */
export class LatencyWindow {
  readonly #reader: MeterReader;
  readonly #clock: Clock;
  #snapshots: Map<string, Float64Array>[] = [];
  #timer: TimerHandle | undefined;

  /** Reads the workers' 'backend_latency' cells. Percentiles cover all that was counted until `start` is called. */
  constructor(reader: MeterReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /** Begins to take snapshots; until a minute is over, figures cover the time since now. */
  start(): void {
    this.stop();
    this.#snapshots = [];
    this.#tick();
  }

  /** Takes no more snapshots and leaves no timer behind. */
  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The latency of one backend; nulls for one that is unknown or was not used of late. */
  percentiles(pool: string, backend: string): LatencyPercentiles {
    const recent = this.#reader.read('backend_latency', { pool, backend });
    if (recent === undefined) return none;
    const before = this.#snapshots[0]?.get(key(pool, backend));
    // A backend that left and is back begins at 0 again: all that it has counted is of the recent past.
    if (before?.every((count, cell) => count <= recent[cell]!) === true)
      for (let cell = 0; cell < LATENCY_CELLS; cell++) recent[cell]! -= before[cell]!;
    const p50 = quantile(recent, 0.5);
    const p99 = quantile(recent, 0.99);
    return p50 === undefined || p99 === undefined ? none : { p50: roundedMs(p50), p99: roundedMs(p99) };
  }

  #tick(): void {
    const now = new Map<string, Float64Array>();
    for (const { labels, values } of this.#reader.sum('backend_latency'))
      now.set(key(labels['pool']!, labels['backend']!), values);
    this.#snapshots.push(now);
    if (this.#snapshots.length > SNAPSHOTS) this.#snapshots.shift();
    this.#timer = this.#clock.setTimeout(() => this.#tick(), WINDOW_MS / SNAPSHOTS);
    this.#timer.unref();
  }
}
