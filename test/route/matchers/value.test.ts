import { describe, expect, test } from 'vitest';
import { CookieCondition } from '../../../src/route/matchers/cookie.ts';
import { HeaderCondition } from '../../../src/route/matchers/header.ts';
import { MethodCondition } from '../../../src/route/matchers/method.ts';
import { QueryCondition } from '../../../src/route/matchers/query.ts';
import { absent, any, exact, factsOf, present, regex, viewOf } from '../stage.ts';

describe('a header condition', () => {
  test.each([
    [exact('gold'), 'gold', true],
    [exact('gold'), 'Gold', false],
    [exact('gold'), 'gold, silver', false],
    [exact('gold', 'silver'), 'silver', true],
    [exact('gold'), undefined, false],
    [exact(''), '', true],
    [exact(''), undefined, false],
    [present, '', true],
    [present, undefined, false],
    [absent, undefined, true],
    [absent, '', false],
    [regex('Mobile'), 'Some Mobile thing', true],
    [regex('Mobile'), 'mobile', false],
    [any(exact('gold'), absent), undefined, true],
    [any(exact('gold'), absent), 'silver', false],
  ])('%j for %j: %s', (match, value, holds) => {
    const view = viewOf({ headers: value === undefined ? {} : { 'x-tier': value } });
    expect(new HeaderCondition('x-tier', match).holds(view)).toBe(holds);
  });

  test('asks by the name in lower case', () => {
    const condition = new HeaderCondition('X-Tier', present);
    const view = viewOf({ headers: { 'x-tier': '1' } });
    expect([condition.subject, condition.name, condition.holds(view)]).toEqual(['header x-tier', 'x-tier', true]);
  });
});

describe('a cookie condition', () => {
  test.each([
    [exact('beta'), 'group=beta', true],
    [exact('beta'), 'group=beta2', false],
    [exact('beta'), 'Group=beta', false],
    [exact('beta'), 'group=alpha; group=beta', true],
    [absent, 'groups=1', true],
    [absent, 'group=', false],
    [present, 'a=1; group="', true],
    [absent, undefined, true],
    [present, undefined, false],
  ])('%j for %j: %s', (match, cookie, holds) => {
    const view = viewOf({ headers: cookie === undefined ? {} : { cookie } }, ['group']);
    expect(new CookieCondition('group', match).holds(view)).toBe(holds);
  });
});

describe('a query condition', () => {
  test.each([
    [exact('1'), 'preview=1', true],
    [exact('1'), 'preview=0&preview=1', true],
    [exact('a b'), 'preview=a+b', true],
    [exact('a b'), '%70review=a%20b', true],
    [exact('1'), 'Preview=1', false],
    [regex('^\\d$'), 'preview=12', false],
    [present, 'preview', true],
    [absent, '', true],
    [absent, 'preview', false],
  ])('%j for %j: %s', (match, query, holds) => {
    expect(new QueryCondition('preview', match).holds(viewOf({ query }, ['preview']))).toBe(holds);
  });

  test('reads what a view has, once', () => {
    const facts = factsOf({ query: 'preview=1' });
    const view = viewOf({}, ['preview']);
    view.begin(facts);
    expect(new QueryCondition('preview', present).holds(view)).toBe(true);
    expect(facts.asked).toEqual([]);
  });
});

describe('a value condition', () => {
  test.each([
    [any(present, absent), true],
    [present, false],
    [absent, false],
    [any(regex(''), absent), false],
  ])('%j holds always: %s', (match, always) => {
    expect(new HeaderCondition('x', match).holdsAlways).toBe(always);
  });

  test.each([
    [exact(), 'its list for header x is empty'],
    [any(), 'its list for header x is empty'],
    [any(exact(), any()), 'its list for header x is empty'],
    [any(exact(), absent), undefined],
    [exact('a'), undefined],
    [present, undefined],
    [regex('a'), undefined],
  ])('%j has the flaw %j', (match, flaw) => {
    expect(new HeaderCondition('x', match).flaw).toBe(flaw);
  });

  test('covers and excludes only what is said of the same thing', () => {
    const wide = new HeaderCondition('k', present);
    expect(wide.covers(new HeaderCondition('K', exact('a')))).toBe(true);
    expect(wide.covers(new HeaderCondition('l', exact('a')))).toBe(false);
    expect(wide.covers(new CookieCondition('k', exact('a')))).toBe(false);
    expect(wide.covers(new MethodCondition(['GET']))).toBe(false);
    expect(wide.covers(new HeaderCondition('k', absent))).toBe(false);
    expect(wide.excludes(new HeaderCondition('K', absent))).toBe(true);
    expect(wide.excludes(new HeaderCondition('k', exact('a')))).toBe(false);
    expect(wide.excludes(new HeaderCondition('l', absent))).toBe(false);
    expect(wide.excludes(new QueryCondition('k', absent))).toBe(false);
    expect(wide.excludes(new MethodCondition([]))).toBe(false);
  });

  test('speaks for itself', () => {
    const names = ['k'];
    const header = new HeaderCondition('k', exact('a', 'b'));
    expect([header.subject, header.expected]).toEqual(['header k', '"a" or "b"']);
    expect(header.got(viewOf({ headers: { k: 'x"y' } }))).toBe('"x\\"y"');
    expect(header.got(viewOf())).toBe('absent');
    const cookie = new CookieCondition('k', regex('^a'));
    expect([cookie.subject, cookie.expected]).toEqual(['cookie k', '~^a']);
    expect(cookie.got(viewOf({ headers: { cookie: 'k=1; k=2' } }, names))).toBe('"1" and "2"');
    const query = new QueryCondition('k', any(absent, present));
    expect([query.subject, query.expected]).toEqual(['query k', 'present or absent']);
    expect(query.got(viewOf({ query: 'k' }, names))).toBe('""');
  });
});
