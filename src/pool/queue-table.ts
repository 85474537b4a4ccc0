/** How many wait in a pool over all workers, and the last ticket that was given out. */
const PoolCell = { waiting: 0, ticket: 1 } as const;
const POOL_CELLS = 2;
/** How many of them wait in one worker, and the ticket of the one that has waited longest. */
const LaneCell = { waiting: 0, oldest: 1 } as const;
const LANE_CELLS = 2;

/** How many pools and workers there are. */
interface QueueTableSize {
  readonly pools: number;
  readonly lanes: number;
}

/**
 * The part of the shared table by which the workers agree on who waits for a lease, how many those are, and whose turn
 * it is: tickets are numbers of one sequence for each pool, and each worker shows its oldest one. Each worker has a bell
 * that others ring when somebody in it may have a turn.
 */
export class QueueTable {
  readonly #cells: Int32Array;
  readonly #size: QueueTableSize;
  readonly #pools: number;
  readonly #lanes: number;
  readonly #bells: number;

  /** How many cells it takes. */
  static cellsFor({ pools, lanes }: QueueTableSize): number {
    return pools * POOL_CELLS + pools * lanes * LANE_CELLS + lanes;
  }

  /** Its cells begin at `start`. */
  constructor(cells: Int32Array, start: number, size: QueueTableSize) {
    this.#cells = cells;
    this.#size = size;
    this.#pools = start;
    this.#lanes = start + size.pools * POOL_CELLS;
    this.#bells = this.#lanes + size.pools * size.lanes * LANE_CELLS;
  }

  #laneAt(pool: number, lane: number): number {
    return this.#lanes + (pool * this.#size.lanes + lane) * LANE_CELLS;
  }

  /** How many wait for this pool, over all workers. */
  waiting(pool: number): number {
    return Atomics.load(this.#cells, this.#pools + pool * POOL_CELLS + PoolCell.waiting);
  }

  /** Counts one more in, unless `max` wait already. */
  join(pool: number, lane: number, max: number): boolean {
    const at = this.#pools + pool * POOL_CELLS + PoolCell.waiting;
    const joins = Atomics.add(this.#cells, at, 1) < max;
    if (joins) Atomics.add(this.#cells, this.#laneAt(pool, lane) + LaneCell.waiting, 1);
    else Atomics.sub(this.#cells, at, 1);
    return joins;
  }

  /** Counts one out. */
  leave(pool: number, lane: number): void {
    Atomics.sub(this.#cells, this.#laneAt(pool, lane) + LaneCell.waiting, 1);
    Atomics.sub(this.#cells, this.#pools + pool * POOL_CELLS + PoolCell.waiting, 1);
  }

  /** The next ticket of a pool: a number that wraps, and is never 0. */
  nextTicket(pool: number): number {
    const ticket = (Atomics.add(this.#cells, this.#pools + pool * POOL_CELLS + PoolCell.ticket, 1) + 1) | 0;
    return ticket === 0 ? this.nextTicket(pool) : ticket;
  }

  /** Shows the others which ticket of this lane is the oldest; 0 for none. */
  showOldest(pool: number, lane: number, ticket: number): void {
    Atomics.store(this.#cells, this.#laneAt(pool, lane) + LaneCell.oldest, ticket);
  }

  /** The oldest ticket of a lane; 0 for none. */
  oldestTicket(pool: number, lane: number): number {
    return lane < 0 ? 0 : Atomics.load(this.#cells, this.#laneAt(pool, lane) + LaneCell.oldest);
  }

  /** The lane in which somebody has waited longest; -1 when nobody waits. */
  oldestLane(pool: number): number {
    let oldest = 0;
    let found = -1;
    for (let lane = 0; lane < this.#size.lanes; lane++) {
      const ticket = this.oldestTicket(pool, lane);
      // Since they wrap, it is their difference that tells which is older.
      if (ticket === 0 || (found >= 0 && ((ticket - oldest) | 0) >= 0)) continue;
      oldest = ticket;
      found = lane;
    }
    return found;
  }

  /** Wakes a lane that listens: somebody in it may have a turn. */
  ring(lane: number): void {
    Atomics.add(this.#cells, this.#bells + lane, 1);
    Atomics.notify(this.#cells, this.#bells + lane);
  }

  /** Wakes every lane in which somebody waits for this pool. */
  wakeAll(pool: number): void {
    if (this.waiting(pool) === 0) return;
    for (let lane = 0; lane < this.#size.lanes; lane++) {
      if (Atomics.load(this.#cells, this.#laneAt(pool, lane) + LaneCell.waiting) > 0) this.ring(lane);
    }
  }

  /** How often a lane was rung for. */
  rings(lane: number): number {
    return Atomics.load(this.#cells, this.#bells + lane);
  }

  /** Resolves to true once a lane has been rung for since `rings` said `heard`, and to false after `ms` without that. */
  async listen(lane: number, heard: number, ms: number): Promise<boolean> {
    return (await Atomics.waitAsync(this.#cells, this.#bells + lane, heard, ms).value) !== 'timed-out';
  }

  /** Who waited in a dead worker is gone, and the leases that it held may be for those who wait in the others. */
  clearLane(lane: number): void {
    for (let pool = 0; pool < this.#size.pools; pool++) {
      const at = this.#laneAt(pool, lane);
      const gone = Atomics.exchange(this.#cells, at + LaneCell.waiting, 0);
      Atomics.sub(this.#cells, this.#pools + pool * POOL_CELLS + PoolCell.waiting, gone);
      Atomics.store(this.#cells, at + LaneCell.oldest, 0);
      this.wakeAll(pool);
    }
  }
}
