import { describe, expect, it } from 'vitest';
import { latencyCell } from '../../src/observe/latency.ts';
import { LatencyWindow } from '../../src/observe/latency-window.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { createMeterMemory, Meters } from '../../src/observe/meters.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { UnrefClock } from './records.ts';

function setUp() {
  const memory = createMeterMemory({ lanes: 2 });
  const reader = new MeterReader(memory);
  const workers = [0, 1].map((n) => new Meters(memory, n, (claim) => reader.add(n, claim)));
  const clock = new FakeClock();
  const window = new LatencyWindow(reader, clock);
  const observe = (backend: string, ms: number, times = 1, worker = 0): void => {
    const recorder = workers[worker]!.latency({ pool: 'web', backend });
    for (let n = 0; n < times; n++) recorder.observe(ms * 1000);
  };
  return { clock, window, observe };
}

const nothing = { p50: null, p99: null };

/** Whether a figure in ms is in the bucket of the latency it must be near to. */
function isAbout(found: number | null, ms: number): boolean {
  return found !== null && latencyCell(found * 1000) === latencyCell(ms * 1000);
}

describe('LatencyWindow', () => {
  it('gives the percentiles of a backend over all workers, in ms with µs precision', () => {
    const { window, observe } = setUp();
    window.start();
    observe('a', 2, 60, 0);
    observe('a', 40, 40, 1);
    observe('b', 0.1);
    const { p50, p99 } = window.percentiles('web', 'a');
    expect([isAbout(p50, 2), isAbout(p99, 40)]).toEqual([true, true]);
    expect(p50).toBe(Math.round(p50! * 1000) / 1000);
    expect(isAbout(window.percentiles('web', 'b').p50, 0.1)).toBe(true);
    window.stop();
  });

  it('knows nothing of a backend that was never used', () => {
    const { window, observe } = setUp();
    observe('a', 2);
    expect(window.percentiles('web', 'b')).toEqual(nothing);
    expect(window.percentiles('api', 'a')).toEqual(nothing);
  });

  it('covers everything before it is started, and nothing of it after', () => {
    const { window, observe } = setUp();
    observe('a', 0);
    observe('a', 2);
    expect(isAbout(window.percentiles('web', 'a').p99, 2)).toBe(true);
    window.start();
    expect(window.percentiles('web', 'a')).toEqual(nothing);
    observe('a', 300);
    expect(isAbout(window.percentiles('web', 'a').p50, 300)).toBe(true);
    window.stop();
  });

  it('forgets what is more than a minute old, and remembers what is less than 50 s old', async () => {
    const { clock, window, observe } = setUp();
    window.start();
    await clock.advance(9_999);
    observe('a', 2, 100);
    await clock.advance(49_999);
    expect(isAbout(window.percentiles('web', 'a').p50, 2)).toBe(true);
    await clock.advance(10_003);
    expect(window.percentiles('web', 'a')).toEqual(nothing);
    observe('a', 500);
    expect(isAbout(window.percentiles('web', 'a').p50, 500)).toBe(true);
    window.stop();
  });

  it('moves on in steps of 10 s', async () => {
    const { clock, window, observe } = setUp();
    window.start();
    for (const ms of [1, 10, 100]) {
      observe('a', ms, ms === 1 ? 98 : 1);
      await clock.advance(10_000);
    }
    const medians: boolean[] = [];
    for (let step = 0; step < 3; step++) {
      const { p50 } = window.percentiles('web', 'a');
      medians.push(isAbout(p50, 1));
      await clock.advance(10_000);
    }
    expect(medians).toEqual([true, true, true]);
    expect(isAbout(window.percentiles('web', 'a').p50, 1)).toBe(false);
    expect(isAbout(window.percentiles('web', 'a').p99, 100)).toBe(true);
    window.stop();
  });

  it('counts all of a backend that came later than the oldest snapshot', async () => {
    const { clock, window, observe } = setUp();
    window.start();
    await clock.advance(25_000);
    observe('new', 7, 3);
    await clock.advance(10_000);
    expect(isAbout(window.percentiles('web', 'new').p50, 7)).toBe(true);
    window.stop();
  });

  it('keeps one timer while it runs, however often started, and none when stopped', async () => {
    const { clock, window } = setUp();
    expect(clock.pending).toBe(0);
    window.start();
    window.start();
    expect([clock.pending, clock.nextInMs]).toEqual([1, 10_000]);
    await clock.advance(120_000);
    expect(clock.pending).toBe(1);
    window.stop();
    window.stop();
    expect(clock.pending).toBe(0);
  });

  it('does not keep a process alive', () => {
    const clock = new UnrefClock();
    const window = new LatencyWindow(new MeterReader(createMeterMemory({ lanes: 1 })), clock);
    window.start();
    expect([clock.pending, clock.holding]).toEqual([1, 0]);
  });

  it('begins anew when started again', async () => {
    const { clock, window, observe } = setUp();
    window.start();
    observe('a', 2);
    await clock.advance(20_000);
    window.start();
    expect(window.percentiles('web', 'a')).toEqual(nothing);
    window.stop();
  });
});
