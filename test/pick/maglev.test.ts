import { describe, expect, test } from 'vitest';
import { Maglev } from '../../src/pick/maglev.ts';
import { MAGLEV_PLACES, maglevTable } from '../../src/pick/maglev-table.ts';
import { hash53 } from '../../src/pick/text-hash.ts';
import { candidate, context, equals, type StageCandidate, sequence, weighted } from './stage.ts';

const keys = Array.from({ length: 4000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);

function balancerOver(all: readonly StageCandidate[], loadFactor = 0): Maglev<StageCandidate> {
  const balancer = new Maglev<StageCandidate>({ ...context(), loadFactor });
  balancer.update(all);
  return balancer;
}

function counts(table: Uint32Array, members: number): number[] {
  const places = new Array<number>(members).fill(0);
  for (const member of table) places[member]!++;
  return places;
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `10.0.0.${index}:8080`);
const ones = (count: number) => new Float64Array(count).fill(1);

describe('the table of maglev', () => {
  test.each([1, 2, 3, 100])('gives each of %i the same number of places, but for one', (members) => {
    const places = counts(maglevTable(names(members), ones(members)), members);
    expect(Math.max(...places) - Math.min(...places)).toBeLessThanOrEqual(1);
    expect(places.reduce((sum, count) => sum + count)).toBe(MAGLEV_PLACES);
  });

  test('gives places by weight', () => {
    const places = counts(maglevTable(names(4), Float64Array.of(1, 2, 4, 0.5)), 4);
    [1, 2, 4, 0.5].forEach((weight, member) => {
      expect(Math.abs(places[member]! - (MAGLEV_PLACES * weight) / 7.5)).toBeLessThan(8);
    });
  });

  test.each([3, 10, 100])('keeps nearly all places of the others when one of %i leaves', (members) => {
    const before = maglevTable(names(members), ones(members));
    const after = maglevTable(names(members).slice(0, -1), ones(members - 1));
    const kept = before.reduce((sum, member, place) => sum + (member === after[place] ? 1 : 0), 0);
    const stayed = before.reduce((sum, member) => sum + (member < members - 1 ? 1 : 0), 0);
    // The paper's figure for a table of this size is a few per cent.
    expect(kept / stayed).toBeGreaterThan(0.93);
  });

  test('gives most places to the same members whatever their order', () => {
    const reversed = maglevTable(names(10).reverse(), ones(10));
    const same = maglevTable(names(10), ones(10)).reduce(
      (sum, m, place) => sum + (9 - m === reversed[place] ? 1 : 0),
      0,
    );
    expect(same / MAGLEV_PLACES).toBeGreaterThan(0.9);
  });

  test('ends for weights as unequal as can be', () => {
    const places = counts(maglevTable(names(4), Float64Array.of(65_535, 1, 1, 1)), 4);
    expect(places.slice(1).every((count) => count >= 1 && count <= 4)).toBe(true);
  });
});

describe('maglev', () => {
  test('sends a key to the same candidate every time, in every worker', () => {
    const all = weighted(3, 1, 2);
    const [one, other] = [balancerOver(all), balancerOver(all)];
    for (const key of keys) expect(one.pick({ key })).toBe(other.pick({ key }));
    expect(new Set(Array.from({ length: 20 }, () => one.pick({ key: 'k' }))).size).toBe(1);
  });

  test('moves few keys beside those of the one that left', () => {
    const all = Array.from({ length: 10 }, (_, index) => candidate(`10.0.0.1:${3000 + index}`));
    const [before, after] = [balancerOver(all), balancerOver(all.slice(1))];
    const placed = keys.map((key) => [before.pick({ key }), after.pick({ key })]);
    const others = placed.filter(([was]) => was !== all[0]);
    const moved = others.filter(([was, is]) => was !== is);
    expect(moved.length / others.length).toBeLessThan(0.07);
  });

  test('carries a hot key away from a candidate that has more than its bound, and no other', () => {
    const all = equals(4);
    const balancer = balancerOver(all, 1.25);
    const home = balancer.pick({ key: 'hot' })!;
    for (let held = 0; held < 400; held++) {
      const picked = balancer.pick({ key: 'hot' })!;
      picked.active++;
      const total = all.reduce((sum, { active }) => sum + active, 0);
      expect(picked.active).toBeLessThanOrEqual(Math.ceil((1.25 * total) / 4));
    }
    expect(home.active).toBe(125);
    for (const one of all) one.active = 0;
    expect(balancer.pick({ key: 'hot' })).toBe(home);
  });

  test('scatters what one cannot take over all others, not to its neighbour', () => {
    const all = equals(6);
    const balancer = balancerOver(all);
    const full = all[2]!;
    const moved = keys.filter((key) => balancer.pick({ key }) === full);
    Object.assign(full, { active: 1, maxActive: 1 });
    const shares = new Map<StageCandidate, number>();
    for (const key of moved) {
      const picked = balancer.pick({ key })!;
      shares.set(picked, (shares.get(picked) ?? 0) + 1 / moved.length);
    }
    expect(shares.size).toBe(5);
    for (const share of shares.values()) expect(Math.abs(share - 0.2)).toBeLessThan(0.07);
  });

  test('scatters the keys of one place too, which share nothing but that', () => {
    const all = equals(6);
    const balancer = balancerOver(all);
    const place = (key: string): number => hash53(key) % MAGLEV_PLACES;
    const alike: string[] = [];
    for (let i = 0; alike.length < 12; i++) if (place(`${i}`) === place('k')) alike.push(`${i}`);
    const [home, ...others] = new Set(alike.map((key) => balancer.pick({ key })!));
    expect(others).toEqual([]);
    expect(new Set(alike.map((key) => balancer.pick({ key }, new Set([home!])))).size).toBeGreaterThan(2);
  });

  test('bounds by weight, and not at all with 0', () => {
    const all = weighted(3, 1);
    const bounded = balancerOver(all, 1);
    for (const key of keys.slice(0, 400)) bounded.pick({ key })!.active++;
    expect(all.map(({ active }) => active)).toEqual([300, 100]);
    Object.assign(all[0]!, { active: 0 });
    all[1]!.active = 5000;
    const free = balancerOver(all);
    expect(keys.some((key) => free.pick({ key }) === all[1])).toBe(true);
  });

  test("takes the pool's turn without a key", () => {
    expect(sequence(balancerOver(weighted(2, 1, 1)), 8)).toBe('abacabac');
  });
});
