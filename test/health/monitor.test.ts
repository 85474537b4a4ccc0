import { describe, expect, test } from 'vitest';
import { HealthMonitor } from '../../src/health/monitor.ts';
import { LocalShortage } from '../../src/health/probe.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { refused, targetAt, tcpPolicy, watchLab } from './watch-lab.ts';

const key = 'pool/1';

describe('one backend', () => {
  test('is probed at once, then an interval after each start', async () => {
    const { monitor, clock, startsOf } = watchLab();
    monitor.set([targetAt(1)]);
    expect(startsOf(1)).toEqual([0]);
    await clock.advance(6_000);
    expect(startsOf(1)).toEqual([0, 2_000, 4_000, 6_000]);
  });

  test('is unknown, then what the first result says', async () => {
    const { monitor, clock, log } = watchLab();
    monitor.set([targetAt(1)]);
    expect(monitor.state(key)).toEqual({ status: 'unknown', streak: 0, reason: 'not probed yet', at: 0 });
    await clock.advance(0);
    expect(monitor.state(key)).toEqual({ status: 'up', streak: 0, reason: 'tcp check passed', at: 0 });
    expect(log).toEqual(['0 pool/1 ok: tcp check passed', '0 pool/1 unknown → up: tcp check passed']);
    expect(monitor.state('pool/2')).toBeUndefined();
  });

  test('goes down after fall failures and comes up after rise successes, each told once', async () => {
    const { monitor, clock, behaviours, changes } = watchLab();
    monitor.set([targetAt(1)]);
    await clock.advance(1_000);
    behaviours.set(1, refused);
    await clock.advance(4_000);
    expect(monitor.state(key)).toEqual({
      status: 'up',
      streak: 2,
      reason: 'falling: 2 of 3 checks failed: connection refused',
      at: 0,
    });
    await clock.advance(4_000);
    expect(monitor.state(key)).toEqual({ status: 'down', streak: 0, reason: 'connection refused', at: 6_000 });
    behaviours.delete(1);
    await clock.advance(2_000);
    expect(monitor.state(key)?.reason).toBe('rising: 1 of 2 checks passed');
    await clock.advance(2_000);
    expect(monitor.state(key)).toEqual({ status: 'up', streak: 0, reason: 'tcp check passed', at: 12_000 });
    expect(changes()).toEqual([
      '0 pool/1 unknown → up: tcp check passed',
      '6000 pool/1 up → down: connection refused',
      '12000 pool/1 down → up: tcp check passed',
    ]);
  });

  test('is asked at its address, on the port and in the way of its policy', async () => {
    const { monitor, calls } = watchLab();
    const policy = { ...tcpPolicy({ port: 81 }), type: 'http', path: '/', status: [[200, 399]], body: '' } as const;
    monitor.set([targetAt(1, policy)]);
    const [{ to, policy: asked }] = calls as [(typeof calls)[0]];
    expect(to).toEqual({ address: { kind: 'tcp', host: '127.0.0.1', port: 1 }, port: 81 });
    expect(asked).toBe(policy);
    await new FakeClock().advance(0);
    expect(monitor.state(key)?.reason).toBe('http check passed');
  });

  test('that does not answer fails when the timeout is over, and leaves no timer but the next start', async () => {
    const { monitor, clock, behaviours, calls } = watchLab();
    behaviours.set(1, { hangs: true });
    monitor.set([targetAt(1, tcpPolicy({ timeout: 1_500 }))]);
    await clock.advance(1_499);
    expect(monitor.state(key)?.status).toBe('unknown');
    await clock.advance(1);
    expect(monitor.state(key)).toMatchObject({ status: 'down', reason: 'no answer within 1500ms', at: 1_500 });
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(clock.pending).toBe(1);
  });

  test('that is slow is never probed twice at once, and again as soon as it is through', async () => {
    const { monitor, clock, behaviours, startsOf, underWay } = watchLab();
    behaviours.set(1, { afterMs: 500 });
    monitor.set([targetAt(1, tcpPolicy({ interval: 300 }))]);
    for (let ms = 0; ms < 2_000; ms += 50) {
      expect(underWay()).toBeLessThanOrEqual(1);
      await clock.advance(50);
    }
    expect(startsOf(1)).toEqual([0, 500, 1_000, 1_500, 2_000]);
  });

  test('keeps its verdict when the trouble is on our side', async () => {
    const { monitor, clock, behaviours, log, startsOf } = watchLab();
    monitor.set([targetAt(1, tcpPolicy({ fall: 1 }))]);
    await clock.advance(0);
    log.length = 0;
    behaviours.set(1, { fails: new LocalShortage('too many open files here') });
    await clock.advance(4_000);
    expect(monitor.state(key)).toEqual({ status: 'up', streak: 0, reason: 'too many open files here', at: 0 });
    expect(log).toEqual([]);
    expect(startsOf(1)).toEqual([0, 2_000, 4_000]);
  });

  test('of which nothing is known is down even if the trouble is on our side', async () => {
    const { monitor, clock, behaviours, log } = watchLab();
    behaviours.set(1, { fails: new LocalShortage('no local address or port to connect from') });
    monitor.set([targetAt(1)]);
    await clock.advance(0);
    expect(monitor.state(key)?.status).toBe('down');
    expect(log).toHaveLength(2);
  });
});

