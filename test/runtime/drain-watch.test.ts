import { expect, it } from 'vitest';
import { DrainWatch } from '../../src/runtime/drain-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

function start() {
  const clock = new FakeClock();
  const active = new Map<string, number>();
  const told: string[] = [];
  const watch = new DrainWatch({
    clock,
    activeOf: ({ backend }) => active.get(backend),
    onLeft: ({ backend }, left) => told.push(`${backend}: ${left}`),
    onDrained: ({ backend }) => told.push(`${backend} is empty`),
  });
  return { clock, active, told, watch };
}

it('tells how many are left, and once that none are', async () => {
  const { clock, active, told, watch } = start();
  active.set('a', 2).set('b', 0);
  for (const backend of ['a', 'b', 'a']) watch.add({ pool: 'web', backend });
  await clock.advance(200);
  active.set('a', 1);
  await clock.advance(200);
  active.set('a', 0);
  await clock.advance(1000);
  expect(told).toEqual(['a: 2', 'b is empty', 'a: 1', 'a is empty']);
  expect(clock.pending).toBe(0);
});

it('forgets one that no longer drains, and everything when it is closed', async () => {
  const { clock, active, told, watch } = start();
  active.set('a', 2);
  watch.add({ pool: 'web', backend: 'a' });
  active.delete('a');
  await clock.advance(1000);
  expect([told, clock.pending]).toEqual([[], 0]);
  active.set('a', 2);
  watch.add({ pool: 'web', backend: 'a' });
  expect(clock.pending).toBe(1);
  watch.close();
  expect(clock.pending).toBe(0);
});
