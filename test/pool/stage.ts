import type { Backend } from '../../src/pool/backend.ts';
import type { Outcome } from '../../src/pool/lease.ts';
import { Pool, type PoolPlan, type Trouble } from '../../src/pool/pool.ts';
import { AdminState, Health, SharedTable } from '../../src/pool/table.ts';

/** What one worker's view of a pool told its observer. */
export interface Heard {
  readonly picks: string[];
  readonly failures: [string, Outcome][];
  readonly troubles: Trouble[];
}

export const size = { backends: 16, pools: 4, splits: 4, listeners: 4, lanes: 4 };

/** A plan for pool 1 with backends `b0`, `b1`, … on slots 0, 1, … */
export function planOf(count: number, changes: Partial<PoolPlan> = {}): PoolPlan {
  const backends = Array.from({ length: count }, (_, slot) => ({
    slot,
    id: `b${slot}`,
    address: `127.0.0.1:${3000 + slot}`,
    endpoints: [{ host: '127.0.0.1', port: 3000 + slot }],
  }));
  return { number: 1, name: 'web', algorithm: 'round-robin', backends, ejectAfter: 3, probed: true, ...changes };
}

/** A table in which every backend of the plan is up, enabled and of weight 1. */
export function healthyTable(count: number): SharedTable {
  const table = new SharedTable(size);
  for (let slot = 0; slot < count; slot++) {
    table.setHealth(slot, Health.up);
    table.setAdmin(slot, AdminState.enabled);
    table.setWeight(slot, 1);
  }
  return table;
}

/** One worker's pool over a table, with what it reports. */
export function poolOn(table: SharedTable, plan: PoolPlan, lane = 0, now = () => 0): { pool: Pool; heard: Heard } {
  const heard: Heard = { picks: [], failures: [], troubles: [] };
  const observer = {
    picked: (_: Pool, backend: Backend) => void heard.picks.push(backend.id),
    failed: (_: Pool, backend: Backend, outcome: Outcome) => void heard.failures.push([backend.id, outcome]),
    trouble: (_: Pool, trouble: Trouble) => void heard.troubles.push(trouble),
  };
  return { pool: new Pool(plan, { table, lane, observer, random: () => 0.5, now }), heard };
}
