import { describe, expect, it } from 'vitest';
import { MIN_RETRIES, MOST_WAITING, RetryBudget, type RetryWaiter } from '../../src/pool/retry-budget.ts';

/** A budget over so many leases, the retries that had to wait and got their place, and a maker of such. */
function stage(leases = 0) {
  const held = { leases };
  const budget = new RetryBudget(() => held.leases);
  const served: string[] = [];
  const waiter = (name: string, share = 0.2): RetryWaiter => ({ share, mayRetry: () => void served.push(name) });
  const fill = (count = MIN_RETRIES) => {
    for (let i = 0; i < count; i++) expect(budget.take(0.2)).toBe(true);
    expect(budget.take(0.2)).toBe(false);
  };
  return { held, budget, served, waiter, fill };
}

describe('the budget of retries', () => {
  it.each([
    [0, 0.2, 3],
    [15, 0.2, 3],
    [20, 0.2, 4],
    [24, 0.2, 4],
    [100, 0.2, 20],
    [100, 0, 3],
    [100, 1, 100],
  ])('of a worker with %i leases, of which a share of %d may be retries, is %i', (leases, share, most) => {
    const { budget } = stage(leases);
    let taken = 0;
    while (budget.take(share)) taken++;
    expect(taken).toBe(most);
    budget.giveBack();
    expect([budget.take(share), budget.take(share)]).toEqual([true, false]);
  });

  it('serves those who wait in the order they came, and nobody before them', async () => {
    const { budget, served, waiter, fill } = stage();
    fill();
    for (const name of ['a', 'b', 'c']) expect(budget.join(waiter(name))).toBe(true);
    budget.giveBack();
    expect([served, budget.take(0.2)]).toEqual([[], false]);
    await Promise.resolve();
    expect(served).toEqual(['a']);
    budget.giveBack();
    budget.giveBack();
    await Promise.resolve();
    expect(served).toEqual(['a', 'b', 'c']);
    budget.giveBack();
    expect([budget.take(0.2), budget.take(0.2)]).toEqual([true, false]);
  });

  it('gives several their place when there is more room than before', async () => {
    const { held, budget, served, waiter, fill } = stage(10);
    fill();
    for (const name of ['a', 'b', 'c', 'd']) budget.join(waiter(name));
    held.leases = 25;
    budget.giveBack();
    await Promise.resolve();
    expect(served).toEqual(['a', 'b', 'c']);
  });

  it('is no smaller for those who wait and have given back their leases', async () => {
    const { budget, served, waiter, fill } = stage();
    fill();
    for (let i = 0; i < 50; i++) budget.join(waiter(String(i)));
    budget.giveBack();
    await Promise.resolve();
    // Two were left: with 44 waiting there may be eight, and no ninth.
    expect(served).toHaveLength(6);
  });

  it('forgets who has left', async () => {
    const { budget, served, waiter, fill } = stage();
    fill();
    const [a, b] = [waiter('a'), waiter('b')];
    budget.join(a);
    budget.join(b);
    budget.leave(a);
    budget.leave(waiter('a stranger'));
    budget.giveBack();
    await Promise.resolve();
    expect(served).toEqual(['b']);
  });

  it('lets no more wait than it can bear', () => {
    const { budget, waiter, fill } = stage();
    fill();
    for (let i = 0; i < MOST_WAITING; i++) expect(budget.join(waiter(String(i)))).toBe(true);
    expect(budget.join(waiter('one more'))).toBe(false);
  });
});
