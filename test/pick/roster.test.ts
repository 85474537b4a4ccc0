import { describe, expect, test } from 'vitest';
import { hasRoom, isOpen, MAX_WEIGHT, Roster } from '../../src/pick/roster.ts';
import { candidate, equals, type StageCandidate, weighted } from './stage.ts';

describe('room', () => {
  test.each([
    { active: 0, maxActive: 0, room: true },
    { active: 1e9, maxActive: 0, room: true },
    { active: 0, maxActive: 1, room: true },
    { active: 1, maxActive: 1, room: false },
    { active: 7, maxActive: 8, room: true },
    { active: 9, maxActive: 8, room: false },
  ])('with $active of $maxActive leases: $room', ({ active, maxActive, room }) => {
    const one = candidate('a', { active, maxActive });
    expect(hasRoom(one)).toBe(room);
    expect(isOpen(one, undefined)).toBe(room);
    expect(isOpen(one, new Set([candidate('a')]))).toBe(room);
    expect(isOpen(one, new Set([one]))).toBe(false);
  });
});

describe('a roster', () => {
  test('holds the candidates with a weight, each beside its own, in order', () => {
    const roster = new Roster<StageCandidate>();
    const all = weighted(0, 2, Number.NaN, 0.5, -3, 65_536, Number.POSITIVE_INFINITY, 1);
    roster.update(all);
    expect(roster.candidates).toEqual([all[1], all[3], all[5], all[6], all[7]]);
    expect([...roster.weights]).toEqual([2, 0.5, MAX_WEIGHT, MAX_WEIGHT, 1]);
    expect(MAX_WEIGHT).toBe(65_535);
    roster.update(all.slice(2, 4));
    expect(roster.candidates).toEqual([all[3]]);
    expect([...roster.weights]).toEqual([0.5]);
  });

  test('weighs by ramp, of which the furthest counts as whole, and follows until all are', () => {
    const roster = new Roster<StageCandidate>();
    const all = weighted(1, 4, 2);
    for (const [index, ramp] of [0.1, 0.2, 0.05].entries()) all[index]!.ramp = ramp;
    roster.update(all);
    expect([[...roster.ramps], [...roster.weights], roster.ramping]).toEqual([[0.5, 1, 0.25], [0.5, 4, 0.5], true]);
    for (const one of all) one.ramp = 1;
    roster.follow();
    expect([[...roster.ramps], [...roster.weights], roster.ramping]).toEqual([[1, 1, 1], [1, 4, 2], false]);
  });

  test('lists the open ones anew each time', () => {
    const roster = new Roster<StageCandidate>();
    const all = equals(5);
    roster.update(all);
    const listed = (avoid?: ReadonlySet<StageCandidate>) => [
      ...roster.shortlist.subarray(0, roster.shortlistOpen(avoid)),
    ];
    expect(listed()).toEqual([0, 1, 2, 3, 4]);
    Object.assign(all[3]!, { active: 2, maxActive: 2 });
    expect(listed(new Set([all[0]!, candidate('stranger')]))).toEqual([1, 2, 4]);
    expect(listed(new Set(all))).toEqual([]);
    all[3]!.active = 1;
    expect(listed(new Set())).toEqual([0, 1, 2, 3, 4]);
  });
});
