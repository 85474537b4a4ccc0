import { describe, expect, test } from 'vitest';
import { HostCondition } from '../../../src/route/matchers/host.ts';
import { MethodCondition } from '../../../src/route/matchers/method.ts';
import { viewOf } from '../stage.ts';

describe('a host condition', () => {
  test.each([
    [['example.com'], 'example.com', true],
    [['Example.COM'], 'example.com', true],
    [['example.com.'], 'example.com', true],
    [['example.com'], 'www.example.com', false],
    [['example.com'], 'example.co', false],
    [['www.example.com', 'example.com'], 'example.com', true],
    [['*.example.com'], 'www.example.com', true],
    [['*.Example.com.'], 'www.example.com', true],
    [['*.example.com'], 'a.b.example.com', true],
    [['*.example.com'], 'example.com', false],
    [['*.example.com'], '.example.com', false],
    [['*.example.com'], '.a.example.com', false],
    [['*.example.com'], 'badexample.com', false],
    [['*.example.com'], 'www.example.com.evil.test', false],
    [['*.example.com', 'example.com'], 'example.com', true],
    [['a.test', '*.b.test', '*.c.test'], 'x.c.test', true],
    [['[::1]'], '::1', true],
    [['::1'], '::1', true],
    [['10.0.0.1'], '10.0.0.1', true],
    [['example.com'], '', false],
    [['*.example.com'], '', false],
    [[''], '', false],
    [[], 'example.com', false],
  ])('%j for %j: %s', (hosts, host, holds) => {
    expect(new HostCondition(hosts).holds(viewOf({ host }))).toBe(holds);
  });

  test('looks through long lists too', () => {
    const hosts = Array.from({ length: 100 }, (_, index) => `h${index}.test`);
    for (const host of hosts) expect(new HostCondition(hosts).holds(viewOf({ host }))).toBe(true);
    expect(new HostCondition(hosts).holds(viewOf({ host: 'h100.test' }))).toBe(false);
  });

  test.each([
    [['*.example.com'], ['www.example.com'], true],
    [['*.example.com'], ['example.com'], false],
    [['*.example.com'], ['*.www.example.com'], true],
    [['*.example.com'], ['*.example.com'], true],
    [['*.www.example.com'], ['*.example.com'], false],
    [['*.example.com'], ['*.badexample.com'], false],
    [['www.example.com'], ['*.example.com'], false],
    [['a.test', '*.b.test'], ['x.b.test', 'a.test', '*.x.b.test'], true],
    [['a.test', '*.b.test'], ['a.test', 'c.test'], false],
    [['a.test'], ['A.test.'], true],
  ])('%j covers %j: %s', (wide, narrow, covers) => {
    expect(new HostCondition(wide).covers(new HostCondition(narrow))).toBe(covers);
  });

  test('covers no condition of another kind', () => {
    expect(new HostCondition(['a.test']).covers(new MethodCondition([]))).toBe(false);
  });

  test('speaks for itself', () => {
    const condition = new HostCondition(['A.test', '*.b.test']);
    expect([condition.subject, condition.expected]).toEqual(['host', 'A.test or *.b.test']);
    expect(condition.got(viewOf({ host: 'c.test' }))).toBe('c.test');
    expect(condition.got(viewOf({ host: '' }))).toBe('no host');
    expect(condition.flaw).toBeUndefined();
    expect(new HostCondition([]).flaw).toBe('its list for host is empty');
  });
});
