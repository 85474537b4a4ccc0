import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../bench/peers/measure.ts';
import { contestsOf, turns } from '../../../bench/peers/run.ts';
import { peers } from '../../../bench/peers/start.ts';
import { GOALS, judge, type Ratio, ratios, type Summary, summarize } from '../../../bench/peers/summary.ts';
import { workloads } from '../../../bench/peers/workloads.ts';

function sample(change: Partial<Sample>): Sample {
  return {
    peer: 'fairlead',
    workload: 'l7-keepalive',
    round: 1,
    units: 1000,
    rate: 100,
    p99Ms: 2,
    errors: 0,
    userPerUnit: 3,
    systemPerUnit: 9,
    busy: 0.9,
    residentBytes: 50,
    ...change,
  };
}

describe('summarize', () => {
  it('takes the median of each measure by itself, and adds the errors', () => {
    const [one, ...more] = summarize([
      sample({ rate: 100, p99Ms: 9, userPerUnit: 1, systemPerUnit: 20, busy: 0.5, residentBytes: 10, errors: 1 }),
      sample({ rate: 300, p99Ms: 1, userPerUnit: 5, systemPerUnit: 10, busy: 0.7, residentBytes: 30, errors: 0 }),
      sample({ rate: 200, p99Ms: 5, userPerUnit: 9, systemPerUnit: 3, busy: 0.6, residentBytes: 20, errors: 2 }),
    ]);
    expect(more).toEqual([]);
    expect(one).toEqual({
      peer: 'fairlead',
      workload: 'l7-keepalive',
      rounds: 3,
      rate: 200,
      p99Ms: 5,
      userPerUnit: 5,
      systemPerUnit: 10,
      cpuPerUnit: 15,
      cpuSpread: 9 / 15,
      busy: 0.6,
      residentBytes: 20,
      errors: 3,
    });
  });

  it('keeps peers and workloads apart, in the order they come in', () => {
    const seen = summarize([
      sample({ peer: 'nginx' }),
      sample({ peer: 'fairlead' }),
      sample({ peer: 'nginx', round: 2 }),
      sample({ peer: 'nginx', workload: 'l4-bulk' }),
    ]);
    expect(seen.map(({ peer, workload, rounds }) => [peer, workload, rounds])).toEqual([
      ['nginx', 'l7-keepalive', 2],
      ['fairlead', 'l7-keepalive', 1],
      ['nginx', 'l4-bulk', 1],
    ]);
  });
});

function summary(peer: string, cpuPerUnit: number, rate: number, change: Partial<Summary> = {}): Summary {
  const [same] = summarize([sample({ peer })]);
  return { ...same!, cpuPerUnit, rate, ...change };
}

function value(found: readonly Ratio[], measure: string, against: string): number | undefined {
  return found.find((each) => each.measure === measure && each.against === against)?.value;
}

describe('ratios', () => {
  const found = ratios(
    [summary('fairlead', 12, 90), summary('nginx', 10, 100), summary('haproxy', 15, 120), summary('caddy', 48, 30)],
    'fairlead',
  );

  it('divides the subject by each of the others', () => {
    expect(value(found, 'cpuPerUnit', 'nginx')).toBeCloseTo(1.2, 12);
    expect(value(found, 'cpuPerUnit', 'haproxy')).toBeCloseTo(0.8, 12);
    expect(value(found, 'cpuPerUnit', 'caddy')).toBeCloseTo(0.25, 12);
    expect(value(found, 'rate', 'caddy')).toBeCloseTo(3, 12);
    expect(value(found, 'p99Ms', 'nginx')).toBe(1);
    expect(value(found, 'cpuPerUnit', 'fairlead')).toBeUndefined();
  });

  it('takes the lower CPU and the higher rate as the better of nginx and HAProxy, whatever others reach', () => {
    expect(value(found, 'cpuPerUnit', 'better')).toBeCloseTo(1.2, 12);
    expect(value(found, 'rate', 'better')).toBeCloseTo(0.75, 12);
    const slower = ratios([summary('fairlead', 10, 1), summary('caddy', 1, 1)], 'fairlead');
    expect(value(slower, 'cpuPerUnit', 'better')).toBeNaN();
  });

  it('compares within a workload only', () => {
    const apart = ratios([summary('fairlead', 1, 1), summary('nginx', 1, 1, { workload: 'l4-bulk' })], 'fairlead');
    expect(value(apart, 'cpuPerUnit', 'nginx')).toBeUndefined();
    expect(apart.every(({ workload }) => workload === 'l7-keepalive')).toBe(true);
  });

  it('can have another subject', () => {
    const other = ratios([summary('nginx', 10, 1), summary('haproxy', 20, 1)], 'nginx');
    expect(value(other, 'cpuPerUnit', 'better')).toBe(0.5);
  });
});

