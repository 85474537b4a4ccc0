import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  bodyTimeoutS,
  patienceMs,
  type SlowOptions,
  type SlowSample,
  shares,
  slowConfig,
} from '../../../bench/slow-clients/measure.ts';
import { p99Ratio, slowComplaints, slowReport } from '../../../bench/slow-clients/report.ts';
import { configSchema } from '../../../src/config/schema.ts';

const options: SlowOptions = {
  ...{ clients: 30, everyS: 6, timeoutS: 20, connections: 64, durationS: 10, warmUpS: 2 },
  ...{ proxyCore: 0, loadCore: 1, sendBufferBytes: 524_288 },
};
const wrk = { requests: 1, durationMs: 1, requestsPerSecond: 1, p50Ms: 1, errors: 0 };
const each = (count: number) => ({ head: count, body: count, reader: count });

function sample(alone: number, among: number, more: Partial<SlowSample> = {}): SlowSample {
  return {
    round: 1,
    alone: { ...wrk, p99Ms: alone },
    among: { ...wrk, p99Ms: among },
    held: each(10),
    after: { open: each(0), cut: each(12), served: 0 },
    residentBytes: { alone: 1, among: 1, after: 1 },
    ...more,
  };
}

describe('the report', () => {
  it('takes the median of the rounds', () => {
    expect(p99Ratio([sample(2, 3), sample(2, 8), sample(2, 2)])).toBe(1.5);
  });

  it('has nothing to say against a run in which all were cut', () => {
    expect(slowComplaints({ samples: [sample(2, 3)], options })).toEqual([]);
  });

  it.each([
    ['a p99 that is too long', sample(2, 3.1), 'p99 is 1.55 times'],
    ['errors of others', sample(2, 2, { among: { ...wrk, p99Ms: 2, errors: 3 } }), '3 errors'],
    ['nobody served', sample(2, 2, { among: { ...wrk, requests: 0, p99Ms: 2 } }), 'no other request'],
    ['too few', sample(2, 2, { held: each(8) }), 'only 24 slow clients'],
    [
      'one that is left',
      sample(2, 2, { after: { open: { ...each(0), body: 1 }, cut: each(9), served: 0 } }),
      '1 of kind body',
    ],
    [
      'a kind that was never cut',
      sample(2, 2, { after: { open: each(0), cut: { ...each(9), head: 0 }, served: 0 } }),
      'none of kind head',
    ],
    [
      'other ends',
      sample(2, 2, { after: { open: each(0), cut: each(9), served: 2 } }),
      '2 slow clients ended otherwise',
    ],
    ['a window that was not measured', sample(Number.NaN, 2), 'p99 is'],
  ])('complains of %s', (_name, bad, complaint) => {
    const found = slowComplaints({ samples: [bad], options });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(complaint);
    const machine = { cpu: 'c', cores: 2, memoryGiB: 1, kernel: 'k', node: 'n', date: 'd' };
    expect(slowReport({ machine, options, samples: [bad] })).toContain(found[0]);
  });
});

describe('the setup', () => {
  it('is a valid config whose timers can be seen at work', () => {
    const config = configSchema.parse(parse(slowConfig({ listener: 1234, backends: [1, 2], deaf: 3 }, options)));
    expect(config.listeners['web']).toMatchObject({ timeouts: { header: 20_000, idle: 20_000, body: 5000 } });
  });

  it('shares the clients out and leaves time for every timer', () => {
    expect(shares(2000)).toEqual({ head: 668, body: 666, reader: 666 });
    expect(bodyTimeoutS({ everyS: 6 })).toBe(5);
    expect(bodyTimeoutS({ everyS: 1 })).toBe(1);
    expect(patienceMs(options)).toBeGreaterThan(36_000);
  });
});
