import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../src/observe/latency-window.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { backendName, type Claim, createMeterMemory, Meters } from '../../src/observe/meters.ts';
import { TrafficMeter } from '../../src/observe/traffic-meter.ts';
import { FakeClock } from '../support/fake-clock.ts';

type Said = { readonly claim: Claim } | { readonly released: number[] };

/** Workers whose messages are read when `hear` is called, and the answers then too. */
function setUp(lanes = 1, cellsPerLane = 2048) {
  const memory = createMeterMemory({ lanes, cellsPerLane });
  const reader = new MeterReader(memory);
  const said: Said[][] = Array.from({ length: lanes }, () => []);
  const start = (lane: number) => new Meters(memory, lane, (claim) => said[lane]!.push({ claim }), reader.claims(lane));
  const workers = said.map((_, lane) => start(lane));
  const hear = (lane: number): void => {
    for (const message of said[lane]!.splice(0)) {
      if ('claim' in message) reader.add(lane, message.claim);
      else {
        reader.release(lane, message.released);
        workers[lane]!.reuse(message.released);
      }
    }
  };
  const keep = (lane: number, ...backends: string[]): void => {
    const released = workers[lane]!.keepBackends(new Set(backends.map((backend) => backendName('p', backend))));
    if (released.length > 0) said[lane]!.push({ released });
  };
  const pick = (lane: number, backend: string): number => {
    const cell = workers[lane]!.counter('backend_picks_total', { pool: 'p', backend });
    workers[lane]!.cells[cell]! += 1;
    return cell;
  };
  const restart = (lane: number): void => {
    said[lane]!.length = 0;
    workers[lane] = start(lane);
  };
  const picks = (): Record<string, number> =>
    Object.fromEntries(
      [...reader.sum('backend_picks_total')].map(({ labels, values }) => [labels['backend']!, values[0]!]),
    );
  return { memory, reader, workers, hear, keep, pick, restart, picks };
}

