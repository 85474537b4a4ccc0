import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/pool/backend.ts';
import type { PoolSite } from '../../src/proxy/deps.ts';
import { MIN_RETRIES, Retries, retryPauseMs, retryVerdict } from '../../src/proxy/retry.ts';
import { healthyTable, planOf, poolOn } from '../pool/stage.ts';

const both = { attempts: 2, onConnect: true, onReset: true };
const backend = { id: 'a' } as Backend;
const first = { backend, attempts: 1, reused: false, begun: false, maySendAgain: true, late: false };

/** A pool of two backends, with a count of the retries that its budget refused. */
function stage() {
  const { pool } = poolOn(healthyTable(2), planOf(2));
  const refused = { count: 0 };
  const meters = { overBudget: () => void refused.count++ };
  return { pool, refused, site: { pool, meters } as unknown as PoolSite };
}

describe('retryVerdict', () => {
  it.each([
    ['connect-refused', both, { ...first, maySendAgain: false }, 'again'],
    ['connect-timeout', { ...both, onConnect: false }, first, 'give-up'],
    ['connect-failed', both, { ...first, attempts: 2 }, 'give-up'],
    ['connect-failed', both, { ...first, late: true }, 'give-up'],
    ['backend-reset', both, first, 'again'],
    ['backend-reset', both, { ...first, late: true }, 'give-up'],
    ['backend-reset', both, { ...first, maySendAgain: false }, 'give-up'],
    ['backend-reset', both, { ...first, begun: true }, 'give-up'],
    ['backend-reset', { ...both, onReset: false }, first, 'give-up'],
    ['backend-reset', { ...both, onReset: false }, { ...first, attempts: 2, reused: true }, 'fresh'],
    ['backend-reset', both, { ...first, reused: true, maySendAgain: false }, 'give-up'],
    ['backend-timeout', both, first, 'give-up'],
    ['backend-timeout', { ...both, onTimeout: true }, first, 'again'],
    ['backend-timeout', { ...both, onTimeout: true }, { ...first, maySendAgain: false }, 'give-up'],
    ['backend-timeout', { ...both, onTimeout: true }, { ...first, begun: true }, 'give-up'],
    ['bad-status', both, { ...first, begun: true }, 'again'],
    ['bad-status', both, { ...first, begun: true, maySendAgain: false }, 'give-up'],
    ['bad-status', both, { ...first, attempts: 2 }, 'give-up'],
    ['bad-response', both, first, 'give-up'],
  ] as const)('%s with %j at %j: %s', (outcome, plan, failed, expected) => {
    expect(retryVerdict(outcome, plan, failed)).toBe(expected);
  });
});

describe('the pause before a retry', () => {
  it.each([
    [1, 0],
    [2, 25],
    [3, 75],
    [4, 175],
    [5, 250],
    [9, 250],
  ])('%i lasts at most %i ms', (retry, most) => {
    expect(retryPauseMs(retry, () => 0)).toBe(0);
    expect(retryPauseMs(retry, () => 0.5)).toBe(most / 2);
  });
});

describe('Retries', () => {
  it('remember who failed, and that a kept connection did', () => {
    const retries = new Retries(both, stage().site);
    expect(retries.after('backend-reset', { ...first, reused: true })).toBe('fresh');
    expect([retries.freshOnly, retries.tried.size]).toEqual([true, 0]);
    expect(retries.after('backend-reset', first)).toBe('again');
    expect([...retries.tried]).toEqual([backend]);
  });

  it('under way are no more than the budget, and at least three', () => {
    const { pool, refused, site } = stage();
    const plan = { ...both, budget: 0.2 };
    const under = Array.from({ length: MIN_RETRIES }, () => new Retries(plan, site));
    for (const retries of under) expect(retries.after('backend-reset', first)).toBe('again');
    const next = new Retries(plan, site);
    expect([next.after('backend-reset', first), refused.count]).toEqual(['give-up', 1]);
    // With twenty leases held there may be four.
    for (let lease = 0; lease < 20; lease++) expect(pool.acquire({}).ok).toBe(true);
    expect(next.after('backend-reset', first)).toBe('again');
    expect(new Retries(plan, site).after('backend-reset', first)).toBe('give-up');
    under[0]!.end();
    under[0]!.end();
    expect(new Retries(plan, site).after('backend-reset', first)).toBe('again');
    expect(new Retries(plan, site).after('backend-reset', first)).toBe('give-up');
  });

  it('are free for requests that have reached no backend', () => {
    const { refused, site } = stage();
    const plan = { ...both, budget: 0 };
    for (let i = 0; i < 50; i++) expect(new Retries(plan, site).after('connect-refused', first)).toBe('again');
    expect(refused.count).toBe(0);
  });

  it('decline an answer only while another backend can be asked', () => {
    const { pool, site } = stage();
    const [a, b] = pool.backends as [Backend, Backend];
    const retries = new Retries({ ...both, attempts: 9 }, site);
    expect(retries.declines({ ...first, backend: a })).toBe(true);
    expect(retries.declines({ ...first, backend: b })).toBe(false);
  });
});
