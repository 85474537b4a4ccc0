import { describe, expect, it } from 'vitest';
import { ClientBudgets } from '../../src/http2/client-budgets.ts';
import { FrameBudget } from '../../src/http2/frame-budget.ts';

function takeAll(budget: FrameBudget, nowMs: number): number {
  let taken = 0;
  while (budget.take(nowMs)) taken++;
  return taken;
}

describe('a budget of frames', () => {
  it('is what may come at once', () => {
    expect(takeAll(new FrameBudget(5, 10), 1000)).toBe(5);
  });

  it('grows with time, but not beyond that', () => {
    const budget = new FrameBudget(5, 10);
    for (let i = 0; i < 5; i++) budget.take(1000);
    expect(budget.take(1100)).toBe(true);
    expect(budget.take(1100)).toBe(false);
    expect(takeAll(budget, 100_000)).toBe(5);
  });

  it('lets the sustained rate go on for ever', () => {
    const budget = new FrameBudget(5, 10);
    for (let now = 0; now < 100_000; now += 100) expect(budget.take(now)).toBe(true);
  });
});

describe('the updates of windows', () => {
  it.each([
    [0, 0, 10_000],
    [100, 0, 10_400],
    [100, 5000, 90_400],
  ])('for %i streams and %i frames of data are %i at most', (streams, dataFrames, most) => {
    const budgets = new ClientBudgets();
    for (let i = 0; i < most; i++) expect(budgets.takeUpdate(streams, dataFrames)).toBe(true);
    expect(budgets.takeUpdate(streams, dataFrames)).toBe(false);
    expect(budgets.takeUpdate(streams + 1, dataFrames + 1)).toBe(true);
  });
});