describe('cells of backends that have left', () => {
  it('go to the next series of the same meter, at 0, once they were read for the last time', () => {
    const { workers, hear, keep, pick, picks } = setUp();
    const cell = pick(0, 'a');
    pick(0, 'b');
    hear(0);
    keep(0, 'b');
    expect(pick(0, 'c')).not.toBe(cell);
    expect(picks()).toEqual({ a: 1, b: 1 });
    hear(0);
    expect(picks()).toEqual({ b: 1, c: 1 });
    expect(workers[0]!.counter('backend_failures_total', { pool: 'p', backend: 'd', reason: 'x' })).not.toBe(cell);
    expect(pick(0, 'd')).toBe(cell);
    hear(0);
    expect(picks()).toEqual({ b: 1, c: 1, d: 1 });
  });

  it('let a lane go on for ever, with as many backends at a time as it has room for', () => {
    const { workers, hear, keep, pick, picks } = setUp();
    const own: string[] = [];
    for (let n = 0; n < 500; n++) {
      pick(0, `b${n}`);
      workers[0]!.latency({ pool: 'p', backend: `b${n}` }).observe(10);
      workers[0]!.counter('connections_total', { listener: 'web' });
      hear(0);
      if (picks()[`b${n}`] === 1) own.push(`b${n}`);
      keep(0, `b${n - 1}`, `b${n}`);
      hear(0);
    }
    expect(own).toHaveLength(500);
    expect(picks()).toEqual({ b498: 1, b499: 1 });
  });

  it('do for those who had found no room', () => {
    const { workers, hear, keep, picks, pick } = setUp();
    const latency = (backend: string) => workers[0]!.latency({ pool: 'p', backend });
    for (let n = 0; n < 20; n++) latency(`b${n}`);
    hear(0);
    const before = workers[0]!.releases;
    keep(0, 'b19');
    hear(0);
    expect(workers[0]!.releases).toBeGreaterThan(before);
    latency('b19').observe(1);
    pick(0, 'b19');
    hear(0);
    expect(picks()).toEqual({ b19: 1 });
  });

  it('do not take others with them: no backend, no route, nothing that is shared', () => {
    const { workers, hear, keep, reader } = setUp();
    const [meters] = workers;
    const request = { listener: 'web', route: 'r', pool: 'p', code: '503' };
    for (const backend of ['', 'a', 'b'])
      meters!.cells[meters!.counter('requests_total', { ...request, backend })]! += 1;
    meters!.cells[meters!.counter('retries_total', { pool: 'p', reason: 'x' })]! += 1;
    keep(0, 'b');
    hear(0);
    const left = [...reader.sum('requests_total')].map(({ labels, values }) => [labels['backend'], values[0]]);
    expect(left).toEqual([
      ['', 1],
      ['b', 1],
    ]);
    expect([...reader.sum('retries_total')]).toHaveLength(1);
  });

  it('go on in the sums over all backends, and leave no gap in what is made of them', () => {
    const { workers, hear, keep, pick, reader } = setUp(2);
    const meter = new TrafficMeter(reader);
    const observe = (backend: string, ms: number) => workers[1]!.latency({ pool: 'p', backend }).observe(ms * 1000);
    for (const lane of [0, 1]) for (const backend of ['a', 'a', 'b']) pick(lane, backend);
    for (let n = 0; n < 9; n++) observe('a', 500);
    for (const lane of [0, 1]) hear(lane);
    meter.restart(0);
    keep(0, 'b');
    hear(0);
    keep(1, 'b');
    pick(0, 'b');
    observe('b', 10);
    for (const lane of [0, 1]) hear(lane);
    meter.read(1000);
    expect(meter.rate('pool-leases', 'p')).toEqual({ total: 7, perSecond: 1 });
    expect(meter.rate('backend-leases', 'p', 'a')).toEqual({ total: 0, perSecond: 0 });
    expect(meter.latency('p').p50).toBeLessThan(12);
  });

  it('of one that is back begin at 0, and its latency is that of now', () => {
    const { workers, hear, keep, reader } = setUp();
    const clock = new FakeClock();
    const window = new LatencyWindow(reader, clock);
    const observe = (ms: number) => workers[0]!.latency({ pool: 'p', backend: 'a' }).observe(ms * 1000);
    for (let n = 0; n < 9; n++) observe(500);
    hear(0);
    window.start();
    keep(0);
    hear(0);
    observe(10);
    hear(0);
    expect(window.percentiles('p', 'a').p99).toBeLessThan(12);
    window.stop();
  });

  it('are given up again by the worker that replaces one which died before it was heard', () => {
    const { workers, hear, keep, pick, picks, restart } = setUp();
    const cell = pick(0, 'a');
    hear(0);
    keep(0);
    restart(0);
    expect(picks()).toEqual({ a: 1 });
    expect(pick(0, 'b')).not.toBe(cell);
    keep(0, 'b');
    hear(0);
    expect(picks()).toEqual({ b: 1 });
    restart(0);
    expect(pick(0, 'c')).toBe(cell);
    // What the former one was told is not for this one.
    workers[0]!.reuse([cell]);
    expect(pick(0, 'd')).not.toBe(cell);
    hear(0);
    expect(picks()).toEqual({ b: 1, c: 1, d: 1 });
  });

  it('are never shared by two series, and never counted for the wrong one, whatever happens when', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pick' as const), backend: fc.nat(5) }),
      fc.record({ do: fc.constant('keep' as const), backends: fc.uniqueArray(fc.nat(5), { maxLength: 4 }) }),
      fc.record({ do: fc.constantFrom('hear' as const, 'restart' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { hear, keep, pick, picks, restart } = setUp();
        let counts: Record<string, number> = {};
        for (const now of steps) {
          if (now.do === 'pick') {
            pick(0, `b${now.backend}`);
            counts[`b${now.backend}`] = (counts[`b${now.backend}`] ?? 0) + 1;
          }
          if (now.do === 'keep') {
            const kept = now.backends.map((n) => `b${n}`);
            keep(0, ...kept);
            counts = Object.fromEntries(Object.entries(counts).filter(([name]) => kept.includes(name)));
          }
          // What a worker says before it ends is heard, as that of a thread is.
          if (now.do === 'hear' || now.do === 'restart') hear(0);
          if (now.do === 'restart') restart(0);
        }
        hear(0);
        expect(picks()).toEqual(counts);
      }),
    );
  });
});
