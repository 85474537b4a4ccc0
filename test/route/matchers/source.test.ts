import { describe, expect, test } from 'vitest';
import { MethodCondition } from '../../../src/route/matchers/method.ts';
import { SourceCondition } from '../../../src/route/matchers/source.ts';
import { viewOf } from '../stage.ts';

describe('a source condition', () => {
  test.each([
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7', '2001:db8::/32'], '2001:db8:1::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['0.0.0.0/0', '::/0'], '', false],
    [[], '10.0.0.1', false],
  ])('%j for %j: %s', (list, source, holds) => {
    expect(new SourceCondition(list).holds(viewOf({ source }))).toBe(holds);
  });

  test.each([
    [['10.0.0.0/8'], ['10.1.0.0/16'], true],
    [['10.0.0.0/8'], ['10.0.0.0/8'], true],
    [['10.0.0.0/8'], ['10.0.0.1'], true],
    [['10.1.0.0/16'], ['10.0.0.0/8'], false],
    [['10.1.0.0/16'], ['10.1.255.255', '10.2.0.0'], false],
    [['10.1.0.0/16'], ['10.0.255.255'], false],
    [['10.1.0.0/16'], ['10.1.255.255/32'], true],
    [['10.0.0.0/8', '2001:db8::/32'], ['2001:db8:1::/48', '10.0.0.1'], true],
    [['::/0'], ['10.0.0.1'], false],
    [['0.0.0.0/0'], ['::1'], false],
    [['0.0.0.0/0'], ['::ffff:10.0.0.0/104'], true],
  ])('%j covers %j: %s', (wide, narrow, covers) => {
    expect(new SourceCondition(wide).covers(new SourceCondition(narrow))).toBe(covers);
  });

  test('covers no condition of another kind', () => {
    expect(new SourceCondition(['10.0.0.0/8']).covers(new MethodCondition([]))).toBe(false);
  });

  test('of what is no range is refused', () => {
    expect(() => new SourceCondition(['10.0.0.0/33'])).toThrow(TypeError);
  });

  test('speaks for itself', () => {
    const condition = new SourceCondition(['10.0.0.0/8', '::1']);
    expect([condition.subject, condition.expected]).toEqual(['source', '10.0.0.0/8 or ::1']);
    expect(condition.got(viewOf({ source: '192.0.2.1' }))).toBe('192.0.2.1');
    expect(condition.got(viewOf({ source: '' }))).toBe('no address');
    expect(condition.flaw).toBeUndefined();
    expect(new SourceCondition([]).flaw).toBe('its list for source is empty');
  });
});
