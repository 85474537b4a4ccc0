import { describe, expect, it } from 'vitest';
import type { Lease, Outcome } from '../../src/pool/lease.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { healthyTable, planOf, poolOn } from './stage.ts';

/** Two workers' views of a pool of three, on a clock that is moved by hand. */
function stage(algorithm: 'peak-ewma' | 'prequal' | 'round-robin' = 'peak-ewma') {
  const clock = { ms: 5_000_000_000 };
  const table = healthyTable(3);
  const plan = planOf(3, { algorithm });
  const [here, there] = [0, 1].map((lane) => poolOn(table, plan, lane, () => clock.ms).pool) as [Pool, Pool];
  return { clock, table, here, there, plan };
}

function take(pool: Pool, except: readonly string[] = []): Lease {
  const avoid = new Set(pool.backends.filter(({ id }) => except.includes(id)));
  const acquired = pool.acquire({}, avoid);
  if (!acquired.ok) throw new Error(acquired.refusal);
  return acquired.lease;
}

/** One lease on this backend that is answered after `us`, or fails then. */
function answer({ here, clock }: ReturnType<typeof stage>, id: string, us: number, outcome: Outcome = 'served'): void {
  const lease = take(
    here,
    ['b0', 'b1', 'b2'].filter((other) => other !== id),
  );
  clock.ms += us / 1000;
  if (outcome === 'served') lease.answered(us);
  lease.release(outcome);
}

const latencies = (pool: Pool): number[] => pool.backends.map(({ latencyUs }) => Math.round(latencyUs));

