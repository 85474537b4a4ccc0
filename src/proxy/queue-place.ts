import type { Lease, Outcome } from '../pool/lease.ts';
import type { Acquired } from '../pool/pool.ts';
import type { Waiter, WaitResult } from '../pool/queue.ts';
import type { MeteredPool } from './deps.ts';

/** How somebody waits. */
export interface Wait {
  /** As in `Waiter`. */
  readonly choosy: boolean;
  /** How an attempt before has failed, if there was one. */
  readonly after?: Outcome | undefined;
  /** Where it has waited before, if it has. */
  readonly before?: QueuePlace | undefined;
  /** Tries for a lease. */
  acquire(): Acquired;
  /** It has one. */
  leased(lease: Lease): void;
}

/** One request or connection in the queue of its pool. */
export class QueuePlace implements Waiter {
  /** How long until it is to be given up, in ms; 0 for no limit. */
  readonly timeoutMs: number;
  readonly #wait: Wait;
  readonly #site: MeteredPool;
  readonly #now: () => number;
  readonly #since: number;
  readonly #beforeMs: number;
  /** Undefined until it is given up. */
  #waitedMs: number | undefined;

  private constructor(site: MeteredPool, now: () => number, wait: Wait) {
    this.#site = site;
    this.#now = now;
    this.#wait = wait;
    this.#since = now();
    this.#beforeMs = wait.before?.totalMs ?? 0;
    this.timeoutMs = site.pool.queue!.limits.timeoutMs;
  }

  /** Joins the queue of a pool; undefined when it has none, or no place left. Times are of the clock `now`. */
  static join(site: MeteredPool, now: () => number, wait: Wait): QueuePlace | undefined {
    const { queue } = site.pool;
    if (queue === undefined || queue.limits.max === 0) return undefined;
    const place = new QueuePlace(site, now, wait);
    if (queue.join(place)) return place;
    site.meters.waited('full', 0);
    return undefined;
  }

  /** True until it is given up. */
  get waits(): boolean {
    return this.#waitedMs === undefined;
  }

  /** How long it has been held, in ms. */
  get #heldMs(): number {
    return this.#waitedMs ?? this.#now() - this.#since;
  }

  /** How long it and those before it have been held, in ms. */
  get totalMs(): number {
    return this.#beforeMs + this.#heldMs;
  }

  get choosy(): boolean {
    return this.#wait.choosy;
  }

  get after(): Outcome | undefined {
    return this.#wait.after;
  }

  serve(): boolean {
    const acquired = this.#wait.acquire();
    if (!acquired.ok) return false;
    this.leave('served');
    this.#wait.leased(acquired.lease);
    return true;
  }

  /** Gives the place up; only the first time counts. */
  leave(result: WaitResult): void {
    if (!this.waits) return;
    this.#waitedMs = this.#heldMs;
    this.#site.pool.queue!.leave(this);
    this.#site.meters.waited(result, this.#waitedMs);
  }
}
