import { Latencies } from './latencies.ts';
import { type LoadResult, SLICE_MS } from './load.ts';

const MOST_KINDS = 50;

/** Counts the answers and failures of a run. */
export class Tally {
  answered = 0;
  readonly #startedAt = performance.now();
  readonly #cpuAtStart = process.threadCpuUsage();
  readonly #latencies = new Latencies();
  readonly #statuses = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #slices: number[] = [];

  answer(status: number, latencyMs: number): void {
    this.answered++;
    this.#latencies.record(latencyMs);
    count(this.#statuses, String(status));
    const slice = Math.floor((performance.now() - this.#startedAt) / SLICE_MS);
    while (this.#slices.length <= slice) this.#slices.push(0);
    this.#slices[slice]!++;
  }

  failure(what: string, times = 1): void {
    if (times > 0) count(this.#failures, what, times);
  }

  /** What was counted in a run of this length. */
  result(durationMs: number, bytes: number): LoadResult {
    const { user, system } = process.threadCpuUsage(this.#cpuAtStart);
    return {
      answered: this.answered,
      statuses: Object.fromEntries(this.#statuses),
      failures: Object.fromEntries(this.#failures),
      bytes,
      durationMs,
      latencies: this.#latencies.counts,
      slices: this.#slices.slice(0, Math.floor(durationMs / SLICE_MS)),
      busy: (user + system) / 1000 / (performance.now() - this.#startedAt),
    };
  }
}

function count(map: Map<string, number>, key: string, times = 1): void {
  const known = map.has(key) || map.size < MOST_KINDS ? key : 'other';
  map.set(known, (map.get(known) ?? 0) + times);
}
