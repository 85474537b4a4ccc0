import type { QueueTable } from './queue-table.ts';

/** Somebody who waits for a lease. */
export interface Waiter {
  /** It may have a turn: takes a lease and leaves the queue, or returns false and stays. */
  serve(): boolean;
  /** True when it would not take every lease, so that those behind it need not wait for it. */
  readonly choosy: boolean;
}

/** What became of a wait: `full` when there was no place for it. */
export type WaitResult = 'served' | 'timeout' | 'left' | 'full';

/** How many may wait, over all workers, and how long each of them: plain data, sent from the control plane. */
export interface QueuePlan {
  /** 0 when nobody may. */
  readonly max: number;
  /** 0 for no limit. */
  readonly timeoutMs: number;
}

/** Choosy waiters that are passed over for those behind them, at one look. */
const MOST_PASSED = 16;

/**
 * How often a worker in which somebody waits looks by itself, in ms. When there is a free place at two such looks, and all
 * that time it is the turn of the same one elsewhere, that worker is stuck, and holds up the others no longer.
 */
const LOOK_MS = 100;

/** What a queue works with. */
interface QueueParts {
  readonly table: QueueTable;
  /** The number of its pool. */
  readonly pool: number;
  readonly bell: QueueBell;
  /** True when some backend could take a lease more. */
  hasRoom(): boolean;
}

/**
 * Those who wait in one worker for a lease of one pool, first in, first out. Over all workers it is the turn of the one
 * with the oldest ticket, and nobody who comes later gets a lease before: a worker that has a lease to give away and is
 * not the one whose turn it is wakes that one.
 */
export class PoolQueue {
  limits: QueuePlan;
  /** True while one whose turn it is takes its lease. */
  serving = false;
  readonly #table: QueueTable;
  readonly #pool: number;
  readonly #bell: QueueBell;
  readonly #hasRoom: () => boolean;
  readonly #waiters = new Map<Waiter, number>();
  #scheduled = false;
  /** Whose turn it was at the last look, if there was a free place for it; 0 otherwise. */
  #overdue = 0;

  constructor(limits: QueuePlan, { table, pool, bell, hasRoom }: QueueParts) {
    this.limits = limits;
    this.#table = table;
    this.#pool = pool;
    this.#bell = bell;
    this.#hasRoom = hasRoom;
  }

  /** True when somebody waits, in whichever worker: whoever comes now is behind. */
  get waits(): boolean {
    return this.#table.waiting(this.#pool) > 0;
  }

  /** Puts a waiter at the end; false when there is no place. A lease that has become free meanwhile is offered soon. */
  join(waiter: Waiter): boolean {
    if (!this.#table.join(this.#pool, this.#bell.lane, this.limits.max)) return false;
    this.#waiters.set(waiter, this.#table.nextTicket(this.#pool));
    if (this.#waiters.size === 1) this.#begin();
    this.#serveSoon();
    return true;
  }

  #begin(): void {
    this.#show();
    this.#bell.add(this);
  }

  /** Takes a waiter out, who has got its lease, or waits no longer. Harmless when it is not there. */
  leave(waiter: Waiter): void {
    const ticket = this.#waiters.get(waiter);
    if (ticket === undefined) return;
    const wasServed = this.serving;
    this.serving = false;
    this.#waiters.delete(waiter);
    this.#table.leave(this.#pool, this.#bell.lane);
    this.#show();
    if (this.#waiters.size === 0) this.#bell.remove(this);
    // The turn may have been given to the one who leaves without having taken it.
    if (!wasServed) this.freed();
  }

  #show(): void {
    const { value: oldest } = this.#waiters.values().next();
    this.#table.showOldest(this.#pool, this.#bell.lane, oldest ?? 0);
  }

  /** There may be a lease for somebody. */
  freed(): void {
    const lane = this.#table.oldestLane(this.#pool);
    if (lane === this.#bell.lane) this.#serveSoon();
    else if (lane >= 0) this.#table.ring(lane);
  }

  /** Not at once: whoever gives a lease back has other things to end first. */
  #serveSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.serve();
    });
  }

  /** A look that nobody has asked for. */
  look(): void {
    const lane = this.#table.oldestLane(this.#pool);
    const ticket = this.#hasRoom() ? this.#table.oldestTicket(this.#pool, lane) : 0;
    const isStuck = ticket !== 0 && ticket === this.#overdue && lane !== this.#bell.lane;
    this.#overdue = ticket;
    this.serve(isStuck);
  }

  /** Gives leases to those who wait, as far as there are any and it is their turn; `outOfTurn` whosever turn it is. */
  serve(outOfTurn = false): void {
    let passed = 0;
    for (const waiter of this.#waiters.keys()) {
      if (!outOfTurn && passed === 0 && this.#table.oldestLane(this.#pool) !== this.#bell.lane) break;
      this.serving = true;
      const served = waiter.serve();
      this.serving = false;
      if (served) continue;
      if (!waiter.choosy || ++passed > MOST_PASSED) return;
    }
    const lane = this.#table.oldestLane(this.#pool);
    if (lane >= 0 && lane !== this.#bell.lane) this.#table.ring(lane);
  }
}

/** Wakes the queues of one worker when another one says so; of no cost while nobody waits. */
export class QueueBell {
  readonly lane: number;
  readonly #table: QueueTable;
  readonly #queues = new Set<PoolQueue>();
  #listening = false;

  constructor(table: QueueTable, lane: number) {
    this.#table = table;
    this.lane = lane;
  }

  /** Somebody begins to wait in a queue. */
  add(queue: PoolQueue): void {
    this.#queues.add(queue);
    if (!this.#listening) void this.#listen();
  }

  /** Nobody waits in it any more. */
  remove(queue: PoolQueue): void {
    this.#queues.delete(queue);
  }

  async #listen(): Promise<void> {
    this.#listening = true;
    let heard = this.#table.rings(this.lane);
    while (this.#queues.size > 0) {
      const rung = await this.#table.listen(this.lane, heard, LOOK_MS);
      // Before the look, so that a ring during it is not missed.
      heard = this.#table.rings(this.lane);
      for (const queue of this.#queues) {
        if (rung) queue.serve();
        else queue.look();
      }
    }
    this.#listening = false;
  }
}
