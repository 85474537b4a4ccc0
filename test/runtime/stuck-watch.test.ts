import { describe, expect, it } from 'vitest';
import { STUCK_MS, StuckWatch } from '../../src/runtime/stuck-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const beats = new Int32Array(2);
  const stuck: number[] = [];
  const watch = new StuckWatch({ beats, clock, onStuck: (lane) => stuck.push(lane) });
  /** Lets time pass in steps in which these workers go on. */
  const pass = async (ms: number, ...going: number[]): Promise<void> => {
    for (let t = 0; t < ms; t += 500) {
      for (const lane of going) beats[lane]! += 1;
      await clock.advance(500);
    }
  };
  return { clock, stuck, watch, pass };
}

describe('a worker whose event loop stands still', () => {
  it('is found, once for each time, and others are not', async () => {
    const { stuck, pass } = setUp();
    await pass(3 * STUCK_MS, 0, 1);
    await pass(STUCK_MS - 2000, 0);
    expect(stuck).toEqual([]);
    await pass(3000, 0);
    expect(stuck).toEqual([1]);
    await pass(STUCK_MS - 2000, 0);
    expect(stuck).toEqual([1]);
    await pass(3000, 0);
    expect(stuck).toEqual([1, 1]);
  });

  it('is no matter while the whole process stands still', () => {
    const clock = { ms: 0, look: (): void => {} };
    const stuck: number[] = [];
    new StuckWatch({
      beats: new Int32Array(1),
      clock: {
        now: () => clock.ms,
        setTimeout: (fn) => {
          clock.look = fn;
          return { unref: () => {} };
        },
        clearTimeout: () => {},
      },
      onStuck: (lane) => stuck.push(lane),
    });
    for (const ms of [1000, 2000, 500_000, 501_000, 502_000]) {
      clock.ms = ms;
      clock.look();
    }
    expect(stuck).toEqual([]);
    for (let ms = 503_000; ms <= 510_000; ms += 1000) {
      clock.ms = ms;
      clock.look();
    }
    expect(stuck).toEqual([0]);
  });

  it('is not looked for after the end', () => {
    const { clock, watch } = setUp();
    watch.stop();
    expect(clock.pending).toBe(0);
  });
});
