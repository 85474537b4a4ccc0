import { describe, expect, it } from 'vitest';
import type { Lease } from '../../src/pool/lease.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { AdminState, Health, type SharedTable } from '../../src/pool/table.ts';
import { healthyTable, planOf, poolOn } from './stage.ts';

const queue = { max: 4, timeoutMs: 1000 };

/** One who waits for a lease, and takes any that it can get. */
class Waiting {
  lease: Lease | undefined;
  choosy = false;
  looks = 0;
  readonly #pool: Pool;
  readonly #avoided: number[];
  readonly #served: string[];
  readonly name: string;

  constructor(pool: Pool, name: string, served: string[], avoided: number[] = []) {
    this.#pool = pool;
    this.name = name;
    this.#served = served;
    this.#avoided = avoided;
    this.choosy = avoided.length > 0;
  }

  serve(): boolean {
    this.looks++;
    const avoid = new Set(this.#avoided.map((slot) => this.#pool.backends[slot]!));
    const acquired = this.#pool.acquire({}, avoid.size > 0 ? avoid : undefined);
    if (!acquired.ok) return false;
    this.lease = acquired.lease;
    this.#pool.queue!.leave(this);
    this.#served.push(this.name);
    return true;
  }
}

/** Workers over one table whose only backends take one lease each, all of which are taken. */
function full(count: number, { workers = 3, limits = queue } = {}) {
  const table = healthyTable(count);
  for (let slot = 0; slot < count; slot++) table.setMaxActive(slot, 1);
  const pools = Array.from(
    { length: workers },
    (_, lane) => poolOn(table, planOf(count, { queue: limits }), lane).pool,
  );
  const served: string[] = [];
  const held = Array.from({ length: count }, () => {
    const acquired = pools[0]!.acquire({});
    if (!acquired.ok) throw new Error(acquired.refusal);
    return acquired.lease;
  });
  const wait = (lane: number, name: string, avoided: number[] = []): Waiting => {
    const waiting = new Waiting(pools[lane]!, name, served, avoided);
    if (!pools[lane]!.queue!.join(waiting)) throw new Error(`no place for ${name}`);
    return waiting;
  };
  return { table, pools, held, served, wait };
}

/** Longer than a wake takes, and shorter than the look that everybody takes without one. */
async function untilServed(served: string[], count: number): Promise<void> {
  await expect.poll(() => served.length, { interval: 1, timeout: 5000 }).toBe(count);
}

describe('a queue', () => {
  it('serves over all workers in the order in which they came', async () => {
    const { held, served, wait } = full(1);
    const names = ['a', 'b', 'c', 'd'];
    const waiting = names.map((name, index) => wait([1, 2, 1, 0][index]!, name));
    let lease: Lease | undefined = held[0];
    for (const [index, one] of waiting.entries()) {
      lease!.release('served');
      await untilServed(served, index + 1);
      lease = one.lease;
    }
    expect(served).toEqual(names);
  });

  it('lets nobody in before those who wait, in any worker, and everybody once nobody does', async () => {
    const { pools, held, served, wait } = full(1);
    const first = wait(1, 'first');
    held[0]!.release('served');
    for (const pool of pools) {
      expect(pool.acquire({})).toEqual({ ok: false, refusal: 'all-saturated' });
      expect(pool.acquireForKey('k')).toEqual({ ok: false, refusal: 'all-saturated' });
      expect(pool.acquireOn(pool.backends[0]!)).toEqual({ ok: false, refusal: 'all-saturated' });
    }
    await untilServed(served, 1);
    first.lease!.release('served');
    expect(pools[2]!.acquire({}).ok).toBe(true);
  });

  it('holds no more than its limit over all workers, and a place is free again when somebody leaves', () => {
    const { table, pools, wait } = full(1, { limits: { max: 2, timeoutMs: 0 } });
    const first = wait(0, 'a');
    wait(1, 'b');
    expect(() => wait(2, 'c')).toThrow('no place');
    expect(table.queues.waiting(1)).toBe(2);
    pools[0]!.queue!.leave(first);
    pools[0]!.queue!.leave(first);
    expect(table.queues.waiting(1)).toBe(1);
    wait(2, 'c');
  });

  it('gives the turn of one who leaves to the next, in whichever worker', async () => {
    const { table, pools, held, served, wait } = full(1);
    const first = wait(1, 'first');
    wait(2, 'second');
    held[0]!.release('served');
    const rings = table.queues.rings(2);
    pools[1]!.queue!.leave(first);
    expect(table.queues.rings(2)).toBeGreaterThan(rings);
    await untilServed(served, 1);
    expect(served).toEqual(['second']);
  });

  it('does not hold up those behind somebody who cannot use what is free', async () => {
    const { held, served, wait } = full(2, { workers: 1 });
    const choosy = wait(0, 'not b0', [0]);
    wait(0, 'any');
    held.find(({ backend }) => backend.id === 'b0')!.release('served');
    await untilServed(served, 1);
    expect(served).toEqual(['any']);
    held.find(({ backend }) => backend.id === 'b1')!.release('served');
    await untilServed(served, 2);
    expect(choosy.lease!.backend.id).toBe('b1');
  });

  it('asks one who is not choosy once for each lease that may be there, whoever waits behind', async () => {
    const { pools, wait } = full(1, { workers: 1 });
    const [first, second] = [wait(0, 'a'), wait(0, 'b')];
    pools[0]!.queue!.serve();
    await Promise.resolve();
    expect(first.looks).toBeGreaterThan(0);
    expect(second.looks).toBe(0);
  });

  it.each<[string, (table: SharedTable) => void]>([
    ['recovers', (table) => table.setHealth(1, Health.up)],
    ['is enabled', (table) => table.setAdmin(1, AdminState.enabled)],
    ['may take more', (table) => table.setMaxActive(0, 2)],
  ])('wakes when a backend %s', async (_name, change) => {
    const { table, pools, held, served, wait } = full(2, { workers: 2 });
    table.setHealth(1, Health.down);
    table.touch(1);
    held.find(({ backend }) => backend.slot === 1)!.release('served');
    if (_name === 'is enabled') {
      table.setAdmin(1, AdminState.disabled);
      table.setHealth(1, Health.up);
    }
    table.touch(1);
    expect(pools[1]!.acquire({}).ok).toBe(false);
    wait(1, 'waits');
    change(table);
    table.touch(1);
    await untilServed(served, 1);
  });

  it('serves in the same turn of the event loop, when a lease comes back or a reload makes room', async () => {
    const { pools, table, held, served, wait } = full(1, { workers: 1 });
    const turn = () => new Promise((resolve) => process.nextTick(() => queueMicrotask(() => resolve(undefined))));
    wait(0, 'first');
    wait(0, 'second');
    await turn();
    held[0]!.release('served');
    await turn();
    expect(served).toEqual(['first']);
    table.setMaxActive(0, 2);
    pools[0]!.reconcile(planOf(1, { queue }));
    await turn();
    expect(served).toEqual(['first', 'second']);
  });

  it('rings for the worker whose turn is next when its own is over', async () => {
    const { table, held, served, wait } = full(2, { workers: 2 });
    wait(0, 'here');
    wait(1, 'there');
    held[0]!.release('served');
    const rings = table.queues.rings(1);
    await untilServed(served, 1);
    expect(table.queues.rings(1)).toBeGreaterThan(rings);
  });

  it('lets sessions go on with a backend that drains, which nobody waits for', () => {
    const { table, pools, held, wait } = full(2);
    table.setAdmin(1, AdminState.draining);
    table.touch(1);
    wait(0, 'waits');
    held.find(({ backend }) => backend.slot === 1)!.release('served');
    expect(pools[1]!.acquireOn(pools[1]!.backends[1]!).ok).toBe(true);
    expect(pools[1]!.acquireOn(pools[1]!.backends[0]!).ok).toBe(false);
  });

  it.each([
    [16, ['any']],
    [17, []],
  ])('passes over so many that cannot use what is free, at one look: %i', async (count, expected) => {
    const { pools, held, served, wait } = full(2, { workers: 1, limits: { max: 99, timeoutMs: 0 } });
    for (let i = 0; i < count; i++) wait(0, 'not b0', [0]);
    wait(0, 'any');
    held.find(({ backend }) => backend.slot === 0)!.release('served');
    pools[0]!.queue!.serve();
    expect(served).toEqual(expected);
  });

  it('gives what a dead worker held, and its places, to the others', async () => {
    const { table, served, wait } = full(1);
    wait(0, 'dead');
    wait(1, 'alive');
    table.clearLane(0);
    await untilServed(served, 1);
    expect(served).toEqual(['alive']);
    expect(table.queues.waiting(1)).toBe(0);
  });

  it('keeps those who wait when a reload takes it away, and takes nobody else', async () => {
    const { pools, held, served, wait } = full(1, { workers: 1 });
    wait(0, 'waits');
    pools[0]!.reconcile(planOf(1));
    expect(() => wait(0, 'late')).toThrow('no place');
    held[0]!.release('served');
    await untilServed(served, 1);
  });

  it('is served although the worker whose turn it is does nothing', async () => {
    const { table, held, served, wait } = full(1, { workers: 2 });
    table.queues.join(1, 0, 9);
    table.queues.showOldest(1, 0, table.queues.nextTicket(1));
    wait(1, 'waits');
    held[0]!.release('served');
    await untilServed(served, 1);
  });

  it('keeps the order when its tickets wrap', () => {
    const { queues } = healthyTable(1);
    for (const [lane, ticket] of [
      [0, -(2 ** 31)],
      [1, 2 ** 31 - 1],
      [2, -(2 ** 31) + 5],
    ] as const)
      queues.showOldest(1, lane, ticket);
    expect(queues.oldestLane(1)).toBe(1);
    queues.showOldest(1, 1, 0);
    expect(queues.oldestLane(1)).toBe(0);
  });
});
