import { describe, expect, it } from 'vitest';
import { AdminState, Health } from '../../src/pool/table.ts';
import { healthyTable, planOf, poolOn } from './stage.ts';

/** A pool of four, the last a backup, and what it picks once the table was changed. */
function picksOf(panicBelow: number, change: (table: ReturnType<typeof healthyTable>) => void): string {
  const table = healthyTable(4);
  const plan = planOf(4, { panicBelow });
  const backends = plan.backends.map((backend, index) => ({ ...backend, backup: index === 3 }));
  change(table);
  const { pool, heard } = poolOn(table, { ...plan, backends });
  for (let time = 0; time < 12; time++) {
    const acquired = pool.acquire({});
    if (!acquired.ok) return acquired.refusal;
    acquired.lease.release('served');
  }
  return [...new Set(heard.picks)].sort().join(' ');
}

function down(...slots: number[]) {
  return (table: ReturnType<typeof healthyTable>): void => {
    for (const slot of slots) table.setHealth(slot, Health.down);
  };
}

describe('a backup', () => {
  it('gets nothing while another backend can be used', () => {
    expect(picksOf(0, down())).toBe('b0 b1 b2');
    expect(picksOf(0, down(0, 1))).toBe('b2');
  });

  it('gets everything when no other can, for whatever reason', () => {
    expect(picksOf(0, down(0, 1, 2))).toBe('b3');
    expect(
      picksOf(0, (table) => {
        table.setEjected(0, true);
        table.setAdmin(1, AdminState.disabled);
        table.markRefused(2);
      }),
    ).toBe('b3');
  });

  it('does not help when it is down itself', () => {
    expect(picksOf(0, down(0, 1, 2, 3))).toBe('none-healthy');
  });
});

describe('an ejection', () => {
  const ejected = (table: ReturnType<typeof healthyTable>): void => table.setEjected(0, true);

  it('keeps a backend out while another, or a backup, can be used', () => {
    expect(picksOf(0, ejected)).toBe('b1 b2');
    expect(picksOf(0, (table) => [ejected, down(1, 2)].forEach((change) => void change(table)))).toBe('b3');
  });

  it('does not leave a pool empty', () => {
    expect(picksOf(0, (table) => [ejected, down(1, 2, 3)].forEach((change) => void change(table)))).toBe('b0');
    expect(picksOf(0, (table) => [ejected, down(0, 1, 2, 3)].forEach((change) => void change(table)))).toBe(
      'none-healthy',
    );
  });

  it('does not keep a backup out when there is nobody else', () => {
    const ejectBackup = (table: ReturnType<typeof healthyTable>): void => table.setEjected(3, true);
    expect(picksOf(0, (table) => [ejectBackup, down(0, 1, 2)].forEach((change) => void change(table)))).toBe('b3');
    expect(picksOf(0, (table) => [ejected, ejectBackup, down(1, 2)].forEach((change) => void change(table)))).toBe(
      'b0',
    );
  });
});

describe('panic', () => {
  it('begins below the share, not at it', () => {
    expect(picksOf(2 / 3, down(0))).toBe('b1 b2');
    expect(picksOf(0.5, down(0, 1))).toBe('b0 b1 b2');
  });

  it('does not begin while a backup is well and nobody else is', () => {
    expect(picksOf(0.5, down(0, 1, 2))).toBe('b3');
    expect(picksOf(0.5, down(0, 1, 2, 3))).toBe('b0 b1 b2');
  });

  it('does not use what an operator has taken out, nor counts it', () => {
    expect(
      picksOf(0.5, (table) => {
        down(0)(table);
        table.setAdmin(1, AdminState.draining);
        table.setWeight(2, 0);
      }),
    ).toBe('b3');
    expect(
      picksOf(0.6, (table) => {
        down(0)(table);
        table.setAdmin(1, AdminState.disabled);
      }),
    ).toBe('b0 b2');
  });
});
