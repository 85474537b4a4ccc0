import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { resultLine } from '../../scripts/result-line.ts';

const tests = (passed: number, failed: number) => [
  ...Array(passed).fill({ status: 'passed' }),
  ...Array(failed).fill({ status: 'failed' }),
];
const file = (status: string, passed: number, failed = 0) => ({ status, assertionResults: tests(passed, failed) });
const report = (passed: number, failed: number, testResults: object[]) =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults });

it.each([
  ['all passed', report(12, 0, [file('passed', 12)]), '12 passed, 0 failed'],
  ['some failed', report(10, 2, [file('failed', 10, 2)]), '10 passed, 2 failed'],
  ['a file that could not be loaded', report(3, 1, [file('failed', 0), file('failed', 3, 1)]), '3 passed, 2 failed'],
  ['a file that failed after its tests', report(4, 0, [file('failed', 4), file('passed', 0)]), '4 passed, 1 failed'],
  ['a file whose tests are all skipped', report(0, 0, [file('passed', 0)]), '0 passed, 0 failed'],
  ['no report', undefined, '0 passed, 1 failed'],
  ['a report cut short', '{"numPassedTests": 12', '0 passed, 1 failed'],
])('%s', (_name, text, line) => {
  expect(resultLine(text)).toBe(line);
});

it('prints the line for a file', () => {
  const script = new URL('../../scripts/result-line.ts', import.meta.url).pathname;
  const print = (path: string) => execFileSync(process.execPath, [script, path], { encoding: 'utf8' });
  expect(print('no-such-file.json')).toBe('0 passed, 1 failed\n');
  expect(print(new URL('./report.json', import.meta.url).pathname)).toBe('2 passed, 1 failed\n');
});
