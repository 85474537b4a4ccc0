import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/pool/backend.ts';
import { Retries, retryVerdict } from '../../src/proxy/retry.ts';

const both = { attempts: 2, onConnect: true, onReset: true };
const backend = { id: 'a' } as Backend;
const first = { backend, attempts: 1, reused: false, begun: false, maySendAgain: true };

describe('retryVerdict', () => {
  it.each([
    ['connect-refused', both, { ...first, maySendAgain: false }, 'again'],
    ['connect-timeout', { ...both, onConnect: false }, first, 'give-up'],
    ['connect-failed', both, { ...first, attempts: 2 }, 'give-up'],
    ['backend-reset', both, first, 'again'],
    ['backend-reset', both, { ...first, maySendAgain: false }, 'give-up'],
    ['backend-reset', both, { ...first, begun: true }, 'give-up'],
    ['backend-reset', { ...both, onReset: false }, first, 'give-up'],
    ['backend-reset', { ...both, onReset: false }, { ...first, attempts: 2, reused: true }, 'fresh'],
    ['backend-reset', both, { ...first, reused: true, maySendAgain: false }, 'give-up'],
    ['backend-timeout', both, first, 'give-up'],
    ['bad-response', both, first, 'give-up'],
  ] as const)('%s with %j at %j: %s', (outcome, plan, failed, expected) => {
    expect(retryVerdict(outcome, plan, failed)).toBe(expected);
  });
});

describe('Retries', () => {
  it('remember who failed, and that a kept connection did', () => {
    const retries = new Retries(both);
    expect(retries.after('backend-reset', { ...first, reused: true })).toBe('fresh');
    expect([retries.freshOnly, retries.tried.size]).toEqual([true, 0]);
    expect(retries.after('backend-reset', first)).toBe('again');
    expect([...retries.tried]).toEqual([backend]);
  });
});
