import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/pool/backend.ts';
import { MIN_RETRIES, MOST_WAITING } from '../../src/pool/retry-budget.ts';
import type { PoolSite } from '../../src/proxy/deps.ts';
import { LONGEST_WAIT_MS, Retries, type RetryPlan, retryPauseMs, retryVerdict } from '../../src/proxy/retry.ts';
import { healthyTable, planOf, poolOn } from '../pool/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';

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
    ['connect-tls', both, { ...first, sent: true }, 'again'],
    ['connect-tls', both, { ...first, sent: true, maySendAgain: false }, 'give-up'],
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
    ['connect-no-port', both, first, 'again'],
    ['out-of-files', both, first, 'give-up'],
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

  it('decline no answer for a backend that would get no lease, as it is full', () => {
    const table = healthyTable(2);
    table.setMaxActive(1, 1);
    const { pool } = poolOn(table, planOf(2));
    const site = { ...stage().site, pool } as unknown as PoolSite;
    const [a, b] = pool.backends as [Backend, Backend];
    const declines = () => new Retries(both, site).declines({ ...first, backend: a });
    expect(declines()).toBe(true);
    const lease = pool.acquireOn(b);
    expect(declines()).toBe(false);
    if (lease.ok) lease.lease.release('served');
    expect(declines()).toBe(true);
  });
});

/** A stage whose budget of three is used up, with retries that then find no place. */
function crowdedStage(plan: RetryPlan = { ...both, budget: 0.2 }) {
  const { pool, refused, site } = stage();
  const clock = new FakeClock();
  const under = Array.from({ length: MIN_RETRIES }, () => new Retries(plan, site, clock));
  for (const retries of under) {
    expect(retries.after('backend-reset', first)).toBe('again');
    expect(retries.pause(() => undefined)).toBe(false);
  }
  const went: [string, boolean][] = [];
  const late = (name: string): Retries => {
    const retries = new Retries(plan, site, clock);
    expect(retries.after('backend-reset', first)).toBe('again');
    expect(retries.pause((mayGo) => void went.push([name, mayGo]))).toBe(true);
    return retries;
  };
  return { pool, refused, site, clock, under, went, late };
}

describe('a retry that finds no place in the budget', () => {
  it('goes out as soon as it is its turn', async () => {
    const { refused, clock, under, went, late } = crowdedStage();
    const a = late('a');
    late('b');
    await clock.advance(LONGEST_WAIT_MS - 1);
    expect(went).toEqual([]);
    under[0]!.end();
    under[0]!.end();
    await clock.advance(0);
    expect(went).toEqual([['a', true]]);
    a.end();
    await clock.advance(0);
    expect(went).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect([clock.pending, refused.count]).toEqual([0, 0]);
  });

  it('is given up when it has waited for too long, and frees no place it did not have', async () => {
    const { refused, clock, under, went, late } = crowdedStage();
    const a = late('a');
    await clock.advance(LONGEST_WAIT_MS);
    expect([went, refused.count, clock.pending]).toEqual([[['a', false]], 1, 0]);
    a.end();
    late('b');
    await clock.advance(LONGEST_WAIT_MS - 1);
    expect(went).toHaveLength(1);
    under[0]!.end();
    await clock.advance(0);
    expect(went[1]).toEqual(['b', true]);
  });

  it('makes room for others when its client leaves meanwhile', async () => {
    const { refused, clock, under, went, late } = crowdedStage();
    const a = late('a');
    late('b');
    a.end();
    under[0]!.end();
    await clock.advance(LONGEST_WAIT_MS);
    expect([went, refused.count, clock.pending]).toEqual([[['b', true]], 0, 0]);
  });

  it('pauses after its wait as it would have without', async () => {
    const { clock, site, under, went } = crowdedStage();
    const retries = new Retries({ ...both, attempts: 9 }, site, clock);
    for (let i = 0; i < 5; i++) retries.after('connect-refused', first);
    retries.after('backend-reset', first);
    expect(retries.pause((mayGo) => void went.push(['a', mayGo]))).toBe(true);
    await clock.advance(LONGEST_WAIT_MS - 1);
    under[0]!.end();
    await clock.advance(250);
    expect([went, clock.pending]).toEqual([[['a', true]], 0]);
  });

  it('does not wait when an answer is at hand, nor behind too many', () => {
    const { refused, site, late } = crowdedStage();
    const backend = site.pool.backends[0]!;
    expect(new Retries(both, site).declines({ ...first, backend })).toBe(false);
    for (let i = 0; i < MOST_WAITING; i++) late(String(i));
    expect(new Retries(both, site).after('backend-reset', first)).toBe('give-up');
    expect(refused.count).toBe(2);
  });
});
