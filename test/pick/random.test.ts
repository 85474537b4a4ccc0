import { describe, expect, test } from 'vitest';
import { Random } from '../../src/pick/random.ts';
import { context, equals, type StageCandidate, scripted, sequence, weighted } from './stage.ts';

function balancerOver(all: readonly StageCandidate[], ...numbers: number[]): Random<StageCandidate> {
  const balancer = new Random<StageCandidate>(context({ random: scripted(...numbers) }));
  balancer.update(all);
  return balancer;
}

describe('random', () => {
  test('takes one number a pick, and the candidate it falls on', () => {
    expect(sequence(balancerOver(weighted(1, 2, 0, 1), 0.3, 0, 0.9, 0.74), 4)).toBe('badb');
  });

  test('takes a second number when the first falls on a full one, among the open ones in proportion', () => {
    const all = weighted(1, 2, 1);
    Object.assign(all[0]!, { active: 3, maxActive: 3 });
    expect(sequence(balancerOver(all, 0, 0.666, 0.1, 0.667, 0.5), 3)).toBe('bcb');
  });

  test('takes a second number when the first falls on one to be avoided', () => {
    const all = equals(4);
    const balancer = balancerOver(all, 0.3, 0.34, 0.6, 0.34, 0.9);
    expect(sequence(balancer, 3, new Set([all[1]!, all[2]!]))).toBe('aad');
  });

  test('does not go by load', () => {
    const all = equals(2);
    all[0]!.active = 1000;
    expect(sequence(balancerOver(all, 0.1, 0.2), 2)).toBe('aa');
  });
});
