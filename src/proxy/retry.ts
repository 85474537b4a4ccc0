import type { Backend } from '../pool/backend.ts';
import type { Outcome } from '../pool/lease.ts';
import type { PoolSite } from './deps.ts';

/** When a request may be tried again, and how often: plain data, sent from the control plane. */
export interface RetryPlan {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly onConnect: boolean;
  readonly onReset: boolean;
  readonly onTimeout?: boolean;
  /** Statuses of answers that are not passed on while another backend can be asked. */
  readonly statuses?: readonly number[];
  /** For one try, in ms; 0 for none but the limit of all tries together. */
  readonly perTryMs?: number;
  /** Retries under way, as a share of the leases that this worker holds in the pool; at least MIN_RETRIES are allowed. */
  readonly budget?: number;
}

/** What an attempt that failed had come to. */
export interface FailedAttempt {
  readonly backend: Backend;
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** Its connection had carried an exchange before. */
  readonly reused: boolean;
  /** The backend has said that it has not looked at the request: as good as a connection that was closed, the first time. */
  readonly unprocessed?: boolean;
  /** A byte of an answer has come. */
  readonly begun: boolean;
  /** All that came of the request is at hand, and a second time does no harm. */
  readonly maySendAgain: boolean;
  /** The time for all tries together is up. */
  readonly late: boolean;
}

/**
 * What follows a failed attempt: nothing; the same once more, on a fresh connection, since a kept one had been closed
 * under it; or another attempt, on another backend.
 */
export type Verdict = 'give-up' | 'fresh' | 'again';

/** Retries that a pool may have under way in a worker whatever its load, so that a quiet pool can retry at all. */
export const MIN_RETRIES = 3;

/** The second retry waits up to this long, each further one up to twice as long and this; in ms. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 250;

/** Whether a request is to be tried once more. A connection that was never opened has carried nothing that could be repeated. */
export function retryVerdict(outcome: Outcome, plan: RetryPlan, failed: FailedAttempt): Verdict {
  const left = failed.attempts < plan.attempts && !failed.late;
  if (outcome.startsWith('connect-')) return plan.onConnect && left ? 'again' : 'give-up';
  if (!failed.maySendAgain) return 'give-up';
  // Its status is known, and was named as one to try again; nothing of it has gone to the client.
  if (outcome === 'bad-status') return left ? 'again' : 'give-up';
  if (failed.begun) return 'give-up';
  if (outcome === 'backend-timeout') return plan.onTimeout === true && left ? 'again' : 'give-up';
  if (outcome !== 'backend-reset') return 'give-up';
  if (failed.reused) return 'fresh';
  return plan.onReset && left ? 'again' : 'give-up';
}

/**
 * How long the nth retry of a request waits, in ms. The first goes out at once, because it goes to another backend; from
 * the second on something is wrong with more than one, and waits that grow, each by chance, keep clients from coming in step.
 */
export function retryPauseMs(retry: number, random: () => number): number {
  return random() * Math.min((2 ** (retry - 1) - 1) * FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
}

/** What is remembered of a request's failed attempts; a request that succeeds at once has none. */
export class Retries {
  /** Those that failed it. */
  readonly tried = new Set<Backend>();
  /** A kept connection failed: attempts take fresh ones from now on. */
  freshOnly = false;
  readonly #plan: RetryPlan;
  readonly #site: PoolSite;
  #made = 0;
  /** It is one of the pool's retries under way. */
  #counted = false;
  #pause: NodeJS.Timeout | undefined;

  constructor(plan: RetryPlan, site: PoolSite) {
    this.#plan = plan;
    this.#site = site;
  }

  /** An attempt has failed: says what follows. What a backend has had before has its place in the budget until `end`. */
  after(outcome: Outcome, failed: FailedAttempt): Verdict {
    const reused = failed.reused || (failed.unprocessed === true && !this.freshOnly);
    const verdict = retryVerdict(outcome, this.#plan, { ...failed, reused });
    if (verdict === 'fresh') this.freshOnly = true;
    if (verdict !== 'again') return verdict;
    // A request that reached no backend has burdened none: however many a dead one refuses, all are saved.
    if (!outcome.startsWith('connect-') && !this.#afford()) return 'give-up';
    this.tried.add(failed.backend);
    this.#made++;
    return 'again';
  }

  /** An answer came that is not wanted: true when it is to be thrown away for another backend's. */
  declines(failed: FailedAttempt): boolean {
    const { pool } = this.#site;
    const other = pool.backends.some(
      (backend) => backend !== failed.backend && backend.eligible && !this.tried.has(backend),
    );
    return other && this.after('bad-status', failed) === 'again';
  }

  /** Calls back when it is time for the retry that `after` has just allowed; false when that is now. */
  pause(then: () => void): boolean {
    const pauseMs = retryPauseMs(this.#made, Math.random);
    if (pauseMs < 1) return false;
    this.#pause = setTimeout(then, pauseMs);
    return true;
  }

  #afford(): boolean {
    if (this.#counted) return true;
    const { pool, meters } = this.#site;
    this.#counted = pool.beginRetry(MIN_RETRIES, this.#plan.budget ?? 1);
    if (!this.#counted) meters.overBudget();
    return this.#counted;
  }

  /** An answer has begun, or the request is over: its place in the budget is free. */
  end(): void {
    clearTimeout(this.#pause);
    if (this.#counted) this.#site.pool.endRetry();
    this.#counted = false;
  }
}
