import { describe, expect, it } from 'vitest';
import { type AlgorithmName, algorithms } from '../../src/pick/algorithms.ts';
import { context, type StageCandidate, tally, weighted } from './stage.ts';

const names = Object.keys(algorithms) as AlgorithmName[];

function balanced(name: AlgorithmName, all: readonly StageCandidate[]) {
  const balancer = algorithms[name].create<StageCandidate>(context());
  for (const one of all) Object.assign(one, { latencyUs: 1000, latencyAtLoadUs: 1000 });
  balancer.update(all);
  return balancer;
}

/** The share of many picks that go to `b`; leases are held where the algorithm goes by them. */
function shareOfB(balancer: ReturnType<typeof balanced>, all: readonly StageCandidate[], keyed: boolean): number {
  const counts = tally(balancer, { times: 20_000, hold: true, keyed });
  for (const one of all) one.active = 0;
  return (counts['b'] ?? 0) / 20_000;
}

describe('a candidate that starts slowly', () => {
  it.each(names)('has a share that grows with its ramp, without a further update: %s', (name) => {
    const keyed = name === 'hash' || name === 'maglev';
    const all = weighted(1, 1, 1);
    all[1]!.ramp = 0.1;
    const balancer = balanced(name, all);
    for (const ramp of [0.1, 0.25, 0.5, 0.75, 1]) {
      all[1]!.ramp = ramp;
      const share = ramp / (2 + ramp);
      expect(Math.abs(shareOfB(balancer, all, keyed) - share)).toBeLessThan(0.03);
    }
    expect(tally(balancer, { times: 1, keyed })).not.toEqual({ none: 1 });
  });

  it.each(names)('counts by its weight too: %s', (name) => {
    const keyed = name === 'hash' || name === 'maglev';
    const all = weighted(1, 4, 1);
    all[1]!.ramp = 0.5;
    expect(Math.abs(shareOfB(balanced(name, all), all, keyed) - 0.5)).toBeLessThan(0.03);
  });

  it.each(names)('is one like all others when all start: %s', (name) => {
    const keyed = name === 'hash' || name === 'maglev';
    const all = weighted(1, 1, 1).map((one) => Object.assign(one, { ramp: 0.1 }));
    expect(Math.abs(shareOfB(balanced(name, all), all, keyed) - 1 / 3)).toBeLessThan(0.03);
  });

  it.each(names)('is picked when nothing else can be: %s', (name) => {
    const all = weighted(1, 1);
    all[1]!.ramp = 1 / 65_536;
    Object.assign(all[0]!, { active: 1, maxActive: 1 });
    expect(tally(balanced(name, all), { times: 100, keyed: true })).toEqual({ b: 100 });
  });

  it.each(['hash', 'maglev'] as const)('gets its keys one after another, each once: %s', (name) => {
    const all = weighted(1, 1, 1, 1);
    all[1]!.ramp = 0.1;
    const balancer = balanced(name, all);
    const place = (): (string | undefined)[] =>
      Array.from({ length: 2000 }, (_, key) => balancer.pick({ key: `k${key}` })?.id);
    let before = place();
    for (const ramp of [0.3, 0.6, 0.9, 1]) {
      all[1]!.ramp = ramp;
      const now = place();
      const moved = now.filter((id, key) => id !== before[key]);
      expect(moved.length).toBeGreaterThan(20);
      expect(new Set(moved)).toEqual(new Set(['b']));
      before = now;
    }
  });

  it('keeps the exact turns of round-robin for the others', () => {
    const all = weighted(1, 1, 1, 1, 1);
    all[1]!.ramp = 0.5;
    const counts = tally(balanced('round-robin', all), { times: 9000 });
    expect(counts['b']).toBe(1000);
    for (const id of ['a', 'c', 'd', 'e']) expect(counts[id]).toBe(2000);
  });
});
