import { describe, expect, it } from 'vitest';
import { failedStages, stagesFor } from '../../scripts/check.ts';

describe('stagesFor', () => {
  it('runs types, those of the package and of the dashboard, lint, then the tests with what was added', () => {
    const lines = stagesFor(['--reporter=json', 'test/pick']).map(({ command, args }) => [command, ...args].join(' '));
    expect(lines).toEqual([
      'tsc -p .',
      'tsc -p tsconfig.build.json --noEmit',
      'tsc -p src/admin/dashboard',
      'biome ci .',
      'vitest run --reporter=json test/pick',
    ]);
  });
});

describe('failedStages', () => {
  it.each([
    [{}, []],
    [{ types: 2 }, ['types']],
    [{ types: 1, tests: 1 }, ['types', 'tests']],
  ])('with the exit codes %j names %j, and runs them all', (codes: Record<string, number>, expected) => {
    const ran: string[] = [];
    const run = ({ name }: { name: string }) => {
      ran.push(name);
      return codes[name] ?? 0;
    };
    expect(failedStages(stagesFor([]), run)).toEqual(expected);
    expect(ran).toEqual(['types', 'package types', 'dashboard types', 'lint', 'tests']);
  });
});
