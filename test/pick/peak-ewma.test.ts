import { describe, expect, test } from 'vitest';
import { PeakEwma } from '../../src/pick/peak-ewma.ts';
import { context, equals, type StageCandidate, sequence, tally, weighted } from './stage.ts';

function balancerOver(all: readonly StageCandidate[]): PeakEwma<StageCandidate> {
  const balancer = new PeakEwma<StageCandidate>(context());
  balancer.update(all);
  return balancer;
}

function latencies(all: readonly StageCandidate[], ...us: number[]): void {
  for (const [index, one] of all.entries()) one.latencyUs = us[index]!;
}

describe('peak-ewma', () => {
  test.each([
    { us: [300, 200, 250], active: [0, 0, 0], pick: 'b' },
    { us: [300, 200, 250], active: [0, 1, 0], pick: 'c' },
    { us: [300, 200, 250], active: [0, 1, 1], pick: 'a' },
    { us: [300, 299, 9000], active: [5, 5, 0], pick: 'b' },
    { us: [300, 299, 1500], active: [5, 5, 0], pick: 'c' },
  ])('takes the least latency × (active + 1): $us, $active', ({ us, active, pick }) => {
    const all = equals(3);
    latencies(all, ...us);
    for (const [index, one] of all.entries()) one.active = active[index]!;
    expect(sequence(balancerOver(all), 1)).toBe(pick);
  });

  test('tells microseconds apart (Traefik counted milliseconds)', () => {
    const all = equals(2);
    latencies(all, 201, 200);
    expect(sequence(balancerOver(all), 5)).toBe('bbbbb');
  });

  test('counts what was never measured as the average, neither as 0 (Traefik) nor as a second', () => {
    const all = equals(3);
    latencies(all, 100, 0, 500);
    const balancer = balancerOver(all);
    // At 300 the new one comes when the fast one holds more than two: a, a, then b and a in turn.
    expect(tally(balancer, { times: 40, hold: true })['b']).toBeLessThan(14);
    expect(all[1]!.active).toBeGreaterThan(6);
  });

  test('shares what is held in proportion to speed and weight', () => {
    const all = weighted(1, 1, 2);
    latencies(all, 100, 200, 200);
    const counts = tally(balancerOver(all), { times: 5000, hold: true });
    for (const [id, share] of Object.entries({ a: 2000, b: 1000, c: 2000 })) {
      expect(Math.abs(counts[id]! - share)).toBeLessThan(5);
    }
  });

  test('sees a latency that rises meanwhile at once', () => {
    const all = equals(2);
    latencies(all, 100, 200);
    const balancer = balancerOver(all);
    expect(sequence(balancer, 2)).toBe('aa');
    all[0]!.latencyUs = 50_000;
    expect(sequence(balancer, 2)).toBe('bb');
  });
});
