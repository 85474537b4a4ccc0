import { describe, expect, test } from 'vitest';
import { conditionsOf } from '../../src/route/conditions.ts';
import type { MatchConfig } from '../../src/route/rule.ts';
import { absent, any, exact, present, regex } from './stage.ts';

function subjectsOf(match: MatchConfig): string[] {
  return conditionsOf(match).map(({ subject }) => subject);
}

describe('the conditions of a route', () => {
  test('are asked cheapest first, whatever their order in the config', () => {
    const match: MatchConfig = {
      cookie: { c: present },
      query: { q: present, r: absent },
      header: { 'X-H': exact('1') },
      source: ['10.0.0.0/8'],
      path: ['/a'],
      host: ['a.test'],
      method: ['GET'],
    };
    expect(subjectsOf(match)).toEqual([
      'method',
      'host',
      'path',
      'source',
      'header x-h',
      'query q',
      'query r',
      'cookie c',
    ]);
  });

  test('are none when nothing is said', () => {
    expect(conditionsOf({})).toEqual([]);
    expect(conditionsOf({ header: {}, cookie: {}, query: {}, path: undefined })).toEqual([]);
  });

  test('leave out what always holds, and nothing else', () => {
    expect(subjectsOf({ path: ['/*'], header: { a: any(present, absent), b: present } })).toEqual(['header b']);
    expect(subjectsOf({ path: ['/a/*'], source: ['0.0.0.0/0', '::/0'] })).toEqual(['path', 'source']);
  });

  test('keep a list that is empty, which never holds', () => {
    expect(subjectsOf({ host: [], path: [], method: [], source: [], query: { q: exact() } })).toHaveLength(5);
  });

  test('are refused when they are malformed', () => {
    expect(() => conditionsOf({ path: ['~('] })).toThrow(SyntaxError);
    expect(() => conditionsOf({ cookie: { c: regex('[') } })).toThrow(SyntaxError);
    expect(() => conditionsOf({ source: ['ten'] })).toThrow(TypeError);
  });
});
