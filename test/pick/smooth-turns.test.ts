import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SmoothTurns } from '../../src/pick/smooth-turns.ts';

function started(weights: number[], first = 0): SmoothTurns {
  const turns = new SmoothTurns();
  turns.reset(Float64Array.from(weights), first);
  return turns;
}

/** Takes a turn for each subset in order; the winners. */
function winners(turns: SmoothTurns, subsets: number[][]): number[] {
  return subsets.map((subset) => turns.take(Uint32Array.from(subset), subset.length));
}

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

describe('smooth turns', () => {
  test.each([
    { weights: [1, 1, 1], order: '012012012' },
    { weights: [5, 1, 1], order: '00102000010200' },
    { weights: [4, 2, 1], order: '01020100102010' },
    { weights: [0.5, 0.25], order: '010010' },
  ])("are in nginx's order among all: $weights", ({ weights, order }) => {
    const all = [...weights.keys()];
    expect(winners(started(weights), times(order.length, all)).join('')).toBe(order);
  });

  test.each([
    { first: 0, order: '01230123' },
    { first: 1, order: '12301230' },
    { first: 3, order: '30123012' },
  ])('begin with $first among equals when told so', ({ first, order }) => {
    expect(winners(started([1, 1, 1, 1], first), times(8, [0, 1, 2, 3])).join('')).toBe(order);
  });

  test('begin with the heaviest wherever they start, and keep the shares', () => {
    expect(winners(started([1, 5, 1], 2), times(7, [0, 1, 2])).join('')).toBe('1121011');
  });

  test('look at the first so many of a subset only', () => {
    const turns = started([1, 1, 9]);
    const subset = Uint32Array.of(1, 0, 2);
    expect([turns.take(subset, 2), turns.take(subset, 2), turns.take(subset, 2)]).toEqual([1, 0, 1]);
  });

  test('resume after the one picked: the neighbour of one left out gets no double share', () => {
    const turns = started([1, 1, 1]);
    // Every first try goes among all three, every second try among those that are not the first.
    const counts = [0, 0, 0];
    for (let round = 0; round < 300; round++) {
      const first = turns.take(Uint32Array.of(0, 1, 2), 3);
      if (first === 0) counts[turns.take(Uint32Array.of(1, 2), 2)]!++;
      else counts[first]!++;
    }
    expect(counts[0]).toBe(0);
    expect(Math.abs(counts[1]! - counts[2]!)).toBeLessThanOrEqual(1);
  });

  test('count a turn won among a hundred as one turn: it costs one turn between two, not fifty', () => {
    const turns = started(times(100, 1));
    const all = Array.from({ length: 100 }, (_, index) => index);
    expect(winners(turns, [all])).toEqual([0]);
    const pair = winners(turns, times(20, [0, 1]));
    expect(pair.filter((member) => member === 0)).toHaveLength(10);
    expect(pair.join('')).toMatch(/^1?(10|01)+0?$/);
  });

  test('stay in order over a million turns, rounding or not', () => {
    const turns = started([1, 1, 1]);
    const all = Uint32Array.of(0, 1, 2);
    let inOrder = true;
    for (let turn = 0; turn < 1_000_000; turn++) inOrder = turns.take(all, 3) === turn % 3 && inOrder;
    expect(inOrder).toBe(true);
  });

  test('give each member what its subsets owe it, within a few turns, whatever the subsets', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 6, maxLength: 6 });
    const subsets = fc.array(fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1 }), { maxLength: 400 });
    fc.assert(
      fc.property(weights, subsets, fc.nat(5), (weight, rounds, first) => {
        const turns = started(weight, first);
        const owed = times(6, 0);
        for (const subset of rounds) {
          const total = subset.reduce((sum, member) => sum + weight[member]!, 0);
          for (const member of subset) owed[member]! += weight[member]! / total;
          owed[turns.take(Uint32Array.from(subset), subset.length)]!--;
        }
        // The greedy emptier of the cup game: 1 + 1/2 + … + 1/6 is 2.45.
        for (const rest of owed) expect(Math.abs(rest)).toBeLessThan(2.46);
      }),
    );
  });
});
