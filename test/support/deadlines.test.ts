import { describe, expect, it } from 'vitest';
import { Deadlines, type Expiring } from '../../src/support/deadlines.ts';

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
  const stepAt = (ms: number): number => {
    clock.ms = ms;
    const pauseMs = deadlines.step();
    return ms + pauseMs;
  };
  /** Steps when they are due, from `from` until before `to`. Returns how many had fired after each. */
  const run = (from: number, to: number): number[] => {
    const counts: number[] = [];
    for (let due = from; due < to; ) {
      due = stepAt(due);
      while (turn());
      counts.push(fired.length);
    }
    return counts;
  };
  return { clock, deadlines, fired, add, addMany, turn, stepAt, run };
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
    deadlines.step();
    expect(fired).toEqual([]);
    clock.ms = 50;
    deadlines.step();
    deadlines.step();
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
    deadlines.step();
    expect(fired).toEqual([]);
  });

  it('are all looked at within a tick', () => {
    for (const count of [1, 2, 63, 64, 65, 128, 129, 192, 193, 256, 257, 1001]) {
      const { fired, addMany, run } = setUp();
      addMany(count, 10);
      run(10, 110);
      expect(fired).toHaveLength(count);
    }
  });

  it('are looked at once per tick while they are few', () => {
    const { addMany, run } = setUp();
    expect(run(10, 210)).toEqual([0, 0]);
    addMany(64, 10);
    expect(run(210, 410)).toEqual([64, 64]);
  });

  it('are fired in parts when many are due together: some in each step', () => {
    const { addMany, run } = setUp();
    addMany(400, 10);
    expect(run(10, 110)).toEqual([100, 200, 300, 400]);
  });

  it('are fired four in a turn', () => {
    const { fired, addMany, turn, stepAt } = setUp();
    addMany(10, 10);
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
    const { fired, addMany, turn, stepAt } = setUp();
    addMany(100, 10);
    for (let i = 0; i < 2; i++) stepAt(20);
    while (turn());
    addMany(100, 20);
    const before = fired.length;
    stepAt(20);
    expect([before, fired.length - before]).toEqual([100, 4]);
  });

  it('may be removed, also by others that fire, and none is passed over for it', () => {
    const set = setUp();
    const { fired, add, addMany, deadlines, run } = set;
    const gone = add('gone', 10);
    addMany(300, 10, leave(deadlines));
    add('killer', 10, () => deadlines.remove(gone));
    run(20, 120);
    expect([new Set(fired).size, fired.includes('gone'), deadlines.size]).toEqual([301, false, 1]);
    deadlines.remove(gone);
    expect(deadlines.size).toBe(1);
  });

  it('of those that come while it looks are fired within two ticks', () => {
    const { fired, add, addMany, run, deadlines } = setUp();
    addMany(200, 10, (self) => {
      deadlines.remove(self);
      if (fired.length <= 200) add(`new ${fired.length}`, 15);
    });
    run(20, 220);
    expect(fired.filter((name) => name.startsWith('new'))).toHaveLength(200);
  });
});
