import { describe, expect, test } from 'vitest';
import { bodyCondition } from '../../../src/route/matchers/body.ts';
import type { BodyMatch, ValueMatch } from '../../../src/route/rule.ts';
import { any, exact, present, regex, viewOf } from '../stage.ts';

const limit = 100_000;
const json = (path: string, is: ValueMatch = present): BodyMatch => ({ kind: 'json', path, is, limit });
const form = (name: string, is: ValueMatch = present): BodyMatch => ({ kind: 'form', name, is, limit });
const contains = (text: string): BodyMatch => ({ kind: 'contains', text, limit });

const holds = (match: BodyMatch, body: string | null, type?: string) =>
  bodyCondition(match).holds(viewOf({ body, headers: type === undefined ? {} : { 'content-type': type } }, ['plan']));

describe('a value in JSON', () => {
  test.each<[string, string, ValueMatch, string]>([
    ['a text', 'tenant.id', exact('acme'), '{"tenant":{"id":"acme"}}'],
    ['a number', 'n', exact('5'), '{"n":5}'],
    ['a number written otherwise', 'n', exact('100'), '{"n":1e2}'],
    ['a fraction', 'n', exact('1.5'), '{"n":1.50}'],
    ['a fraction as it was written', 'n', exact('1.50'), '{"n":1.50}'],
    ['a number of many digits', 'n', exact('12345678901234567891'), '{"n":12345678901234567891}'],
    ['true', 'yes', exact('true'), '{"yes":true}'],
    ['in a list', 'items.1.id', exact('b'), '{"items":[{"id":"a"},{"id":"b"}]}'],
    ['at the top of a list', '0', exact('x'), '["x"]'],
    ['by an expression', 'id', regex('^a'), '{"id":"abc"}'],
    ['by any of several', 'id', any(exact('x', 'y'), regex('^a')), '{"id":"y"}'],
    ['that is null, when it only has to be there', 'a', present, '{"a":null}'],
    ['that is an object, when it only has to be there', 'a', present, '{"a":{}}'],
    ['whose name is inherited elsewhere', '__proto__.x', exact('1'), '{"__proto__":{"x":1}}'],
    ['behind a byte order mark', 'a', exact('é'), '\ufeff{"a":"é"}'],
    ['of a name that comes twice, the last', 'a', exact('2'), '{"a":1,"a":2}'],
    ['with escapes', 'é', exact('"\n'), '{"\\u00e9":"\\"\\n"}'],
  ])('matches: %s', (_name, path, is, body) => {
    expect(holds(json(path, is), body)).toBe(true);
  });

  test.each<[string, string, ValueMatch, string]>([
    ['another text', 'a', exact('1'), '{"a":"10"}'],
    ['a number that a double takes for the same', 'n', exact('12345678901234567891'), '{"n":12345678901234567890}'],
    ['nothing', 'a.b', present, '{"a":{}}'],
    ['null as a text', 'a', exact('null'), '{"a":null}'],
    ['an object as a text', 'a', regex('.*'), '{"a":{}}'],
    ['what every object inherits', 'constructor', present, '{}'],
    ['what an object without it inherits', '__proto__', present, '{}'],
    ['the length of a list', 'a.length', present, '{"a":[1]}'],
    ['a list at no index', 'a.00', present, '{"a":[1]}'],
    ['into a text', 'a.0', present, '{"a":"xyz"}'],
    ['into null', 'a.b', present, '{"a":null}'],
    ['half of it', 'a', present, '{"a":1'],
    ['more than one', 'a', present, '{"a":1}{"a":1}'],
    ['an empty body', 'a', present, ''],
    ['a form', 'a', present, 'a=1'],
  ])('does not match: %s', (_name, path, is, body) => {
    expect(holds(json(path, is), body)).toBe(false);
  });

  test('of great depth is found or not, and nothing breaks', () => {
    const deep = 30_000;
    expect(holds(json('0'), '['.repeat(deep) + ']'.repeat(deep))).toBe(true);
    expect(holds(json('0.0'), '['.repeat(deep))).toBe(false);
    expect(
      holds(
        json('n', exact('12345678901234567891')),
        `{"n":12345678901234567891,"x":${'['.repeat(deep)}${']'.repeat(deep)}}`,
      ),
    ).toBe(false);
  });
});

describe('a field of a form', () => {
  test.each<[string, string | undefined, boolean]>([
    ['a=b&plan=pro', undefined, true],
    ['plan=pro', 'application/x-www-form-urlencoded', true],
    ['plan=pro', 'Application/X-WWW-Form-Urlencoded; charset=UTF-8', true],
    ['plan=free&plan=pro', undefined, true],
    ['pl%61n=p%72o', undefined, true],
    ['plan=pro', 'multipart/form-data; boundary=x', false],
    ['plan=pro', 'application/json', false],
    ['plan=prof', undefined, false],
    ['Plan=pro', undefined, false],
  ])('plan is pro in %j of %s: %j', (body, type, expected) => {
    expect(holds(form('plan', exact('pro')), body, type)).toBe(expected);
  });

  test.each(['plan=%C3%A9+x', 'plan=é+x', 'plan=é%20x', 'plan=%c3%a9 x'])('is decoded as UTF-8: %s', (body) => {
    expect(holds(form('plan', exact('é x')), body)).toBe(true);
  });
});

describe('a text in the body', () => {
  test.each([
    ['needle', 'a needle in it', true],
    ['needle', 'need le', false],
    ['é', 'caf\u00e9', true],
    ['é', '\u00c3', false],
    ['a', '', false],
  ])('%j in %j: %j', (text, body, expected) => {
    expect(holds(contains(text), body)).toBe(expected);
  });
});

describe('every condition on a body', () => {
  const conditions = [json('plan'), form('plan'), contains('plan')];

  test.each(conditions)('fails without one, or when it is too large: %j', (match) => {
    expect(holds(match, null)).toBe(false);
    expect(holds({ ...match, limit: 3 }, 'plan=pro')).toBe(false);
  });

  test.each(conditions)('cannot tell while it has not come: %j', (match) => {
    const view = viewOf();
    expect([bodyCondition(match).holds(view), view.bodyWanted]).toEqual([false, limit]);
    expect(bodyCondition(match).got(view)).toBe('a body that has not come yet');
  });

  test.each<[BodyMatch, string, string, string]>([
    [json('a.b', exact('1')), 'body json a.b', '"1"', 'absent'],
    [form('plan', regex('^p')), 'body form plan', '~^p', '"x"'],
    [contains('"x"'), 'body', 'containing "\\"x\\""', '6 bytes without it'],
  ])('says what it wants and what there is: %j', (match, subject, expected, got) => {
    const condition = bodyCondition(match);
    expect([condition.subject, condition.expected]).toEqual([subject, expected]);
    expect(condition.got(viewOf({ body: 'plan=x' }, ['plan']))).toBe(got);
    expect(condition.got(viewOf({ body: null }))).toMatch(
      /no body, or one that is compressed or larger than 100000 bytes/,
    );
  });

  test('does not quote a long value whole', () => {
    const got = bodyCondition(json('a', exact('b'))).got(viewOf({ body: `{"a":"${'x'.repeat(5000)}"}` }));
    expect(got).toHaveLength(201);
  });
});
