/** What is known of a backend: nothing yet, that it works, that it does not. */
export type HealthStatus = 'unknown' | 'up' | 'down';

/** The verdict on one backend and how far the latest results have shaken it. */
export interface HealthState {
  readonly status: HealthStatus;
  /** Consecutive results that contradict `status`; 0 while `status` is `unknown`. */
  readonly streak: number;
}

/** How many consecutive contradicting results it takes to change the verdict; both at least 1. */
export interface HealthLimits {
  /** Successes that bring a backend up. */
  readonly rise: number;
  /** Failures that take it down. */
  readonly fall: number;
}

/** The state of a backend that has not been probed. */
export const neverProbed: HealthState = { status: 'unknown', streak: 0 };

/**
 * The state after one more result. The first result decides at once, so that a start is not held up by `rise` rounds
 * and a dead backend gets no grace; after it the verdict moves only on `rise` or `fall` results in a row (the
 * hysteresis that HAProxy's checks have under the same names).
 */
export function stepHealth(now: HealthState, ok: boolean, limits: HealthLimits): HealthState {
  const heard: HealthStatus = ok ? 'up' : 'down';
  if (now.status === 'unknown') return { status: heard, streak: 0 };
  if (now.status === heard) return now.streak === 0 ? now : { status: heard, streak: 0 };
  const streak = now.streak + 1;
  return streak < (ok ? limits.rise : limits.fall) ? { status: now.status, streak } : { status: heard, streak: 0 };
}
