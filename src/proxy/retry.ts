import type { Backend } from '../pool/backend.ts';
import type { Outcome } from '../pool/lease.ts';

/** When a request may be tried again, and how often: plain data, sent from the control plane. */
export interface RetryPlan {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly onConnect: boolean;
  readonly onReset: boolean;
}

/** What an attempt that failed had come to. */
export interface FailedAttempt {
  readonly backend: Backend;
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** Its connection had carried an exchange before. */
  readonly reused: boolean;
  /** A byte of an answer has come. */
  readonly begun: boolean;
  /** All of the request is at hand, and a second time does no harm. */
  readonly maySendAgain: boolean;
}

/**
 * What follows a failed attempt: nothing; the same once more, on a fresh connection, since a kept one had been closed
 * under it; or another attempt.
 */
export type Verdict = 'give-up' | 'fresh' | 'again';

/** Whether a request is to be tried once more. A connection that was never opened has carried nothing that could be repeated. */
export function retryVerdict(outcome: Outcome, plan: RetryPlan, failed: FailedAttempt): Verdict {
  const left = failed.attempts < plan.attempts;
  if (outcome.startsWith('connect-')) return plan.onConnect && left ? 'again' : 'give-up';
  if (outcome !== 'backend-reset' || failed.begun || !failed.maySendAgain) return 'give-up';
  if (failed.reused) return 'fresh';
  return plan.onReset && left ? 'again' : 'give-up';
}

/** What is remembered of a request's failed attempts; a request that succeeds at once has none. */
export class Retries {
  /** Those that failed it. */
  readonly tried = new Set<Backend>();
  /** A kept connection failed: attempts take fresh ones from now on. */
  freshOnly = false;
  readonly #plan: RetryPlan;

  constructor(plan: RetryPlan) {
    this.#plan = plan;
  }

  /** An attempt has failed: says what follows. */
  after(outcome: Outcome, failed: FailedAttempt): Verdict {
    const verdict = retryVerdict(outcome, this.#plan, failed);
    if (verdict === 'fresh') this.freshOnly = true;
    else if (verdict === 'again') this.tried.add(failed.backend);
    return verdict;
  }
}
