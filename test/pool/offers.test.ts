import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Health } from '../../src/pool/table.ts';
import { healthyTable, planOf, poolOn } from './stage.ts';

describe('a pool', () => {
  it('offers just what it would give, whatever is known of its backends', () => {
    const state = fc.record({
      backup: fc.boolean(),
      down: fc.boolean(),
      ejected: fc.boolean(),
      full: fc.boolean(),
      tried: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 5 }), fc.constantFrom(0, 0.5), (states, panicBelow) => {
        const table = healthyTable(states.length);
        const plan = planOf(states.length, { panicBelow });
        const backends = plan.backends.map((backend, i) => ({ ...backend, backup: states[i]!.backup }));
        const { pool } = poolOn(table, { ...plan, backends });
        for (const [slot, { down, ejected, full }] of states.entries()) {
          if (down) table.setHealth(slot, Health.down);
          table.setEjected(slot, ejected);
          table.setMaxActive(slot, 1);
          if (full) table.hold(slot, 0);
        }
        table.touch(1);
        const tried = new Set(pool.backends.filter((_, i) => states[i]!.tried));
        expect(pool.offers(tried)).toBe(pool.acquire({}, tried).ok);
      }),
    );
  });

  it('offers nothing while others wait', () => {
    const table = healthyTable(2);
    table.setMaxActive(0, 1);
    const { pool } = poolOn(table, planOf(2, { queue: { max: 5, timeoutMs: 0 } }));
    const [b0, b1] = pool.backends;
    expect(pool.offers(new Set([b1!]))).toBe(true);
    pool.queue!.join({ choosy: true, serve: () => false });
    expect(pool.offers(new Set([b1!]))).toBe(false);
    expect(pool.offers(new Set([b0!]))).toBe(false);
  });
});
