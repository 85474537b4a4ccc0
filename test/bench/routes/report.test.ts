import { describe, expect, it } from 'vitest';
import { measureShape, type RouteCost, shapes } from '../../../bench/routes/measure.ts';
import { complaints, type RouteResults, routesReport } from '../../../bench/routes/report.ts';

const cost = (shape: string, ratio: number): RouteCost => ({
  shape,
  few: 1000,
  many: 1000 * ratio,
  ratio,
  scattered: 1500,
  router: { few: 100, many: 1000 * ratio - 900, scattered: 600 },
});

function resultsOf(...costs: RouteCost[]): RouteResults {
  const machine = { cpu: 'x', cores: 2, memoryGiB: 4, kernel: 'linux', node: 'v26', date: '2026-11-25' };
  return { machine, run: { few: 10, many: 10_000, rounds: 3, requests: 100 }, costs };
}

describe('the report on many routes', () => {
  it('has a line for each shape, and nothing to complain of while the goal is met', () => {
    const results = resultsOf(cost('hosts', 1.1), cost('prefixes', 1));
    expect(complaints(results)).toEqual([]);
    const report = routesReport(results);
    expect(report).toContain('| a host for each route ');
    expect(report).toMatch(/\| +1,000 ns \| +1,100 ns \| +1\.10 \| +1,500 ns \| 100, 200, 600 ns \|/);
  });

  it('says where many routes cost too much, also when it could not be measured', () => {
    const results = resultsOf(cost('hosts', 1.2), cost('prefixes', Number.NaN));
    expect(complaints(results)).toEqual([
      'hosts: 10,000 routes cost 1.20 times 10, at most 1.1 expected',
      'prefixes: 10,000 routes cost – times 10, at most 1.1 expected',
    ]);
    expect(routesReport(results)).toContain('- hosts: 10,000 routes cost 1.20 times 10');
  });
});

describe('measuring', () => {
  it.each(shapes)('$name takes the routes it means to take, few and many', (shape) => {
    const found = measureShape(shape, { few: 3, many: 50, rounds: 1, requests: 20 });
    expect(found.shape).toBe(shape.name);
    for (const ns of [found.few, found.many, found.scattered]) expect(ns).toBeGreaterThanOrEqual(0);
  });
});
