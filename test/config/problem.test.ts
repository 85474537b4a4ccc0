import { describe, expect, it } from 'vitest';
import {
  didYouMean,
  type Finding,
  formatPath,
  formatProblem,
  type Path,
  problemAt,
  show,
} from '../../src/config/problem.ts';

describe('formatProblem', () => {
  const problem = { file: 'fairlead.yaml', line: 3, column: 7, key: 'pools.web', message: 'got 5, expected an object' };

  it.each([
    [problem, 'fairlead.yaml:3:7: pools.web: got 5, expected an object'],
    [
      { ...problem, hint: 'did you mean "x"?' },
      'fairlead.yaml:3:7: pools.web: got 5, expected an object (did you mean "x"?)',
    ],
    [{ ...problem, key: '' }, 'fairlead.yaml:3:7: got 5, expected an object'],
  ])('writes one line', (given, line) => {
    expect(formatProblem(given)).toBe(line);
  });
});

describe('formatPath', () => {
  it.each([
    [[], ''],
    [['pools'], 'pools'],
    [['pools', 'web', 'backends', 1, 'address'], 'pools.web.backends[1].address'],
    [['a', 'x-tier', '$schema', 'a_b', '9'], 'a.x-tier.$schema.a_b.9'],
    [['pools', 'my.pool', 'health'], 'pools["my.pool"].health'],
    [['pools', 'a b'], 'pools["a b"]'],
    [['pools', 'a"b\n'], 'pools["a\\"b\\n"]'],
    [['pools', ''], 'pools[""]'],
    [[0, 1], '[0][1]'],
  ] as [Path, string][])('writes %j as %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

describe('show', () => {
  it.each([
    ['text', '"text"'],
    ['', '""'],
    ['a "b"\n', '"a \\"b\\"\\n"'],
    ['x'.repeat(60), `"${'x'.repeat(60)}"`],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
    [5, '5'],
    [-0.5, '-0.5'],
    [true, 'true'],
    [null, 'nothing'],
    [undefined, 'nothing'],
    [[], 'an empty list'],
    [[1], 'a list'],
    [{}, 'an object'],
    [new Map(), 'an object'],
    [() => 1, 'a function'],
    [10n, '10'],
  ])('shows %s as %s', (value, text) => {
    expect(show(value)).toBe(text);
  });
});

describe('didYouMean', () => {
  it('asks, or says nothing', () => {
    expect(didYouMean('pools')).toBe('did you mean "pools"?');
    expect(didYouMean(undefined)).toBeUndefined();
  });
});

describe('problemAt', () => {
  const source = {
    file: 'f',
    locate: (path: Path, part: 'key' | 'value') => ({ line: path.length, column: part === 'key' ? 1 : 9 }),
  };
  const finding: Finding = { path: ['a', 0], message: 'm' };

  it.each([
    [finding, { file: 'f', line: 2, column: 1, key: 'a[0]', message: 'm' }],
    [
      { ...finding, part: 'key' },
      { file: 'f', line: 2, column: 1, key: 'a[0]', message: 'm' },
    ],
    [
      { ...finding, part: 'value' },
      { file: 'f', line: 2, column: 9, key: 'a[0]', message: 'm' },
    ],
    [
      { ...finding, hint: 'h' },
      { file: 'f', line: 2, column: 1, key: 'a[0]', message: 'm', hint: 'h' },
    ],
    [
      { ...finding, hint: undefined },
      { file: 'f', line: 2, column: 1, key: 'a[0]', message: 'm' },
    ],
  ] as const)('places a finding at its key, or at its value when it is about that', (given, problem) => {
    expect(problemAt(source, given)).toStrictEqual(problem);
  });
});