describe('latency in a pool', () => {
  it('is measured in microseconds, and seen by every worker', () => {
    const on = stage();
    answer(on, 'b0', 300);
    answer(on, 'b1', 700);
    expect(latencies(on.there)).toEqual([300, 700, 0]);
  });

  it('is not measured where the algorithm does not go by it', () => {
    const on = stage('round-robin');
    answer(on, 'b0', 300);
    expect(latencies(on.here)).toEqual([0, 0, 0]);
    expect(on.table.latencyUs(0, 0)).toBe(0);
  });

  it('grows while a lease waits, for all workers, and stops to when it is answered', () => {
    const on = stage();
    for (const id of ['b0', 'b1', 'b2']) answer(on, id, 500);
    const waiting = take(on.here);
    on.clock.ms += 40;
    take(on.here).release('client-aborted');
    const index = on.here.backends.indexOf(waiting.backend);
    expect(latencies(on.there)[index]).toBe(40_000);
    waiting.answered(41_000);
    on.clock.ms += 60_000;
    take(on.here).release('client-aborted');
    expect(latencies(on.here)[index]).toBeLessThan(200);
    waiting.release('served');
  });

  it('forgets each of several that waited, in whatever order they were answered', () => {
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const on = stage();
      const leases = [0, 1, 2].map(() => take(on.here, ['b1', 'b2']));
      for (const index of order) leases[index]!.answered(500);
      on.clock.ms += 1000;
      on.here.acquire({});
      expect(latencies(on.here)[0]).toBeLessThan(501);
    }
  });

  it('fades while nobody asks', () => {
    const on = stage();
    answer(on, 'b0', 10_000);
    on.clock.ms += 10_000;
    answer(on, 'b1', 100);
    expect(latencies(on.here)[0]).toBeGreaterThan(3600);
    expect(latencies(on.here)[0]).toBeLessThan(3700);
  });

  it('takes a failure to be as slow as the slowest tenth, however fast it was', () => {
    const on = stage();
    answer(on, 'b0', 200);
    answer(on, 'b1', 3000);
    answer(on, 'b2', 50, 'backend-reset');
    expect(latencies(on.there)[2]).toBe(3000);
  });

  it('takes each further failure in a row to be twice as slow, up to 10 s', () => {
    const on = stage();
    answer(on, 'b0', 1000);
    for (const us of [1000, 2000, 4000]) {
      answer(on, 'b2', 50, 'backend-reset');
      expect(Math.abs(latencies(on.there)[2]! - us) / us).toBeLessThan(0.01);
      answer(on, 'b0', 1000);
    }
    for (let more = 0; more < 20; more++) answer(on, 'b2', 50, 'backend-reset');
    expect(latencies(on.there)[2]).toBe(10_000_000);
  });

  it('takes a failure to be slow when nothing else is known', () => {
    const on = stage();
    answer(on, 'b2', 50, 'connect-refused');
    expect(latencies(on.there)[2]).toBe(100_000);
  });

  it('counts what a time-out took', () => {
    const on = stage();
    answer(on, 'b0', 200);
    answer(on, 'b1', 2_000_000, 'backend-timeout');
    expect(latencies(on.there)[1]).toBe(2_000_000);
  });

  it('does not count how long an answer took to arrive that then broke', () => {
    const on = stage();
    answer(on, 'b0', 200);
    const lease = take(on.here, ['b0', 'b2']);
    lease.answered(300);
    on.clock.ms += 5000;
    lease.release('backend-reset');
    expect(latencies(on.there)[1]).toBeLessThanOrEqual(300);
  });

  it('holds nothing against a backend whose client left', () => {
    const on = stage();
    answer(on, 'b0', 200);
    answer(on, 'b0', 5000, 'client-aborted');
    expect(latencies(on.there)[0]).toBeLessThanOrEqual(200);
  });

  it('is kept by load, for prequal', () => {
    const on = stage('prequal');
    const only = ['b1', 'b2'];
    const leases = [take(on.here, only), take(on.here, only), take(on.here, only)];
    leases.forEach((lease, index) => {
      lease.answered(1000 * (index + 1));
    });
    const [backend] = on.there.backends;
    expect(backend!.latencyAtLoadUs).toBe(3000);
    leases[2]!.release('served');
    leases[1]!.release('served');
    expect(backend!.latencyAtLoadUs).toBe(2000);
    leases[0]!.release('served');
    expect(backend!.latencyAtLoadUs).toBe(1000);
  });

  it('does not seem fast because its first answer is still to come', () => {
    const on = stage();
    answer(on, 'b0', 20_000);
    const first = take(on.here, ['b0', 'b2']);
    on.clock.ms += 1;
    expect(latencies(on.here)[1]).toBe(0);
    on.clock.ms += 500;
    take(on.here).release('client-aborted');
    expect(latencies(on.here)[1]).toBe(501_000);
    first.release('client-aborted');
  });

  it('at a load is no slower than at a higher one, so that one slow answer does not stick to a load', () => {
    const on = stage('prequal');
    const only = ['b1', 'b2'];
    answer(on, 'b0', 90_000);
    const leases = [take(on.here, only), take(on.here, only), take(on.here, only)];
    leases[1]!.answered(20_000);
    for (const lease of leases) lease.release('served');
    expect(on.there.backends[0]!.latencyAtLoadUs).toBe(20_000);
  });

  it('takes the nearest band for a load that was never seen', () => {
    const on = stage('prequal');
    answer(on, 'b0', 1000);
    const leases = Array.from({ length: 9 }, () => take(on.here, ['b1', 'b2']));
    expect(on.there.backends[0]!.latencyAtLoadUs).toBe(1000);
    for (const lease of leases) lease.release('client-aborted');
  });

  it('starts at nothing for a new backend in an old slot', () => {
    const on = stage();
    answer(on, 'b0', 300);
    on.table.resetBackend(0);
    expect(latencies(on.here)).toEqual([0, 0, 0]);
  });

  it('begins and ends with a reload that changes the algorithm', () => {
    const on = stage('round-robin');
    on.here.reconcile(planOf(3, { algorithm: 'peak-ewma' }));
    answer(on, 'b0', 300);
    expect(latencies(on.here)[0]).toBe(300);
    on.here.reconcile(planOf(3));
    expect(latencies(on.here)[0]).toBe(0);
  });
});
