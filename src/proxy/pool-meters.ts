import type { LatencyRecorder } from '../observe/latency.ts';
import type { Histogram, Meters } from '../observe/meters.ts';
import type { Backend } from '../pool/backend.ts';
import type { Lease, Outcome } from '../pool/lease.ts';
import type { Pool, PoolObserver, Trouble } from '../pool/pool.ts';
import type { WaitResult } from '../pool/queue.ts';

/** What is counted of one backend by one worker. */
interface BackendCells {
  readonly picks: number;
  readonly latency: LatencyRecorder;
  readonly failures: Map<Outcome, number>;
}

/** What is counted of one pool by one worker; passes trouble on to the control plane. */
export class PoolMeters implements PoolObserver {
  readonly #meters: Meters;
  readonly #pool: string;
  readonly #tell: (trouble: Trouble) => void;
  readonly #connect: Histogram;
  readonly #backends = new Map<Backend, BackendCells>();
  readonly #retries = new Map<Outcome, number>();
  #overBudget: number | undefined;
  /** When these cells were asked for: see `Meters.releases`. */
  #releases: number;
  readonly #waits = new Map<WaitResult, number>();
  #waited: Histogram | undefined;

  constructor(meters: Meters, pool: string, tell: (trouble: Trouble) => void) {
    this.#meters = meters;
    this.#pool = pool;
    this.#tell = tell;
    this.#connect = meters.histogram('backend_connect_seconds', { pool });
    this.#releases = meters.releases;
  }

  #of(backend: Backend): BackendCells {
    if (this.#releases !== this.#meters.releases) {
      this.#releases = this.#meters.releases;
      this.#backends.clear();
    }
    let cells = this.#backends.get(backend);
    if (cells === undefined) {
      const labels = { pool: this.#pool, backend: backend.id };
      cells = {
        picks: this.#meters.counter('backend_picks_total', labels),
        latency: this.#meters.latency(labels),
        failures: new Map(),
      };
      this.#backends.set(backend, cells);
    }
    return cells;
  }

  /** Forgets backends that left the pool. */
  keep(backends: readonly Backend[]): void {
    for (const backend of this.#backends.keys()) if (!backends.includes(backend)) this.#backends.delete(backend);
  }

  picked(_pool: Pool, backend: Backend): void {
    this.#meters.cells[this.#of(backend).picks]! += 1;
  }

  failed(_pool: Pool, backend: Backend, outcome: Outcome): void {
    const { failures } = this.#of(backend);
    let cell = failures.get(outcome);
    if (cell === undefined) {
      cell = this.#meters.counter('backend_failures_total', { pool: this.#pool, backend: backend.id, reason: outcome });
      failures.set(outcome, cell);
    }
    this.#meters.cells[cell]! += 1;
  }

  trouble(_pool: Pool, trouble: Trouble): void {
    this.#tell(trouble);
  }

  connected(ms: number): void {
    this.#connect.observe(ms / 1000);
  }

  retried(outcome: Outcome): void {
    let cell = this.#retries.get(outcome);
    if (cell === undefined) {
      cell = this.#meters.counter('retries_total', { pool: this.#pool, reason: outcome });
      this.#retries.set(outcome, cell);
    }
    this.#meters.cells[cell]! += 1;
  }

  /** A request was not tried again because too many were already. */
  overBudget(): void {
    this.#overBudget ??= this.#meters.counter('retry_budget_exhausted_total', { pool: this.#pool });
    this.#meters.cells[this.#overBudget]! += 1;
  }

  /** Somebody's wait in the queue is over, or could not begin. */
  waited(result: WaitResult, ms: number): void {
    const labels = { pool: this.#pool };
    let cell = this.#waits.get(result);
    if (cell === undefined) {
      cell = this.#meters.counter('queue_waits_total', { ...labels, result });
      this.#waits.set(result, cell);
    }
    this.#meters.cells[cell]! += 1;
    if (result === 'full') return;
    this.#waited ??= this.#meters.histogram('queue_wait_seconds', labels);
    this.#waited.observe(ms / 1000);
  }

  /** How long a backend took to begin its answer (L7) or to accept a connection (L4). */
  answered(lease: Lease, ms: number): void {
    this.#of(lease.backend).latency.observe(ms * 1000);
    lease.answered(ms * 1000);
  }
}
