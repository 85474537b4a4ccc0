import type { RequestHead } from '../http1/request-head.ts';
import { hash53 } from '../pick/text-hash.ts';
import type { LimitTable } from '../pool/limit-table.ts';
import { networkOf } from '../support/network.ts';
import type { Rate } from '../support/rate.ts';
import { keyReader, type ReadKey } from './sticky-key.ts';

/** How often one key may ask a route: plain data, sent from the control plane. */
export interface RateLimitPlan {
  /** `count` is the burst: so many may come at once. */
  readonly rate: Rate;
  readonly by: { readonly kind: 'source' } | { readonly kind: 'header' | 'cookie'; readonly name: string };
}

/**
 * The rate limit of a route. A request without the header or cookie that it goes by is counted by its source, so that
 * leaving it out gains nothing.
 */
export class RateLimit {
  readonly #table: LimitTable;
  readonly #rate: Rate;
  readonly #salt: number;
  readonly #read: ReadKey | undefined;

  /** `name` tells the limit apart from those of other routes: it stays over reloads, and so do the counts. */
  constructor(plan: RateLimitPlan, table: LimitTable, name: string) {
    this.#table = table;
    this.#rate = plan.rate;
    this.#salt = hash53(name);
    this.#read = plan.by.kind === 'source' ? undefined : keyReader(plan.by);
  }

  /** Counts the request whose head this is; 0 when it is within the limit, else in how many ms one would be. */
  take(head: RequestHead, source: string): number {
    const key = this.#read?.(head);
    // A value must not be counted as the source that it may look like.
    const hash = key === undefined ? hash53(networkOf(source)) : hash53(`=${key}`);
    return this.#table.take(hash, this.#salt, this.#rate);
  }
}

/** What a client is told that is to wait until its rate has recovered. */
export function rateComplaint(waitMs: number): { code: 'rate-limited'; cause: string; retryAfterS: number } {
  return { code: 'rate-limited', cause: 'too many requests', retryAfterS: Math.ceil(waitMs / 1000) };
}