describe('where checks are off', () => {
  const off = targetAt(1, { type: 'off' });

  test('a backend is up, told before set returns, and never probed', async () => {
    const { monitor, clock, changes, calls } = watchLab();
    monitor.set([off]);
    expect(changes()).toEqual(['0 pool/1 unknown → up: health checks are off']);
    expect(monitor.state(key)).toEqual({ status: 'up', streak: 0, reason: 'health checks are off', at: 0 });
    monitor.hurry(key);
    await clock.advance(10_000);
    expect(calls).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('a backend that was down comes up; one that was up stays up without a word', async () => {
    const { monitor, clock, behaviours, changes } = watchLab();
    behaviours.set(1, refused);
    monitor.set([targetAt(1), targetAt(2)]);
    await clock.advance(500);
    monitor.set([off, targetAt(2, { type: 'off' })]);
    expect(changes().slice(2)).toEqual(['500 pool/1 down → up: health checks are off']);
    expect(monitor.state(key)?.at).toBe(500);
    expect(monitor.state('pool/2')).toMatchObject({ at: 0, reason: 'health checks are off' });
    expect(clock.pending).toBe(0);
  });

  test('turning them on leaves it up until results say otherwise', async () => {
    const { monitor, clock, behaviours, changes } = watchLab();
    monitor.set([off]);
    behaviours.set(1, refused);
    monitor.set([targetAt(1)]);
    await clock.advance(3_999);
    expect(monitor.state(key)?.status).toBe('up');
    await clock.advance(1);
    expect(changes().slice(1)).toEqual(['4000 pool/1 up → down: connection refused']);
  });
});

describe('a new list', () => {
  test('leaves what is as before alone: verdict, streak and timers', async () => {
    const { monitor, clock, behaviours, startsOf } = watchLab();
    monitor.set([targetAt(1)]);
    await clock.advance(1_000);
    behaviours.set(1, refused);
    await clock.advance(1_500);
    monitor.set([targetAt(1), targetAt(2)]);
    await clock.advance(2_000);
    expect(startsOf(1)).toEqual([0, 2_000, 4_000]);
    expect(startsOf(2)).toEqual([2_500, 4_500]);
    expect(monitor.state(key)?.streak).toBe(2);
  });

  test('stops what is gone, under way or waiting, without a result', async () => {
    const { monitor, clock, behaviours, calls, log } = watchLab();
    behaviours.set(1, { hangs: true });
    monitor.set([targetAt(1), targetAt(2)]);
    await clock.advance(500);
    log.length = 0;
    monitor.set([]);
    expect(calls[0]?.signal.reason).toEqual(new Error('no longer watched'));
    await clock.advance(10_000);
    expect(log).toEqual([]);
    expect(calls).toHaveLength(2);
    expect(monitor.state(key)).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('a backend that comes back starts anew, whatever its old probe still does', async () => {
    const { monitor, clock, behaviours, changes } = watchLab();
    behaviours.set(1, { hangs: true });
    monitor.set([targetAt(1)]);
    monitor.set([]);
    behaviours.delete(1);
    monitor.set([targetAt(1)]);
    await clock.advance(1_500);
    expect(changes()).toEqual(['0 pool/1 unknown → up: tcp check passed']);
  });

  test('a changed policy keeps the verdict, drops the streak, and is tried at once', async () => {
    const { monitor, clock, behaviours, startsOf, changes } = watchLab();
    monitor.set([targetAt(1)]);
    await clock.advance(1_000);
    behaviours.set(1, refused);
    await clock.advance(1_500);
    monitor.set([targetAt(1, tcpPolicy({ fall: 2 }))]);
    expect(monitor.state(key)).toMatchObject({ status: 'up', streak: 0, at: 0 });
    expect(startsOf(1)).toEqual([0, 2_000, 2_500]);
    await clock.advance(2_000);
    expect(startsOf(1)).toEqual([0, 2_000, 2_500, 4_500]);
    expect(changes().slice(1)).toEqual(['4500 pool/1 up → down: connection refused']);
  });

  test('a changed address is another backend, of which nothing is known', async () => {
    const { monitor, clock, behaviours, changes } = watchLab();
    behaviours.set(1, refused);
    monitor.set([targetAt(1)]);
    await clock.advance(100);
    monitor.set([{ ...targetAt(2), key }]);
    expect(monitor.state(key)).toEqual({ status: 'unknown', streak: 0, reason: 'not probed yet', at: 100 });
    await clock.advance(0);
    expect(changes().slice(1)).toEqual(['100 pool/1 unknown → up: tcp check passed']);
  });

  test('two pools may look at one address in different ways', async () => {
    const { monitor, clock, calls } = watchLab();
    const a = { ...targetAt(1, tcpPolicy({ interval: 1_000 })), key: 'a/1' };
    monitor.set([a, { ...targetAt(1), key: 'b/1' }]);
    await clock.advance(2_000);
    expect(calls.map(({ policy }) => policy.interval).sort()).toEqual([1_000, 1_000, 1_000, 2_000, 2_000]);
  });

  test('with one key twice is refused, and changes nothing', () => {
    const { monitor } = watchLab();
    monitor.set([targetAt(1)]);
    expect(() => monitor.set([targetAt(2), targetAt(2)])).toThrow('two health targets have one key');
    expect(monitor.state(key)).toBeDefined();
  });
});

describe('settled', () => {
  const isSettled = async (promise: Promise<void>) => {
    let settled = false;
    void promise.then(() => (settled = true));
    await new FakeClock().advance(0);
    return settled;
  };

  test('is there at once when there is nothing to wait for', async () => {
    const { monitor, clock } = watchLab();
    expect(await isSettled(monitor.settled())).toBe(true);
    monitor.set([targetAt(1, { type: 'off' })]);
    expect(await isSettled(monitor.settled())).toBe(true);
    expect(await isSettled(monitor.settled(['pool/9']))).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('waits for the first result of each, good or bad, and no longer', async () => {
    const { monitor, clock, behaviours } = watchLab();
    behaviours.set(1, { afterMs: 300, ...refused });
    behaviours.set(2, { afterMs: 200 });
    monitor.set([targetAt(1), targetAt(2)]);
    const [all, second] = [monitor.settled(), monitor.settled(['pool/2'])];
    await clock.advance(200);
    expect(await isSettled(second)).toBe(true);
    expect(await isSettled(all)).toBe(false);
    await clock.advance(100);
    expect(await isSettled(all)).toBe(true);
    expect(await isSettled(monitor.settled())).toBe(true);
    expect(clock.pending).toBe(2);
  });

  test('has the verdicts of those that hang, when the longest timeout is over', async () => {
    const { monitor, clock, behaviours } = watchLab();
    behaviours.set(1, { hangs: true });
    behaviours.set(2, { hangs: true });
    monitor.set([targetAt(1), targetAt(2, tcpPolicy({ timeout: 1_500 }))]);
    const seen = monitor.settled().then(() => [monitor.state(key)?.status, monitor.state('pool/2')?.status]);
    await clock.advance(1_500);
    expect(await seen).toEqual(['down', 'down']);
  });

  test('does not wait for what is removed or no longer checked', async () => {
    const { monitor, behaviours, clock } = watchLab();
    behaviours.set(1, { hangs: true });
    behaviours.set(2, { hangs: true });
    monitor.set([targetAt(1), targetAt(2)]);
    const settled = monitor.settled();
    monitor.set([targetAt(1)]);
    expect(await isSettled(settled)).toBe(false);
    monitor.set([targetAt(1, { type: 'off' })]);
    expect(await isSettled(settled)).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('lasts no longer than the timeout though some wait behind others', async () => {
    const { monitor, clock, behaviours } = watchLab();
    const targets = Array.from({ length: 100 }, (_, port) => targetAt(port));
    for (const { port } of targets.map(({ address }) => address as { port: number }))
      behaviours.set(port, { hangs: true });
    monitor.set(targets);
    const settled = monitor.settled();
    await clock.advance(999);
    expect(await isSettled(settled)).toBe(false);
    await clock.advance(1);
    expect(await isSettled(settled)).toBe(true);
    expect(monitor.state('pool/99')?.status).toBe('unknown');
  });
});

describe('close', () => {
  test('stops everything for good and lets waiters go', async () => {
    const { monitor, clock, behaviours, calls } = watchLab();
    behaviours.set(1, { hangs: true });
    monitor.set([targetAt(1), targetAt(2)]);
    const settled = monitor.settled();
    monitor.close();
    await settled;
    monitor.set([targetAt(3)]);
    monitor.hurry(key);
    await clock.advance(10_000);
    expect(calls).toHaveLength(2);
    expect(calls.every(({ port, signal }) => signal.aborted === (port === 1) || port === 2)).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('callbacks may call back', () => {
  const base = (onResult: () => void, onChange: () => void) => {
    const clock = new FakeClock();
    const probeFor = () => ({ check: async () => undefined });
    return { clock, monitor: new HealthMonitor({ clock, random: () => 0.5, probeFor, onChange, onResult }) };
  };

  test('a backend dropped while its result is told changes no more', async () => {
    let changes = 0;
    const { monitor, clock } = base(
      () => monitor.set([]),
      () => changes++,
    );
    monitor.set([targetAt(1)]);
    await clock.advance(0);
    expect(changes).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('a list set while a change is told takes effect', async () => {
    let changes = 0;
    const { monitor, clock } = base(
      () => undefined,
      () => {
        if (++changes === 1) monitor.set([targetAt(1), targetAt(2)]);
      },
    );
    monitor.set([targetAt(1)]);
    await clock.advance(0);
    expect(changes).toBe(2);
    expect(monitor.state('pool/2')?.status).toBe('up');
  });
});
