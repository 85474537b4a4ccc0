import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/pool/backend.ts';
import { isFailure, type Lease, type Outcome } from '../../src/pool/lease.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { AdminState, Health } from '../../src/pool/table.ts';
import { healthyTable, planOf, poolOn } from './stage.ts';

function take(pool: Pool, tried?: ReadonlySet<Backend>): Lease {
  const acquired = pool.acquire({}, tried);
  if (!acquired.ok) throw new Error(acquired.refusal);
  return acquired.lease;
}

function refusal(pool: Pool, tried?: ReadonlySet<Backend>): string {
  const acquired = pool.acquire({}, tried);
  return acquired.ok ? `lease on ${acquired.lease.backend.id}` : acquired.refusal;
}

describe('a pool', () => {
  it('leases its backends in turn, exactly, over several workers', () => {
    const table = healthyTable(3);
    const workers = [0, 1, 2].map((lane) => poolOn(table, planOf(3), lane));
    for (let i = 0; i < 300; i++) take(workers[(i * 7) % 3]!.pool).release('served');
    const picks = workers.flatMap(({ heard }) => heard.picks);
    for (const id of ['b0', 'b1', 'b2']) expect(picks.filter((pick) => pick === id)).toHaveLength(100);
  });

  it('holds one unit of load from acquire to release, in its own lane', () => {
    const table = healthyTable(1);
    const { pool } = poolOn(table, planOf(1), 2);
    const leases = [take(pool), take(pool)];
    expect(table.active(0)).toBe(2);
    leases[0]!.release('served');
    expect(table.active(0)).toBe(1);
    table.clearLane(2);
    expect(table.active(0)).toBe(0);
  });

  it('throws when a lease is released twice, and gives nothing back the second time', () => {
    const table = healthyTable(1);
    const { pool } = poolOn(table, planOf(1));
    const lease = take(pool);
    lease.release('served');
    expect(() => lease.release('served')).toThrow('released twice');
    expect(table.active(0)).toBe(0);
  });

  it.each([
    ['down', (t: ReturnType<typeof healthyTable>) => t.setHealth(1, Health.down)],
    ['unknown', (t: ReturnType<typeof healthyTable>) => t.setHealth(1, Health.unknown)],
    ['refusing', (t: ReturnType<typeof healthyTable>) => void t.markRefused(1)],
    ['ejected', (t: ReturnType<typeof healthyTable>) => t.setEjected(1, true)],
    ['draining', (t: ReturnType<typeof healthyTable>) => t.setAdmin(1, AdminState.draining)],
    ['disabled', (t: ReturnType<typeof healthyTable>) => t.setAdmin(1, AdminState.disabled)],
    ['of weight 0', (t: ReturnType<typeof healthyTable>) => t.setWeight(1, 0)],
  ])('picks no backend that is %s, from the moment the table says so', (_, change) => {
    const table = healthyTable(3);
    const { pool, heard } = poolOn(table, planOf(3));
    take(pool).release('served');
    change(table);
    table.touch(1);
    for (let i = 0; i < 30; i++) take(pool).release('served');
    expect(heard.picks.slice(1)).not.toContain('b1');
    expect(heard.picks.slice(1).filter((id) => id === 'b0')).toHaveLength(15);
  });

  it('gives a backend what its agent says: a share of its weight, a limit, a state', () => {
    const table = healthyTable(2);
    const { pool, heard } = poolOn(table, planOf(2));
    const picksOf = (change: Parameters<typeof table.setAgent>[1]): number => {
      table.setAgent(1, change);
      table.touch(1);
      heard.picks.length = 0;
      for (let i = 0; i < 30; i++) take(pool).release('served');
      return heard.picks.filter((id) => id === 'b1').length;
    };
    const { enabled, draining, disabled } = AdminState;
    expect(picksOf({ admin: enabled, percent: 50 })).toBe(10);
    expect(picksOf({ admin: enabled, percent: 200 })).toBe(20);
    expect(picksOf({ admin: enabled, percent: 0 })).toBe(0);
    expect(picksOf({ admin: draining })).toBe(0);
    expect(picksOf({ admin: disabled })).toBe(0);
    expect(picksOf({ admin: enabled })).toBe(15);
    table.setMaxActive(1, 5);
    table.setAgent(1, { admin: enabled, maxActive: 2 });
    expect(pool.backends[1]!.maxActive).toBe(2);
    table.setMaxActive(1, 7);
    expect(pool.backends[1]!.maxActive).toBe(2);
    table.setAgent(1, { admin: enabled, maxActive: 0 });
    expect(pool.backends[1]!.maxActive).toBe(0);
    table.setAgent(1, { admin: enabled });
    expect(pool.backends[1]!.maxActive).toBe(7);
    table.setAdmin(1, disabled);
    table.setAgent(1, { admin: draining });
    expect(table.admin(1)).toBe(disabled);
  });

  it('sees a change only when its version was touched, so that a pick costs one look', () => {
    const table = healthyTable(1);
    const { pool } = poolOn(table, planOf(1));
    take(pool).release('served');
    table.setHealth(0, Health.down);
    expect(refusal(pool)).toBe('lease on b0');
    table.touch(1);
    expect(refusal(pool)).toBe('none-healthy');
  });

  it('says why there is no lease', () => {
    expect(refusal(poolOn(healthyTable(0), planOf(0)).pool)).toBe('no-backends');
    const table = healthyTable(2);
    const { pool } = poolOn(table, planOf(2));
    const tried = new Set(pool.backends);
    expect(refusal(pool, tried)).toBe('all-tried');
    table.setMaxActive(0, 1);
    table.setMaxActive(1, 1);
    const leases = [take(pool), take(pool)];
    expect(refusal(pool)).toBe('all-saturated');
    expect(refusal(pool, new Set([pool.backends[0]!]))).toBe('all-saturated');
    leases[1]!.release('served');
    expect(refusal(pool)).toBe(`lease on ${leases[1]!.backend.id}`);
  });

  it('tries a backup when all others were, then one that is ejected, and none that is out for another reason', () => {
    const table = healthyTable(6);
    table.setEjected(2, true);
    table.setEjected(3, true);
    table.setHealth(3, Health.down);
    table.setHealth(5, Health.down);
    const { backends } = planOf(6);
    const plans = backends.map((backend, slot) => ({ ...backend, backup: slot >= 4 }));
    const { pool } = poolOn(table, planOf(6, { backends: [...plans.slice(4), ...plans.slice(0, 4)] }));
    const [b4, , b0, b1, b2] = pool.backends;
    expect(refusal(pool, new Set([b0!]))).toBe('lease on b1');
    expect(refusal(pool, new Set([b0!, b1!]))).toBe('lease on b4');
    expect(refusal(pool, new Set([b0!, b1!, b4!]))).toBe('lease on b2');
    expect(refusal(pool, new Set([b0!, b1!, b2!, b4!]))).toBe('all-tried');
    table.setMaxActive(4, 1);
    expect(refusal(pool, new Set([b0!, b1!]))).toBe('lease on b2');
    table.setMaxActive(2, 1);
    expect(pool.acquire({}, new Set([b0!, b1!])).ok).toBe(false);
  });

  it('never exceeds a limit, though several workers take at once and pass over what was tried', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ lane: fc.nat(3), avoid: fc.boolean(), give: fc.boolean() }), { maxLength: 60 }),
        (steps) => {
          const table = healthyTable(3);
          for (let slot = 0; slot < 3; slot++) table.setMaxActive(slot, 2);
          const pools = [0, 1, 2, 3].map((lane) => poolOn(table, planOf(3), lane).pool);
          const held: Lease[] = [];
          for (const { lane, avoid, give } of steps) {
            const pool = pools[lane]!;
            if (give) held.pop()?.release('served');
            const acquired = pool.acquire({}, avoid ? new Set([pool.backends[0]!]) : undefined);
            if (acquired.ok) held.push(acquired.lease);
            if (acquired.ok && avoid) expect(acquired.lease.backend.id).not.toBe('b0');
            for (let slot = 0; slot < 3; slot++) {
              expect(table.active(slot)).toBeLessThanOrEqual(2);
              expect(table.active(slot)).toBe(held.filter(({ backend }) => backend.slot === slot).length);
            }
          }
        },
      ),
    );
  });

  it('gives the place back when another worker was faster for the last one', () => {
    const table = healthyTable(1);
    table.setMaxActive(0, 1);
    const { pool, heard } = poolOn(table, planOf(1));
    const hold = table.hold.bind(table);
    table.hold = (slot, lane) => hold(slot, lane) + 1;
    expect(refusal(pool)).toBe('all-saturated');
    expect(table.active(0)).toBe(0);
    expect(heard.picks).toEqual([]);
  });

  it('looks again when another worker was faster, and takes a place elsewhere', () => {
    const table = healthyTable(2);
    for (const slot of [0, 1]) table.setMaxActive(slot, 1);
    const { pool } = poolOn(table, planOf(2));
    const hold = table.hold.bind(table);
    table.hold = (slot, lane) => {
      table.hold = hold;
      hold(slot, 1);
      return hold(slot, lane);
    };
    expect(refusal(pool)).toMatch(/^lease on /);
    expect([table.active(0), table.active(1)]).toEqual([1, 1]);
  });
});

