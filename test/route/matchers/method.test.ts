import { describe, expect, test } from 'vitest';
import { HostCondition } from '../../../src/route/matchers/host.ts';
import { MethodCondition } from '../../../src/route/matchers/method.ts';
import { viewOf } from '../stage.ts';

describe('a method condition', () => {
  test.each([
    [['GET'], 'GET', true],
    [['GET'], 'get', false],
    [['get'], 'get', true],
    [['GET', 'HEAD'], 'HEAD', true],
    [['GET', 'HEAD'], 'HEA', false],
    [['PROPFIND'], 'PROPFIND', true],
    [[], 'GET', false],
  ])('%j for %s: %s', (methods, method, holds) => {
    expect(new MethodCondition(methods).holds(viewOf({ method }))).toBe(holds);
  });

  test.each([
    [['GET', 'HEAD'], ['HEAD'], true],
    [['GET', 'HEAD'], ['HEAD', 'GET'], true],
    [['GET'], ['GET', 'HEAD'], false],
    [['GET'], ['get'], false],
  ])('%j covers %j: %s', (wide, narrow, covers) => {
    expect(new MethodCondition(wide).covers(new MethodCondition(narrow))).toBe(covers);
  });

  test('covers no condition of another kind', () => {
    expect(new MethodCondition(['GET']).covers(new HostCondition([]))).toBe(false);
  });

  test('speaks for itself', () => {
    const condition = new MethodCondition(['GET', 'HEAD']);
    expect([condition.subject, condition.expected, condition.got(viewOf({ method: 'PUT' }))]).toEqual([
      'method',
      'GET or HEAD',
      'PUT',
    ]);
    expect(condition.flaw).toBeUndefined();
    expect(new MethodCondition([])).toMatchObject({
      expected: 'nothing, for its list is empty',
      flaw: 'its list for method is empty',
    });
  });
});
