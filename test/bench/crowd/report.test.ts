import { describe, expect, it } from 'vitest';
import type { CrowdSample } from '../../../bench/crowd/measure.ts';
import { type CrowdLayer, crowdComplaints, crowdReport, p99Ratio } from '../../../bench/crowd/report.ts';
import { fitting } from '../../../bench/crowd.ts';

const wrk = (p99Ms: number, errors = 0) => ({
  requests: 1000,
  durationMs: 5000,
  requestsPerSecond: 200,
  p50Ms: 1,
  p99Ms,
  errors,
});

function sample(change: Partial<CrowdSample> = {}): CrowdSample {
  return { alone: wrk(2), among: wrk(3), answered: 8000, closed: 0, ...change };
}

function layer(rounds: CrowdSample[], grownKb = 5): CrowdLayer {
  const reading = { before: 60e6, after: 60e6 + grownKb * 8e6, closed: 0, heaps: 0 };
  return {
    layer: 'l4',
    asked: 8000,
    options: {
      connections: 8000,
      clientProcesses: 4,
      load: 32,
      durationS: 5,
      warmUpS: 2,
      proxyCore: 0,
      loadCore: 1,
    },
    memory: { peer: 'fairlead', layer: 'l4', connections: 8000, asIs: reading, collected: undefined },
    rounds,
  };
}

describe('fitting', () => {
  it.each([
    [8000, 20_000, 8000],
    [8000, 1_048_576, 8000],
    [8000, 4096, 1798],
  ])('%d connections under a limit of %d files are %d', (asked, limit, fits) => {
    expect(fitting(asked, limit)).toBe(fits);
  });
});

describe('a crowd', () => {
  it('is judged by the median of the rounds', () => {
    const rounds = [sample(), sample({ among: wrk(20) }), sample({ among: wrk(2) })];
    expect(p99Ratio(rounds)).toBe(1.5);
    expect(crowdComplaints(layer(rounds))).toEqual([]);
  });

  it.each([
    ['a long p99', layer([sample({ among: wrk(4.2) })]), 'L4: p99 is 2.10 times that without the crowd, not 2'],
    ['memory', layer([sample()], 12.5), 'L4: 12.50 KB per connection is more than 12 KB'],
    ['silence', layer([sample({ answered: 7990 })]), 'L4: 10 connections were not answered'],
    ['closes', layer([sample({ closed: 3 })]), 'L4: 3 connections were closed'],
    ['errors', layer([sample({ among: wrk(2, 4) })]), 'L4: 4 errors of the load'],
  ])('is blamed for %s', (_what, one, complaint) => expect(crowdComplaints(one)).toEqual([complaint]));

  it('is reported with the limit of open files', () => {
    const machine = { cpu: 'Some CPU', cores: 2, memoryGiB: 8, kernel: 'linux', node: 'v26.0.0', date: '2026-01-02' };
    const files = { soft: 1024, hard: 20_000 };
    const text = crowdReport({ machine, peer: 'fairlead', files, layers: [layer([sample()])] });
    expect(text).toContain('Open files: 20,000 allowed');
    expect(text).toMatch(/\| L4 +\| +8,000 \| +8,000 \| +5\.00 \| +2\.00 \| +3\.00 \| +1\.50 \| +8,000 \| +0 \|/);
    expect(text).toContain('All of them are held.');
  });
});