describe('what a release reports', () => {
  const harmless: Outcome[] = ['served', 'client-aborted', 'stale'];
  const harmful: Outcome[] = [
    'bad-status',
    'bad-response',
    'connect-failed',
    'connect-timeout',
    'connect-tls',
    'backend-reset',
    'backend-timeout',
  ];

  it.each(harmless)('%s is not held against the backend', (outcome) => {
    const table = healthyTable(1);
    const { pool, heard } = poolOn(table, planOf(1));
    take(pool).release(outcome);
    expect([isFailure(outcome), heard.failures, table.streak(0)]).toEqual([false, [], 0]);
  });

  it.each(harmful)('%s is', (outcome) => {
    const table = healthyTable(1);
    const { pool, heard } = poolOn(table, planOf(1));
    take(pool).release(outcome);
    expect([isFailure(outcome), heard.failures, table.streak(0)]).toEqual([true, [['b0', outcome]], 1]);
  });

  it('only a success ends a row of failures', () => {
    const table = healthyTable(1);
    const { pool } = poolOn(table, planOf(1));
    for (const outcome of ['backend-reset', 'client-aborted', 'stale', 'bad-status'] as const)
      take(pool).release(outcome);
    expect(table.streak(0)).toBe(2);
    take(pool).release('served');
    expect(table.streak(0)).toBe(0);
  });

  it('reports a backend that fails as often in a row as the plan says, from then on each time', () => {
    const { pool, heard } = poolOn(healthyTable(1), planOf(1));
    for (let i = 0; i < 4; i++) take(pool).release('backend-timeout');
    expect(heard.troubles).toEqual([
      { slot: 0, kind: 'failing' },
      { slot: 0, kind: 'failing' },
    ]);
  });

  it('reports no failing backend when ejection is off', () => {
    const { pool, heard } = poolOn(healthyTable(1), planOf(1, { ejectAfter: 0 }));
    for (let i = 0; i < 9; i++) take(pool).release('backend-timeout');
    expect(heard.troubles).toEqual([]);
  });

  it('leaves out a refusing backend at once, for all workers, and reports it once', () => {
    const table = healthyTable(2);
    const one = poolOn(table, planOf(2), 0);
    const other = poolOn(table, planOf(2), 1);
    for (const { pool } of [one, other]) take(pool).release('served');
    const leases = [take(one.pool), take(one.pool)].filter(({ backend }) => backend.id === 'b0');
    leases[0]!.release('connect-refused');
    expect(table.refused(0)).toBe(true);
    for (let i = 0; i < 6; i++) expect(take(other.pool).backend.id).toBe('b1');
    expect(one.heard.troubles).toEqual([{ slot: 0, kind: 'refused' }]);
    expect(one.heard.failures).toEqual([['b0', 'connect-refused']]);
    expect([isFailure('connect-refused'), table.streak(0)]).toEqual([true, 0]);
  });

  it('goes on picking a refusing backend that no probe would bring back', () => {
    const table = healthyTable(1);
    const { pool, heard } = poolOn(table, planOf(1, { probed: false }));
    take(pool).release('connect-refused');
    expect([table.refused(0), refusal(pool), heard.troubles, table.streak(0)]).toEqual([false, 'lease on b0', [], 1]);
  });
});

