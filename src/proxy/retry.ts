import type { Backend } from '../pool/backend.ts';
import type { Outcome } from '../pool/lease.ts';
import type { RetryWaiter } from '../pool/retry-budget.ts';
import { type Clock, systemClock, type TimerHandle } from '../support/clock.ts';
import type { MeteredPool } from './deps.ts';

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
  /** Retries under way, as a share of the requests that this worker has in the pool, as `RetryBudget` has it. */
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
  /** The request, or a part of it, has gone out. */
  readonly sent?: boolean;
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

/** The second retry waits up to this long, each further one up to twice as long and this; in ms. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 250;

/** A retry waits no longer than this for a place in the budget, as for a place of a backend by default; in ms. */
export const LONGEST_WAIT_MS = 1000;

/**
 * Whether a request is to be tried once more. A connection that was never opened has carried nothing that could be repeated,
 * and one that was refused behind its handshake nothing that was looked at.
 */
export function retryVerdict(outcome: Outcome, plan: RetryPlan, failed: FailedAttempt): Verdict {
  const left = failed.attempts < plan.attempts && !failed.late;
  const connects = outcome.startsWith('connect-');
  if ((!connects || failed.sent === true) && !failed.maySendAgain) return 'give-up';
  if (connects) return plan.onConnect && left ? 'again' : 'give-up';
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
export class Retries implements RetryWaiter {
  /** Those that failed it. */
  readonly tried = new Set<Backend>();
  /** A kept connection failed: attempts take fresh ones from now on. */
  freshOnly = false;
  readonly #plan: RetryPlan;
  readonly #site: MeteredPool;
  readonly #clock: Clock;
  #made = 0;
  /** Whether it is one of the pool's retries under way, or is to become one. */
  #place: 'none' | 'waits' | 'taken' = 'none';
  #timer: TimerHandle | undefined;
  #then: (mayGo: boolean) => void = () => undefined;

  constructor(plan: RetryPlan, site: MeteredPool, clock = systemClock) {
    this.#plan = plan;
    this.#site = site;
    this.#clock = clock;
  }

  get share(): number {
    return this.#plan.budget ?? 1;
  }

  /** An attempt has failed: says what follows. What a backend has had before has its place in the budget until `end`. */
  after(outcome: Outcome, failed: FailedAttempt): Verdict {
    const reused = failed.reused || (failed.unprocessed === true && !this.freshOnly);
    const verdict = retryVerdict(outcome, this.#plan, { ...failed, reused });
    if (verdict === 'fresh') this.freshOnly = true;
    if (verdict !== 'again') return verdict;
    // A request that reached no backend has burdened none: however many a dead one refuses, all are saved.
    if (!outcome.startsWith('connect-') && !this.#afford(outcome)) return 'give-up';
    this.tried.add(failed.backend);
    this.#made++;
    return 'again';
  }

  /** An answer came that is not wanted: true when it is to be thrown away for another backend's, which can be asked now. */
  declines(failed: FailedAttempt): boolean {
    this.tried.add(failed.backend);
    return this.#site.pool.offers(this.tried) && this.after('bad-status', failed) === 'again';
  }

  #afford(outcome: Outcome): boolean {
    const { pool, meters } = this.#site;
    if (this.#place !== 'none') return true;
    if (pool.retries.take(this.share)) this.#place = 'taken';
    // An answer at hand, unwanted as it is, is worth more than a wait that may bring none.
    else if (outcome !== 'bad-status' && pool.retries.join(this)) this.#place = 'waits';
    else meters.overBudget();
    return this.#place !== 'none';
  }

  /**
   * Calls back when it is time for the retry that `after` has just allowed, with false when there was no place for it in
   * time; returns false, and does not call, when it may go out now.
   */
  pause(then: (mayGo: boolean) => void): boolean {
    this.#then = then;
    if (this.#place === 'waits') {
      this.#timer = this.#clock.setTimeout(() => this.#waitedTooLong(), LONGEST_WAIT_MS);
      return true;
    }
    const pauseMs = retryPauseMs(this.#made, Math.random);
    if (pauseMs < 1) return false;
    this.#timer = this.#clock.setTimeout(() => then(true), pauseMs);
    return true;
  }

  mayRetry(): void {
    this.#clearTimer();
    this.#place = 'taken';
    if (!this.pause(this.#then)) this.#then(true);
  }

  #waitedTooLong(): void {
    this.end();
    this.#site.meters.overBudget();
    this.#then(false);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** An answer has begun, or the request is over: its place in the budget is free. */
  end(): void {
    const { retries } = this.#site.pool;
    this.#clearTimer();
    if (this.#place === 'taken') retries.giveBack();
    else if (this.#place === 'waits') retries.leave(this);
    this.#place = 'none';
  }
}
