import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LocalShortage } from '../../src/health/probe.ts';
import { type Behaviour, refused, targetAt, tcpPolicy, watchLab } from './watch-lab.ts';

const key = 'pool/1';

/** A lab with one backend that is up, 1 s after its latest probe. */
async function upAtOneSecond(policy = tcpPolicy(), random?: () => number) {
  const lab = watchLab(random && { random });
  lab.monitor.set([targetAt(1, policy)]);
  await lab.clock.advance(1_000);
  return lab;
}

describe('hurry', () => {
  test('probes now, and one success settles it: back to the interval', async () => {
    const { monitor, clock, startsOf } = await upAtOneSecond();
    monitor.hurry(key);
    expect(startsOf(1)).toEqual([0, 1_000]);
    await clock.advance(4_000);
    expect(startsOf(1)).toEqual([0, 1_000, 3_000, 5_000]);
  });

  test('takes a dead backend down within fall short steps, then probes at the interval again', async () => {
    const { monitor, clock, behaviours, startsOf, changes } = await upAtOneSecond();
    behaviours.set(1, refused);
    monitor.hurry(key);
    await clock.advance(4_500);
    expect(startsOf(1)).toEqual([0, 1_000, 1_100, 1_300, 3_300, 5_300]);
    expect(changes().at(-1)).toBe('1300 pool/1 up → down: connection refused');
  });

  test('doubles its steps up to the interval, then falls back to it', async () => {
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond(tcpPolicy({ fall: 99 }));
    behaviours.set(1, refused);
    monitor.hurry(key);
    await clock.advance(8_200);
    const gaps = startsOf(1).map((at, i, all) => at - (all[i - 1] ?? 0));
    expect(gaps).toEqual([0, 1_000, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
  });

  test('a step as long as the interval is an interval, with its jitter', async () => {
    const policy = tcpPolicy({ fall: 99, interval: 1_600 });
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond(policy, () => 0.75);
    behaviours.set(1, refused);
    monitor.hurry(key);
    await clock.advance(5_000);
    const gaps = startsOf(1).map((at, i, all) => at - (all[i - 1] ?? 0));
    expect(gaps).toEqual([0, 1_000, 100, 200, 400, 800, 1_680, 1_680]);
  });

  test('a success in the row ends it', async () => {
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond();
    behaviours.set(1, refused);
    monitor.hurry(key);
    await clock.advance(150);
    behaviours.delete(1);
    await clock.advance(4_000);
    expect(startsOf(1)).toEqual([0, 1_000, 1_100, 1_300, 3_300]);
  });

  test('more news while it hurries changes nothing', async () => {
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond(tcpPolicy({ fall: 5 }));
    behaviours.set(1, refused);
    for (let ms = 0; ms < 1_600; ms += 10) {
      monitor.hurry(key);
      await clock.advance(10);
    }
    expect(startsOf(1).slice(0, 6)).toEqual([0, 1_000, 1_100, 1_300, 1_700, 2_500]);
  });

  test('a storm over a backend that answers is at most ten probes a second', async () => {
    const { monitor, clock, calls } = await upAtOneSecond();
    for (let ms = 0; ms < 1_000; ms += 5) {
      monitor.hurry(key);
      monitor.hurry(key);
      await clock.advance(5);
    }
    expect(calls.map(({ at }) => at)).toEqual([0, ...Array.from({ length: 11 }, (_, turn) => 1_000 + 100 * turn)]);
  });

  test('right after a probe it waits until 100 ms after that, or the interval if shorter', async () => {
    for (const [interval, starts] of [
      [2_000, [0, 100]],
      [60, [0, 60]],
    ] as const) {
      const { monitor, clock, startsOf } = watchLab();
      monitor.set([targetAt(1, tcpPolicy({ interval }))]);
      await clock.advance(20);
      monitor.hurry(key);
      await clock.advance(80);
      expect(startsOf(1)).toEqual(starts);
    }
  });

  test('news during a probe outruns it: its success settles nothing, the next one does', async () => {
    const { monitor, clock, behaviours, startsOf } = watchLab();
    behaviours.set(1, { afterMs: 50 });
    monitor.set([targetAt(1)]);
    await clock.advance(20);
    monitor.hurry(key);
    expect(startsOf(1)).toEqual([0]);
    await clock.advance(4_080);
    expect(startsOf(1)).toEqual([0, 100, 2_100, 4_100]);
  });

  test('news during a slow probe waits for its end', async () => {
    const { monitor, clock, behaviours, startsOf, underWay } = watchLab();
    behaviours.set(1, { afterMs: 150 });
    monitor.set([targetAt(1)]);
    await clock.advance(20);
    monitor.hurry(key);
    await clock.advance(110);
    expect(underWay()).toBe(1);
    await clock.advance(2_070);
    expect(startsOf(1)).toEqual([0, 150, 2_150]);
  });

  test('news during a hurried probe asks for one more look', async () => {
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond();
    behaviours.set(1, { afterMs: 50 });
    monitor.hurry(key);
    await clock.advance(20);
    monitor.hurry(key);
    await clock.advance(4_000);
    expect(startsOf(1)).toEqual([0, 1_000, 1_100, 3_100]);
  });

  test('during a probe that takes the backend down, the news is answered', async () => {
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond(tcpPolicy({ fall: 1 }));
    behaviours.set(1, { afterMs: 50, ...refused });
    await clock.advance(1_020);
    monitor.hurry(key);
    await clock.advance(2_500);
    expect(startsOf(1)).toEqual([0, 2_000, 4_000]);
  });

  test('on a backend that is down it looks sooner, and ends by itself', async () => {
    const { monitor, clock, behaviours, startsOf } = watchLab();
    behaviours.set(1, refused);
    monitor.set([targetAt(1, tcpPolicy({ interval: 400, timeout: 100 }))]);
    await clock.advance(150);
    monitor.hurry(key);
    await clock.advance(1_800);
    expect(startsOf(1)).toEqual([0, 150, 250, 450, 850, 1_250, 1_650]);
  });

  test('a shortage of our own is no answer to the news', async () => {
    const { monitor, clock, behaviours, startsOf } = await upAtOneSecond();
    behaviours.set(1, { fails: new LocalShortage('too many open files here') });
    monitor.hurry(key);
    await clock.advance(1_000);
    expect(startsOf(1)).toEqual([0, 1_000, 1_100, 1_300, 1_700]);
  });

  test('a slow probe is not started twice by the news', async () => {
    const { monitor, clock, behaviours, underWay } = await upAtOneSecond();
    behaviours.set(1, { hangs: true });
    for (let ms = 0; ms < 5_000; ms += 25) {
      monitor.hurry(key);
      await clock.advance(25);
      expect(underWay()).toBeLessThanOrEqual(1);
    }
  });

  test('an unknown or removed key is no error', async () => {
    const { monitor, clock, calls } = await upAtOneSecond();
    monitor.hurry('pool/9');
    monitor.set([]);
    monitor.hurry(key);
    await clock.advance(1_000);
    expect(calls).toHaveLength(1);
  });
});

describe('properties of any play of news, lists, behaviours and time', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 900 }) }),
    fc.record({ kind: fc.constant('hurry' as const), port: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constant('list' as const),
      ports: fc.subarray([1, 2, 3]),
      fall: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      kind: fc.constant('turn' as const),
      port: fc.integer({ min: 1, max: 3 }),
      into: fc.constantFrom<Behaviour>({}, refused, { hangs: true }, { afterMs: 130 }, { afterMs: 400, ...refused }),
    }),
  );

  test('no overlap, no storm, changes that follow each other, and nothing left after close', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { monitor, clock, behaviours, calls, changes } = watchLab();
        const policy = (fall: number) => tcpPolicy({ fall, interval: 1_000, timeout: 600 });
        monitor.set([1, 2, 3].map((port) => targetAt(port, policy(2))));
        for (const move of steps) {
          if (move.kind === 'wait') await clock.advance(move.ms);
          if (move.kind === 'hurry') monitor.hurry(`pool/${move.port}`);
          if (move.kind === 'list') monitor.set(move.ports.map((port) => targetAt(port, policy(move.fall))));
          if (move.kind === 'turn') behaviours.set(move.port, move.into);
          for (const port of [1, 2, 3]) {
            const alive = calls.filter((call) => call.port === port && !call.over && !call.signal.aborted);
            expect(alive.length).toBeLessThanOrEqual(1);
          }
        }
        for (const line of changes()) expect(line).toMatch(/ (unknown|down) → up: | (unknown|up) → down: /);
        monitor.close();
        await clock.advance(0);
        expect(clock.pending).toBe(0);
        expect(calls.every(({ over }) => over)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
