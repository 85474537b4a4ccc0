import { expect, it } from 'vitest';
import { LATENCY_CELLS, latencyCell } from '../../src/observe/latency.ts';
import type { MeterReader } from '../../src/observe/meter-reader.ts';
import { OutlierWatch } from '../../src/runtime/outlier-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** Counts of two backends, as workers would have made them. */
function stage() {
  const clock = new FakeClock(0);
  const picks = [0, 0];
  const failed = [0, 0];
  const latency = [new Float64Array(LATENCY_CELLS), new Float64Array(LATENCY_CELLS)];
  const reader = {
    read: (name: string, { backend }: Record<string, string>) => {
      const at = Number(backend);
      return name === 'backend_latency' ? latency[at]!.slice() : Float64Array.of(picks[at]!);
    },
    sum: () =>
      failed.map((count, at) => ({ labels: { pool: 'p', backend: String(at) }, values: Float64Array.of(count) })),
  } as unknown as MeterReader;
  const ejected: [number, string][] = [];
  const limits = { failureRate: 0.5, latency: 5 };
  const watch = new OutlierWatch({
    reader,
    clock,
    watched: () => [0, 1].map((slot) => ({ slot, pool: 'p', id: String(slot), limits })),
    eject: (slot, reason) => void ejected.push([slot, reason]),
  });
  watch.start();
  const serve = (at: number, requests: number, failures: number, us: number): void => {
    picks[at]! += requests;
    failed[at]! += failures;
    latency[at]![latencyCell(us)]! += requests - failures;
  };
  return { clock, watch, ejected, serve };
}

it('ejects what fails too often, by the requests since the last look', async () => {
  const { clock, watch, ejected, serve } = stage();
  serve(0, 1000, 1000, 1000);
  await clock.advance(1000);
  expect(ejected).toEqual([]);
  serve(0, 15, 15, 1000);
  await clock.advance(1000);
  expect(ejected).toEqual([]);
  serve(0, 15, 0, 1000);
  await clock.advance(1000);
  expect(ejected).toEqual([[0, '15 of 30 requests failed']]);
  serve(0, 30, 0, 1000);
  await clock.advance(1000);
  expect(ejected).toHaveLength(1);
  watch.stop();
});

it('ejects what is many times slower than the others', async () => {
  const { clock, watch, ejected, serve } = stage();
  await clock.advance(1000);
  serve(0, 30, 0, 5000);
  serve(1, 30, 0, 60_000);
  await clock.advance(1000);
  expect(ejected).toEqual([[1, expect.stringMatching(/^1[0-4] times as slow as the others$/)]]);
  watch.stop();
  serve(1, 90, 90, 1000);
  await clock.advance(5000);
  expect(ejected).toHaveLength(1);
});
