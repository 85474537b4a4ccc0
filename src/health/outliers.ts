/** What a backend did in the time that is looked at. */
export interface Figures {
  readonly requests: number;
  readonly failures: number;
  /** The median time to an answer, in µs; undefined when it gave none. */
  readonly medianUs: number | undefined;
}

/** When a backend differs too much from the others; 0 turns a limit off. */
export interface OutlierLimits {
  /** Share of its requests that may fail, 0 to 1. */
  readonly failureRate: number;
  /** How many times the median of the others its own may be. */
  readonly latency: number;
}

/** Fewer requests than this say nothing about a backend. */
export const FEWEST_REQUESTS = 20;

/** A backend that is slower by less than this is no outlier whatever the factor: between fast ones chance alone makes it large. */
const LEAST_DELAY_US = 10_000;

/** Why a backend is to be ejected, compared with the others of its pool that are in use; undefined when it is not. */
export function outlierReason(own: Figures, others: readonly Figures[], limits: OutlierLimits): string | undefined {
  const { requests, failures, medianUs } = own;
  if (requests < FEWEST_REQUESTS || others.length === 0) return undefined;
  if (limits.failureRate > 0 && failures >= requests * limits.failureRate) {
    return `${failures} of ${requests} requests failed`;
  }
  const answered = others.filter((other) => other.requests >= FEWEST_REQUESTS).map((other) => other.medianUs);
  const medians = answered.filter((us) => us !== undefined).sort((a, b) => a - b);
  const usualUs = medians[(medians.length - 1) >> 1];
  if (limits.latency === 0 || medianUs === undefined || usualUs === undefined) return undefined;
  if (medianUs < usualUs * limits.latency || medianUs - usualUs < LEAST_DELAY_US) return undefined;
  return `${Math.round(medianUs / usualUs)} times as slow as the others`;
}
