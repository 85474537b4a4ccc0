import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/support/clock.ts';
import { FakeClock } from './fake-clock.ts';

describe('the system clock', () => {
  test('goes forward, in milliseconds', async () => {
    const before = systemClock.now();
    await sleep(20);
    const passedMs = systemClock.now() - before;
    expect(passedMs).toBeGreaterThanOrEqual(19);
    expect(passedMs).toBeLessThan(5_000);
  });

  test('fires a timer once its time has come, and not one that was cancelled', async () => {
    const fired: string[] = [];
    const cancelled = systemClock.setTimeout(() => fired.push('cancelled'), 1);
    const kept = Promise.withResolvers<void>();
    const handle = systemClock.setTimeout(() => kept.resolve(), 10);
    systemClock.clearTimeout(cancelled);
    expect(fired).toEqual([]);
    await kept.promise;
    systemClock.clearTimeout(handle);
    expect(fired).toEqual([]);
  });

  test('a delay beyond 31 bits is long, not none', async () => {
    let fired = false;
    const handle = systemClock.setTimeout(() => (fired = true), 2 ** 40);
    handle.unref();
    await sleep(20);
    systemClock.clearTimeout(handle);
    expect(fired).toBe(false);
  });
});

describe('the fake clock', () => {
  test('fires by due time, then by order of setting, at the due time', async () => {
    const clock = new FakeClock(1_000);
    const log: string[] = [];
    const note = (name: string) => () => log.push(`${name}@${clock.now()}`);
    clock.setTimeout(note('c'), 30);
    clock.setTimeout(note('a'), 10);
    clock.setTimeout(note('b'), 10);
    expect(clock.nextInMs).toBe(10);
    await clock.advance(29);
    expect(log).toEqual(['a@1010', 'b@1010']);
    expect(clock.now()).toBe(1_029);
    await clock.advance(1);
    expect(log).toEqual(['a@1010', 'b@1010', 'c@1030']);
    expect(clock.nextInMs).toBeUndefined();
  });

  test('fires timers that timers and promises set on the way', async () => {
    const clock = new FakeClock();
    const log: number[] = [];
    const again = (): void => {
      log.push(clock.now());
      if (log.length < 3) Promise.resolve().then(() => clock.setTimeout(again, 10));
    };
    clock.setTimeout(again, 10);
    await clock.advance(100);
    expect(log).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(100);
  });

  test('promises settle before the first timer and after the last', async () => {
    const clock = new FakeClock();
    const log: string[] = [];
    Promise.resolve().then(() => log.push('promise'));
    clock.setTimeout(() => {
      log.push('timer');
      Promise.resolve().then(() => log.push('after'));
    }, 0);
    await clock.advance(0);
    expect(log).toEqual(['promise', 'timer', 'after']);
  });

  test('a cancelled timer neither fires nor counts, whatever its delay', async () => {
    const clock = new FakeClock();
    let fired = 0;
    const handle = clock.setTimeout(() => fired++, -5);
    expect(clock.nextInMs).toBe(0);
    expect(clock.pending).toBe(1);
    clock.clearTimeout(handle);
    clock.clearTimeout(handle);
    expect(clock.pending).toBe(0);
    await clock.advance(10);
    expect(fired).toBe(0);
    expect(handle.unref()).toBe(handle);
  });

  test('a timer that sets itself again for no time at all is stopped', async () => {
    const clock = new FakeClock(7);
    const again = (): void => void clock.setTimeout(again, 0);
    again();
    await expect(clock.advance(1)).rejects.toThrow('timers keep falling due at 7 ms');
  });
});
