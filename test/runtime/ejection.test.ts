import { expect, it } from 'vitest';
import { Health, SharedTable } from '../../src/pool/table.ts';
import { HealthKeeper, type Transition } from '../../src/runtime/health-keeper.ts';
import type { PlannedBackend } from '../../src/runtime/plan.ts';
import type { Resolver } from '../../src/support/resolve.ts';
import { configOf, yaml } from '../config/loading.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('ejects for longer each time, brings back on trial, and forgets after a good time', async () => {
  const clock = new FakeClock(1_000_000);
  const table = new SharedTable({ backends: 4, pools: 1, splits: 1, listeners: 1, lanes: 1 });
  const told: Transition[] = [];
  const keeper = new HealthKeeper({
    table,
    clock,
    resolver: {} as Resolver,
    version: '0',
    reader: { read: () => undefined, sum: () => [] },
    random: () => 0.5,
    tlsOf: () => undefined,
    onTransition: (transition) => told.push(transition),
  });
  const text = yaml({ pool: 'health: { type: off }, eject: { failures: 3, for: 10s }' });
  const policy = (await configOf(text)).pools['app']!;
  const backends = [0, 1].map((slot): PlannedBackend => {
    table.setWeight(slot, 1);
    const config = { ...policy.backends[0]!, id: `b${slot}` };
    return { slot, fresh: true, pool: 'app', poolNumber: 0, config, policy };
  });
  await keeper.watch(backends);
  expect(table.health(0)).toBe(Health.up);
  const fail = (times: number): void => {
    for (let time = 0; time < times; time++) table.countFailure(0);
    keeper.trouble({ slot: 0, kind: 'failing' });
  };

  fail(2);
  expect(table.ejected(0)).toBe(false);
  fail(1);
  expect(table.ejected(0)).toBe(true);
  await clock.advance(9_999);
  expect(table.ejected(0)).toBe(true);
  await clock.advance(1);
  expect(table.ejected(0)).toBe(false);

  // On trial: one more failure is enough, and it is out for twice as long.
  fail(1);
  expect(table.ejected(0)).toBe(true);
  await clock.advance(19_999);
  expect(table.ejected(0)).toBe(true);
  await clock.advance(1);
  expect(table.ejected(0)).toBe(false);

  // A success ends the trial.
  table.endStreak(0);
  fail(2);
  expect(table.ejected(0)).toBe(false);
  table.endStreak(0);

  // After a good time it is the first time again.
  await clock.advance(100_001);
  fail(3);
  await clock.advance(10_000);
  expect(table.ejected(0)).toBe(false);
  expect(told.filter(({ backend, to }) => backend === 'b0' && to === 'ejected')).toHaveLength(3);
  keeper.close();
});
