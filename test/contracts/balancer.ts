import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Balancer, BalancerContext } from '../../src/pick/balancer.ts';
import { candidate, context, equals, type Run, type StageCandidate, shuffled, tally, weighted } from '../pick/stage.ts';

type Create = (ctx: BalancerContext) => Balancer<StageCandidate>;

const anyWeight = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 65_535 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 0.1, 2.5, 1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY) },
);

const anyCandidates = fc
  .array(fc.record({ weight: anyWeight, active: fc.nat(4), maxActive: fc.nat(4) }), { maxLength: 12 })
  .map((list) => list.map((fields, index) => candidate(`b${index}`, fields)));

const anyKey = fc.option(fc.string(), { nil: undefined });

/** What each step of a life does: the mask chooses a subset of the candidates, for an update or to be avoided. */
const anySteps = fc.array(
  fc.record({
    act: fc.constantFrom('update', 'pick', 'pick', 'pick', 'release', 'weigh'),
    mask: fc.oneof(fc.constant(0), fc.nat(4095)),
    weight: anyWeight,
    key: anyKey,
  }),
  { maxLength: 40 },
);

function chosen<T>(items: readonly T[], mask: number): T[] {
  return items.filter((_, index) => (mask >> index) & 1);
}

function mayBePicked(one: StageCandidate, avoid: ReadonlySet<StageCandidate>): boolean {
  return one.weight > 0 && (one.maxActive === 0 || one.active < one.maxActive) && !avoid.has(one);
}

/** Everything that must hold of an algorithm whatever its idea is. Run on each entry of the table of algorithms. */
export function balancerContract(name: string, create: Create): void {
  describe(`${name}: a balancer`, () => {
    describe('picks what may be picked', () => eligibility(create));
    describe('ends', () => termination(create));
    describe('shares by weight', () => distribution(create));
    describe('survives updates', () => updates(create));
  });
}

function eligibility(create: Create): void {
  test('nothing before the first update, and nothing from nothing', () => {
    const balancer = create(context());
    expect(balancer.pick({})).toBeUndefined();
    expect(balancer.pick({ key: 'k' })).toBeUndefined();
    balancer.update([]);
    expect(balancer.pick({})).toBeUndefined();
    expect(balancer.pick({ key: 'k' }, new Set([candidate('stranger')]))).toBeUndefined();
  });

  test('the only one there is, every time', () => {
    const balancer = create(context());
    balancer.update(equals(1));
    expect(tally(balancer, { times: 50, hold: true })).toEqual({ a: 50 });
    expect(tally(balancer, { times: 50, keyed: true })).toEqual({ a: 50 });
  });

  test('one that may be picked whenever there is one, and undefined when there is none', () => {
    fc.assert(
      fc.property(anyCandidates, fc.nat(4095), anyKey, fc.nat(), (all, mask, key, seed) => {
        const balancer = create(context({ seed, turn: seed }));
        balancer.update(all);
        const avoid = new Set(chosen(all, mask));
        const open = all.filter((one) => mayBePicked(one, avoid));
        const picked = balancer.pick({ key }, avoid);
        if (open.length === 0) expect(picked).toBeUndefined();
        else expect(open).toContain(picked);
      }),
    );
  });

  test.each([{ keyed: false }, { keyed: true }])(
    'up to maxActive and no further, 0 being no limit: %o',
    ({ keyed }) => {
      const balancer = create(context());
      balancer.update([
        candidate('a', { maxActive: 3 }),
        candidate('b', { maxActive: 5 }),
        candidate('c', { weight: 0 }),
      ]);
      expect(tally(balancer, { times: 10, hold: true, keyed })).toEqual({ a: 3, b: 5, none: 2 });
      const full = candidate('full', { active: 9, maxActive: 9 });
      balancer.update([full, candidate('free', { active: 999 })]);
      expect(tally(balancer, { times: 10, keyed })).toEqual({ free: 10 });
    },
  );

  test('leaves the lists and sets it is given as they are', () => {
    const balancer = create(context());
    const eligible = Object.freeze(shuffled(weighted(3, 0, 1, 2), 4));
    const before = [...eligible];
    const avoid = new Set([before[0]!]);
    balancer.update(eligible);
    tally(balancer, { times: 20, avoid });
    expect(eligible).toEqual(before);
    expect(avoid).toEqual(new Set([before[0]!]));
  });
}

function termination(create: Create): void {
  test.each([undefined, 'k'])('when only zero-weight candidates are left (Traefik looped for ever), key %s', (key) => {
    const balancer = create(context());
    balancer.update(weighted(0, 0, 0));
    expect(balancer.pick({ key })).toBeUndefined();
    expect(balancer.pick({ key }, new Set(weighted(0)))).toBeUndefined();
  });

  test.each([undefined, 'k'])('when every candidate is fenced or full (Traefik looped for ever), key %s', (key) => {
    const balancer = create(context());
    const all = weighted(1, 65_535, 3);
    balancer.update(all);
    expect(balancer.pick({ key }, new Set(all))).toBeUndefined();
    for (const one of all) one.maxActive = one.active = 1;
    expect(balancer.pick({ key })).toBeUndefined();
    expect(balancer.pick({ key }, new Set([all[0]!]))).toBeUndefined();
  });

  test('within a number of steps that grows with the candidates, whatever their weights', () => {
    fc.assert(
      fc.property(anyCandidates, fc.nat(4095), anyKey, (all, mask, key) => {
        let steps = 0;
        const counted = all.map((one) => ({
          ...one,
          get active() {
            steps++;
            return one.active;
          },
        }));
        const ctx = context();
        const count = <T>(next: () => T) => {
          return () => {
            steps++;
            return next();
          };
        };
        const balancer = create({ nextTurn: count(ctx.nextTurn), random: count(ctx.random) });
        balancer.update(counted);
        steps = 0;
        balancer.pick({ key }, new Set(chosen(counted, mask)));
        expect(steps).toBeLessThanOrEqual(3 * all.length + 6);
      }),
    );
  });
}