describe('a new plan for a pool', () => {
  it('keeps the backends that stay, with their objects, drops the others and takes in new ones', () => {
    const table = healthyTable(4);
    const { pool } = poolOn(table, planOf(3));
    const [first, second] = pool.backends;
    const { backends } = planOf(4);
    const moved = { ...backends[1]!, endpoints: [{ host: '127.0.0.9', port: 1 }] };
    pool.reconcile(planOf(0, { backends: [moved, backends[3]!] }));
    expect(pool.backends.map(({ id }) => id)).toEqual(['b1', 'b3']);
    expect(pool.backends[0]).toBe(second);
    expect(pool.backends[0]!.endpoints).toEqual(moved.endpoints);
    expect(pool.backends).not.toContain(first);
    expect([take(pool).backend.id, take(pool).backend.id].toSorted()).toEqual(['b1', 'b3']);
  });

  it('takes a lease back whose backend has left meanwhile', () => {
    const table = healthyTable(2);
    const { pool } = poolOn(table, planOf(2));
    const leases = [take(pool), take(pool)];
    pool.reconcile(planOf(1));
    for (const lease of leases) lease.release('served');
    expect([table.active(0), table.active(1)]).toEqual([0, 0]);
  });

  it('changes the algorithm', () => {
    const table = healthyTable(2);
    const { pool } = poolOn(table, planOf(2));
    const first = take(pool);
    pool.reconcile(planOf(2, { algorithm: 'least-connections' }));
    for (let i = 0; i < 4; i++) {
      const lease = take(pool);
      expect(lease.backend).not.toBe(first.backend);
      lease.release('served');
    }
  });
});