describe('judge', () => {
  const ratio = (workload: string, measure: Ratio['measure'], against: string, reached: number): Ratio => {
    return { workload, measure, against, value: reached };
  };

  it.each([
    ['l7-keepalive', 'cpuPerUnit', 'better', 1.15, true],
    ['l7-keepalive', 'cpuPerUnit', 'better', 1.151, false],
    ['l7-keepalive', 'cpuPerUnit', 'caddy', 0.49, true],
    ['l7-keepalive', 'cpuPerUnit', 'caddy', 0.51, false],
    ['l7-keepalive', 'cpuPerUnit', 'gateway', 0.4, true],
    ['l7-keepalive', 'cpuPerUnit', 'gateway', 0.41, false],
    ['l4-keepalive', 'cpuPerUnit', 'better', 1.2, true],
    ['l4-keepalive', 'cpuPerUnit', 'better', 1.21, false],
    ['l4-new-connections', 'cpuPerUnit', 'better', 1.35, true],
    ['l4-new-connections', 'cpuPerUnit', 'better', 1.36, false],
    ['l4-bulk', 'rate', 'better', 0.85, true],
    ['l4-bulk', 'rate', 'better', 0.84, false],
  ] as const)('%s %s against %s at %d: %s', (workload, measure, against, reached, held) => {
    const verdict = judge([ratio(workload, measure, against, reached)]).find((each) => each.held !== undefined);
    expect(verdict).toMatchObject({ workload, measure, against, reached, held });
  });

  it('does not judge what was not measured', () => {
    expect(judge([]).map(({ held }) => held)).toEqual(GOALS.map(() => undefined));
    expect(judge([ratio('l4-bulk', 'rate', 'better', Number.NaN)]).every(({ held }) => held === undefined)).toBe(true);
  });

  it('knows only workloads that exist', () => {
    const names = workloads.map(({ name }) => name);
    for (const { workload } of GOALS) expect(names).toContain(workload);
  });
});

describe('turns', () => {
  it('lets all have one in each round, each round begun by the next', () => {
    const l7 = turns(['nginx', 'haproxy', 'caddy'], 3).map(({ round, one }) => [round, one]);
    expect(l7).toEqual([
      [1, 'nginx'],
      [1, 'haproxy'],
      [1, 'caddy'],
      [2, 'haproxy'],
      [2, 'caddy'],
      [2, 'nginx'],
      [3, 'caddy'],
      [3, 'nginx'],
      [3, 'haproxy'],
    ]);
  });
});

describe('contests', () => {
  it('leave a peer out of what it cannot do', () => {
    const three = ['nginx', 'haproxy', 'caddy'].map((name) => peers[name]!);
    const contests = contestsOf(three, workloads);
    expect(contests.map(({ workload }) => workload)).toEqual(workloads);
    const withCaddy = contests.filter(({ able }) => able.some(({ name }) => name === 'caddy'));
    expect(withCaddy.map(({ workload }) => workload.name)).toEqual(['l7-keepalive', 'l7-new-connections']);
    expect(contests.every(({ able }) => able.length >= 2)).toBe(true);
  });
});
