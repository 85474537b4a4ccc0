import { describe, expect, it } from 'vitest';
import { Deadlines, type Expiring, STEPS_PER_TICK } from '../../src/support/deadlines.ts';

/** Deadlines on a clock and turns of their own. */
function setUp() {
  const clock = { ms: 0 };
  const turns: (() => void)[] = [];
  const deadlines = new Deadlines(
    () => clock.ms,
    (then) => void turns.push(then),
  );
  deadlines.tickMs = 100;
  const fired: string[] = [];
  const add = (name: string, deadline: number, then = (_self: Expiring): void => {}): Expiring => {
    const member: Expiring = {
      deadline,
      deadlineIndex: -1,
      onDeadline() {
        fired.push(name);
        then(member);
      },
    };
    deadlines.add(member);
    return member;
  };
  const addMany = (count: number, deadline: number, then?: (self: Expiring) => void): Expiring[] =>
    Array.from({ length: count }, (_, i) => add(`${i}`, deadline, then));
  const turn = (): boolean => {
    const then = turns.shift();
    then?.();
    return then !== undefined;
  };
  const stepAt = (ms: number): void => {
    clock.ms = ms;
    deadlines.step();
  };
  return { clock, deadlines, fired, add, addMany, turn, stepAt };
}

const leave =
  (deadlines: Deadlines) =>
  (self: Expiring): void =>
    deadlines.remove(self);

describe('deadlines', () => {
  it('are fired once when they have passed, and not before', () => {
    const { clock, deadlines, fired, add } = setUp();
    const one = add('one', 50);
    add('never', Number.POSITIVE_INFINITY);
    clock.ms = 49;
    deadlines.sweep();
    expect(fired).toEqual([]);
    clock.ms = 50;
    deadlines.sweep();
    deadlines.sweep();
    expect([fired, one.deadline]).toEqual([['one'], Number.POSITIVE_INFINITY]);
  });

  it('are never early: one that is set between two steps counts from its own moment', () => {
    const { clock, deadlines } = setUp();
    clock.ms = 24;
    expect(deadlines.in(10)).toBeGreaterThanOrEqual(34);
    expect(deadlines.in(0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('may be moved at no cost, which is heeded when they are looked at', () => {
    const { clock, deadlines, fired, add } = setUp();
    const one = add('one', 10);
    one.deadline = 30;
    clock.ms = 20;
    deadlines.sweep();
    expect(fired).toEqual([]);
  });

  it('are all looked at within the steps of a tick', () => {
    for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 101]) {
      const { fired, addMany, turn, stepAt } = setUp();
      addMany(count, 10);
      for (let i = 1; i <= STEPS_PER_TICK; i++) {
        stepAt(10 + i);
        while (turn());
      }
      expect(fired).toHaveLength(count);
    }
  });

  it('are fired in parts when they are due together: some in each step', () => {
    const { fired, addMany, turn, stepAt } = setUp();
    addMany(40, 10);
    const counts: number[] = [];
    for (let i = 1; i <= STEPS_PER_TICK; i++) {
      stepAt(10 + i);
      while (turn());
      counts.push(fired.length);
    }
    expect(counts).toEqual([10, 20, 30, 40]);
  });

  it('are fired four in a turn', () => {
    const { fired, addMany, turn, stepAt } = setUp();
    addMany(40, 10);
    stepAt(20);
    const counts = [fired.length];
    while (turn()) counts.push(fired.length);
    expect(counts).toEqual([4, 8, 10]);
  });

  it('are fired faster and faster while that does not suffice', () => {
    const { fired, addMany, turn, stepAt } = setUp();
    addMany(1000, 10);
    const perTurn: number[] = [];
    for (let i = 0; i < 6; i++) {
      const before = fired.length;
      stepAt(20 + i);
      turn();
      perTurn.push(fired.length - before);
    }
    expect(perTurn).toEqual([8, 8, 16, 32, 64, 128]);
    while (turn());
    expect(fired).toHaveLength(1000);
  });

  it('start with four again once all is done', () => {
    const { deadlines, fired, addMany, turn, stepAt } = setUp();
    addMany(100, 10);
    for (let i = 0; i < STEPS_PER_TICK; i++) stepAt(20);
    while (turn());
    addMany(100, 20);
    const before = fired.length;
    deadlines.sweep();
    expect([before, fired.length - before]).toEqual([100, 4]);
  });

  it('may be removed, also by others that fire, and none is passed over for it', () => {
    const set = setUp();
    const { fired, add, addMany, deadlines, turn, stepAt } = set;
    const gone = add('gone', 10);
    addMany(30, 10, leave(deadlines));
    add('killer', 10, () => deadlines.remove(gone));
    for (let i = 0; i <= STEPS_PER_TICK; i++) {
      stepAt(20 + i);
      while (turn());
    }
    expect([new Set(fired).size, fired.includes('gone'), deadlines.size]).toEqual([31, false, 1]);
    deadlines.remove(gone);
    expect(deadlines.size).toBe(1);
  });

  it('of those that come while it looks are fired within two ticks', () => {
    const { fired, add, addMany, turn, stepAt, deadlines } = setUp();
    addMany(20, 10, (self) => {
      deadlines.remove(self);
      if (fired.length <= 20) add(`new ${fired.length}`, 15);
    });
    for (let i = 0; i < 3 * STEPS_PER_TICK; i++) {
      stepAt(20 + i);
      while (turn());
    }
    expect(fired.filter((name) => name.startsWith('new'))).toHaveLength(20);
  });
});