/** Shares of the picks when every lease is kept, without and with keys. */
function sharesOf(create: Create, all: readonly StageCandidate[], run: Omit<Run, 'times'>): number[] {
  const times = 8000;
  const balancer = create(context({ seed: 11 }));
  balancer.update(all);
  const counts = tally(balancer, { ...run, times });
  return all.map((one) => (counts[one.id] ?? 0) / times);
}

/** Within 2.5 points of 100: over four standard deviations of 8,000 random picks, and far from any bias named here. */
function expectShares(actual: readonly number[], expected: readonly number[]): void {
  actual.forEach((share, index) => {
    expect(Math.abs(share - expected[index]!), `share ${index}: ${actual.join(' ')}`).toBeLessThan(0.025);
  });
}

function distribution(create: Create): void {
  const hold = true;

  describe.each([{ keyed: false }, { keyed: true }])('with keys: $keyed', ({ keyed }) => {
    test.each([
      { weights: [1, 1, 1], shares: [1 / 3, 1 / 3, 1 / 3] },
      { weights: [5, 1, 1], shares: [5 / 7, 1 / 7, 1 / 7] },
      { weights: [1, 2, 3, 4], shares: [0.1, 0.2, 0.3, 0.4] },
      { weights: [4, 3, 2, 1], shares: [0.4, 0.3, 0.2, 0.1] },
      { weights: [2, 0, 1, 0, 1], shares: [0.5, 0, 0.25, 0, 0.25] },
      { weights: [0.5, 1.5], shares: [0.25, 0.75] },
      { weights: [65_535, 65_535 / 3], shares: [0.75, 0.25] },
    ])('$weights', ({ weights, shares }) => {
      expectShares(sharesOf(create, weighted(...weights), { hold, keyed }), shares);
    });

    test('the share of one to be avoided goes to all others, its neighbour gets no double share', () => {
      const all = equals(5);
      expectShares(sharesOf(create, all, { keyed, hold, avoid: new Set([all[1]!]) }), [0.25, 0, 0.25, 0.25, 0.25]);
    });

    test('the share of a full one goes to all others by weight, its neighbour gets no double share', () => {
      const all = weighted(1, 4, 1, 2);
      Object.assign(all[1]!, { active: 4, maxActive: 4 });
      expectShares(sharesOf(create, all, { keyed, hold }), [0.25, 0, 0.25, 0.5]);
    });

    test('the share of one that is down goes to all others by weight', () => {
      const [first, , ...rest] = weighted(1, 4, 1, 2);
      expectShares(sharesOf(create, [first!, ...rest], { keyed, hold }), [0.25, 0.25, 0.5]);
    });
  });
}

function updates(create: Create): void {
  test.each([{ keyed: false }, { keyed: true }])(
    'when the first goes down the weights of the rest do not shift (Caddy), with keys: $keyed',
    ({ keyed }) => {
      const [first, ...rest] = weighted(1, 8, 1, 1);
      const balancer = create(context());
      balancer.update([first!, ...rest]);
      tally(balancer, { times: 7, keyed });
      balancer.update(rest);
      const counts = tally(balancer, { times: 8000, hold: true, keyed });
      expectShares(
        rest.map((one) => (counts[one.id] ?? 0) / 8000),
        [0.8, 0.1, 0.1],
      );
    },
  );

  test('a place in the old set is no mark in the new one (HAProxy), larger or smaller', () => {
    const all = weighted(3, 1, 2, 5, 1, 1, 4, 1);
    const balancer = create(context({ turn: 1234 }));
    for (const size of [8, 2, 5, 1, 7, 3]) {
      balancer.update(all.slice(0, size));
      const counts = tally(balancer, { times: 600, hold: true });
      expect(Object.keys(counts).sort(), `${size} candidates`).toEqual(all.slice(0, size).map((one) => one.id));
      for (const one of all) one.active = 0;
    }
  });

  test('of the last set counts, not what became of the list it came in', () => {
    const balancer = create(context());
    const list = equals(2);
    balancer.update(list);
    list.length = 0;
    expect(balancer.pick({})).toBeDefined();
    expect(balancer.pick({ key: 'k' })).toBeDefined();
  });

  test('in any order with picks, leases and new weights', () => {
    fc.assert(
      fc.property(anyCandidates, anySteps, fc.nat(), (all, steps, seed) => {
        const balancer = create(context({ seed, turn: 2 ** 32 - 20 }));
        let eligible: StageCandidate[] = [];
        for (const { act, mask, weight, key } of steps) {
          if (act === 'pick') {
            const avoid = new Set(chosen(all, mask));
            const open = eligible.filter((one) => mayBePicked(one, avoid));
            const picked = balancer.pick({ key }, avoid);
            expect(picked === undefined ? open.length === 0 : open.includes(picked)).toBe(true);
            if (picked !== undefined) picked.active++;
          } else if (act === 'release') {
            for (const one of chosen(all, mask)) one.active = Math.max(0, one.active - 1);
          } else {
            if (act === 'weigh') for (const one of chosen(all, mask)) one.weight = weight;
            eligible = act === 'update' ? chosen(all, mask) : eligible;
            balancer.update(eligible);
          }
        }
      }),
    );
  });
}
