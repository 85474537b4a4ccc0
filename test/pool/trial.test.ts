import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/pool/backend.ts';
import type { Lease, Outcome } from '../../src/pool/lease.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { AdminState, Health, type SharedTable } from '../../src/pool/table.ts';
import { healthyTable, planOf, poolOn } from './stage.ts';

/** Two workers over two backends, of which `b0` is ejected and on trial. */
function onTrial(change: (table: SharedTable) => void = () => {}) {
  const table = healthyTable(2);
  change(table);
  const workers = [0, 1].map((lane) => poolOn(table, planOf(2), lane));
  table.setEjected(0, true);
  table.openTrial(0);
  table.touch(1);
  const troubles = () => workers.flatMap(({ heard }) => heard.troubles);
  return { table, pools: workers.map(({ pool }) => pool) as [Pool, Pool], troubles };
}

function take(pool: Pool, tried?: ReadonlySet<Backend>): Lease {
  const acquired = pool.acquire({}, tried);
  if (!acquired.ok) throw new Error(acquired.refusal);
  return acquired.lease;
}

describe('an ejected backend on trial', () => {
  it('gets one lease of all workers together', () => {
    const { pools } = onTrial();
    const ids = Array.from({ length: 20 }, (_, i) => take(pools[i % 2]!).backend.id);
    expect(ids[0]).toBe('b0');
    expect(ids.slice(1)).toEqual(Array(19).fill('b1'));
  });

  it.each<[Outcome, string]>([
    ['served', 'trial-passed'],
    ['bad-status', 'trial-failed'],
    ['backend-reset', 'trial-failed'],
    ['backend-timeout', 'trial-failed'],
  ])('is judged by how that ended: %s', (outcome, kind) => {
    const { pools, troubles } = onTrial();
    take(pools[0]).release(outcome);
    expect(troubles()).toEqual([{ slot: 0, kind }]);
    expect(take(pools[1]).backend.id).toBe('b1');
  });

  it.each([
    [true, 'trial-passed'],
    [false, 'trial-failed'],
  ])('is judged by the first that it shows, once: %s', (works, kind) => {
    const { pools, troubles } = onTrial();
    const lease = take(pools[0]);
    lease.show(works);
    lease.show(!works);
    lease.release('served');
    expect(troubles()).toEqual([{ slot: 0, kind }]);
  });

  it.each(['client-aborted', 'stale'] as const)('is on trial again when that shows nothing: %s', (outcome) => {
    const { pools, troubles } = onTrial();
    take(pools[0]).release(outcome);
    expect(troubles()).toEqual([]);
    expect(take(pools[1]).backend.id).toBe('b0');
  });

  it('is on trial again when the worker dies that has it', () => {
    const { table, pools } = onTrial();
    take(pools[1]);
    table.clearLane(1);
    expect(take(pools[0]).backend.id).toBe('b0');
  });

  it('gets no second try of a request', () => {
    const { pools } = onTrial();
    expect(take(pools[0], new Set([pools[0].backends[0]!])).backend.id).toBe('b1');
    expect(take(pools[0], new Set()).backend.id).toBe('b0');
  });

  it.each<[string, (table: SharedTable) => void]>([
    ['is down', (table) => table.setHealth(0, Health.down)],
    ['is taken out', (table) => table.setAdmin(0, AdminState.disabled)],
    ['is of weight 0', (table) => table.setWeight(0, 0)],
  ])('gets nothing while it %s', (_name, change) => {
    const { pools } = onTrial(change);
    expect(take(pools[0]).backend.id).toBe('b1');
  });

  it('gets nothing over its limit', () => {
    const { table, pools } = onTrial((it) => it.setMaxActive(0, 1));
    table.hold(0, 2);
    expect(take(pools[0]).backend.id).toBe('b1');
    table.letGo(0, 2);
    expect(take(pools[0]).backend.id).toBe('b0');
  });
});
