import { describe, expect, test } from 'vitest';
import { PowerOfTwoChoices } from '../../src/pick/p2c.ts';
import { context, equals, type StageCandidate, scripted, sequence, shuffled, tally, weighted } from './stage.ts';

function balancerOver(all: readonly StageCandidate[], random: () => number): PowerOfTwoChoices<StageCandidate> {
  const balancer = new PowerOfTwoChoices<StageCandidate>(context({ random }));
  balancer.update(all);
  return balancer;
}

function seeded(all: readonly StageCandidate[]): PowerOfTwoChoices<StageCandidate> {
  return balancerOver(all, context({ seed: 5 }).random);
}

function load(all: readonly StageCandidate[], loads: readonly number[]): void {
  for (const [index, one] of all.entries()) one.active = loads[index]!;
}

describe('p2c', () => {
  // Of four equals, 0.3 draws b; then of a, c and d, 0.9 draws d.
  test.each([
    { loads: [0, 5, 0, 4], pick: 'd' },
    { loads: [0, 4, 0, 5], pick: 'b' },
    { loads: [0, 4, 0, 4], pick: 'b' },
    { loads: [9, 0, 9, 0], pick: 'b' },
  ])('takes the less loaded of the two drawn, of equals the first: loads $loads, $pick', ({ loads, pick }) => {
    const all = equals(4);
    load(all, loads);
    expect(sequence(balancerOver(all, scripted(0.3, 0.9)), 1)).toBe(pick);
  });

  test('compares load for weight', () => {
    const all = weighted(3, 1);
    load(all, [3, 1]);
    expect(sequence(balancerOver(all, scripted(0, 0)), 1)).toBe('a');
    load(all, [4, 1]);
    expect(sequence(balancerOver(all, scripted(0, 0)), 1)).toBe('b');
    load(all, [2, 1]);
    expect(sequence(balancerOver(all, scripted(0.9, 0)), 1)).toBe('a');
  });

  test('draws the second from all others alike (Envoy, Traefik: with replacement, or the neighbour)', () => {
    const all = equals(5);
    // Whoever is drawn beside the busy first one wins: with the first held at a, this counts second draws.
    load(all, [9, 0, 0, 0, 0]);
    const seconds = Array.from({ length: 8 }, (_, k) => sequence(balancerOver(all, scripted(0, (k + 0.5) / 8)), 1));
    expect(seconds.join('')).toBe('bbccddee');
    load(all, [0, 0, 0, 9, 0]);
    const around = Array.from({ length: 4 }, (_, k) => sequence(balancerOver(all, scripted(0.7, (k + 0.5) / 4)), 1));
    expect(around.join('')).toBe('abce');
  });

  test.each([
    { loads: [1, 0], pick: 'b' },
    { loads: [0, 1], pick: 'a' },
  ])('of two candidates never takes the busier: loads $loads', ({ loads, pick }) => {
    const all = equals(2);
    load(all, loads);
    expect(tally(seeded(all), { times: 200 })).toEqual({ [pick]: 200 });
  });

  test('of one there is no choice, and no second number', () => {
    expect(sequence(balancerOver(equals(1), scripted(0.9)), 1)).toBe('a');
  });

  test('never takes the one most loaded of all, whatever the order of the loads', () => {
    for (const loads of [[1, 2, 3, 4], [4, 3, 2, 1], shuffled([1, 2, 3, 4], 8)]) {
      const all = equals(4);
      load(all, loads);
      const counts = tally(seeded(all), { times: 6000 });
      // Of the six pairs the least loaded wins three, the next two, the third one.
      for (const [index, one] of all.entries()) {
        expect(Math.abs((counts[one.id] ?? 0) - 1000 * (4 - loads[index]!))).toBeLessThan(150);
      }
    }
  });

  test('picks idle candidates in proportion to their weights', () => {
    const counts = tally(seeded(weighted(5, 1, 1, 3)), { times: 10_000 });
    for (const [id, share] of Object.entries({ a: 5000, b: 1000, c: 1000, d: 3000 })) {
      expect(Math.abs(counts[id]! - share)).toBeLessThan(200);
    }
  });

  test('lets one heavy candidate among many light ones carry its share', () => {
    const all = weighted(99, ...equals(99).map(() => 1));
    const counts = tally(seeded(all), { times: 9900, hold: true });
    expect(Math.abs(counts['a']! - 4950)).toBeLessThan(250);
  });
});

describe('p2c past the full and the avoided', () => {
  // Of four equals, 0 draws a and 0.9 then d; once one of them is out, 0.9 draws the last open one, 0 then the first.
  test.each([
    { out: 'the first drawn', index: 0, numbers: [0, 0.9, 0.9, 0], pick: 'd' },
    { out: 'the second drawn', index: 3, numbers: [0, 0.9, 0.9, 0], pick: 'c' },
  ])('draws both anew among the open when $out is out', ({ index, numbers, pick }) => {
    const all = equals(4);
    expect(sequence(balancerOver(all, scripted(...numbers)), 1, new Set([all[index]!]))).toBe(pick);
    Object.assign(all[index]!, { active: 1, maxActive: 1 });
    expect(sequence(balancerOver(all, scripted(...numbers)), 1)).toBe(pick);
  });

  test('still takes the less loaded of the two', () => {
    const all = equals(4);
    load(all, [0, 2, 1, 0]);
    expect(sequence(balancerOver(all, scripted(0, 0.5, 0, 0.5)), 1, new Set([all[0]!, all[3]!]))).toBe('c');
  });

  test('takes the only open one', () => {
    const all = equals(3);
    all[1]!.active = 50;
    expect(sequence(balancerOver(all, scripted(0, 0, 0.5)), 1, new Set([all[0]!, all[2]!]))).toBe('b');
  });
});