describe('a lease for a session', () => {
  const on = (pool: Pool, index: number): string => {
    const acquired = pool.acquireOn(pool.backends[index]!);
    if (!acquired.ok) return acquired.refusal;
    acquired.lease.release('served');
    return acquired.lease.backend.id;
  };

  it('is on the backend that has it, also while that drains or has no weight', () => {
    const table = healthyTable(2);
    const { pool, heard } = poolOn(table, planOf(2));
    expect(on(pool, 1)).toBe('b1');
    table.setAdmin(1, AdminState.draining);
    table.setWeight(1, 0);
    table.touch(1);
    expect(on(pool, 1)).toBe('b1');
    expect(heard.picks).toEqual(['b1', 'b1']);
    for (const change of [() => table.setAdmin(1, AdminState.disabled), () => table.setHealth(1, Health.down)]) {
      change();
      expect(on(pool, 1)).toBe('none-healthy');
    }
    expect(table.active(1)).toBe(0);
  });

  it('counts against the limit of the backend', () => {
    const table = healthyTable(2);
    const { pool } = poolOn(table, planOf(2));
    table.setMaxActive(0, 1);
    const first = pool.acquireOn(pool.backends[0]!);
    expect(on(pool, 0)).toBe('all-saturated');
    expect(table.active(0)).toBe(1);
    if (first.ok) first.lease.release('served');
    expect(on(pool, 0)).toBe('b0');
  });

  it('is charged: others get the next turns', () => {
    const { pool } = poolOn(healthyTable(3), planOf(3));
    for (let i = 0; i < 4; i++) on(pool, 0);
    const next = Array.from({ length: 8 }, () => take(pool).backend.id);
    expect(next.filter((id) => id === 'b0')).toEqual([]);
  });

  it('is charged too when it follows from the key', () => {
    const { pool } = poolOn(healthyTable(3), planOf(3));
    const ids = Array.from({ length: 4 }, () => {
      const acquired = pool.acquireForKey('one key');
      if (acquired.ok) acquired.lease.release('served');
      return acquired.ok && acquired.lease.backend.id;
    });
    expect(new Set(ids).size).toBe(1);
    expect(Array.from({ length: 8 }, () => take(pool).backend.id)).not.toContain(ids[0]);
  });

  it('follows from the key, the same in every worker, and avoids what was tried or is full', () => {
    const table = healthyTable(4);
    const pools = [0, 1].map((lane) => poolOn(table, planOf(4), lane).pool);
    const forKey = (pool: Pool, key: string, tried?: ReadonlySet<Backend>): Backend => {
      const acquired = pool.acquireForKey(key, tried);
      if (!acquired.ok) throw new Error(acquired.refusal);
      acquired.lease.release('served');
      return acquired.lease.backend;
    };
    const ids = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const [here, there] = pools.map((pool) => forKey(pool, `key ${i}`));
      expect(there!.id).toBe(here!.id);
      ids.add(here!.id);
      expect(forKey(pools[0]!, `key ${i}`, new Set([here!]))).not.toBe(here);
    }
    expect(ids.size).toBe(4);
    table.setHealth(2, Health.down);
    table.touch(1);
    for (let i = 0; i < 100; i++) expect(forKey(pools[1]!, `key ${i}`).id).not.toBe('b2');
  });
});
