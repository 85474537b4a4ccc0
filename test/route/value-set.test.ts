import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_REGEX_INPUT } from '../../src/route/route-regex.ts';
import type { ValueMatch } from '../../src/route/rule.ts';
import { ValueSet, type Values, valuesInWords } from '../../src/route/value-set.ts';
import { matchesValues } from './oracle.ts';
import { absent, any, exact, present, regex, someValueMatch } from './stage.ts';

const someValues: fc.Arbitrary<string[]> = fc.array(fc.constantFrom('', '1', '2', '12', 'x y', '3'), { maxLength: 3 });

function accepts(match: ValueMatch, values: Values): boolean {
  return new ValueSet(match).accepts(values, { doubt: '' });
}

describe('a set of values', () => {
  test.each<[ValueMatch, Values, boolean]>([
    [exact('a'), 'a', true],
    [exact('a'), ['b', 'a'], true],
    [exact('a'), ['b', 'c'], false],
    [exact('a'), [], false],
    [any(regex('^b'), regex('^c')), ['a', 'cc'], true],
    [any(any(exact('a')), any(regex('b'), present)), 'z', true],
    [any(exact('a'), absent), undefined, true],
    [any(exact('a'), absent), 'b', false],
  ])('%j accepts %j: %s', (match, values, accepted) => {
    expect(accepts(match, values)).toBe(accepted);
  });

  test('accepts what the match says, however it is nested', () => {
    fc.assert(
      fc.property(someValueMatch, someValues, (match, values) => {
        const sent = values.length === 0 ? undefined : values;
        expect(accepts(match, sent)).toBe(matchesValues(match, values));
        if (values.length === 1) expect(accepts(match, values[0])).toBe(matchesValues(match, values));
      }),
    );
  });

  test('leaves a doubt about a text too long for an expression', () => {
    const view = { doubt: '' };
    const long = 'a'.repeat(MAX_REGEX_INPUT + 1);
    expect(new ValueSet(any(exact(long), regex('a'))).accepts(long, view)).toBe(true);
    expect(view.doubt).toBe('');
    expect(new ValueSet(regex('a')).accepts(['b', long], view)).toBe(false);
    expect(view.doubt).toContain('too long');
  });
});

describe('one set of values and another', () => {
  test.each<[ValueMatch, ValueMatch, boolean]>([
    [exact('a', 'b'), exact('b'), true],
    [exact('b'), exact('a', 'b'), false],
    [present, exact('a'), true],
    [present, regex('a'), true],
    [present, any(exact('a'), absent), false],
    [exact('a'), present, false],
    [absent, absent, true],
    [absent, exact('a'), false],
    [regex('^a'), exact('ab'), true],
    [regex('^a'), exact('b'), false],
    [regex('^a'), regex('^a'), true],
    [regex('^a'), regex('^ab'), false],
    [regex(''), present, false],
    [any(exact('a'), regex('^b'), absent), any(absent, exact('bb', 'a'), regex('^b')), true],
    [regex('a'), exact('a'.repeat(MAX_REGEX_INPUT + 1)), false],
    [regex('a'), exact('a'.repeat(MAX_REGEX_INPUT)), true],
  ])('case %#: the first covers the second: %s', (wide, narrow, covers) => {
    expect(new ValueSet(wide).covers(new ValueSet(narrow))).toBe(covers);
  });

  test('covering and excluding are never claimed wrongly', () => {
    fc.assert(
      fc.property(someValueMatch, someValueMatch, someValues, (one, two, values) => {
        const [first, second] = [new ValueSet(one), new ValueSet(two)];
        const [inFirst, inSecond] = [matchesValues(one, values), matchesValues(two, values)];
        if (first.covers(second) && inSecond) expect(inFirst).toBe(true);
        if (first.excludes(second)) expect(inFirst && inSecond).toBe(false);
        if (first.acceptsAll) expect(inFirst).toBe(true);
        if (first.acceptsNone) expect(inFirst).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test.each<[ValueMatch, ValueMatch, boolean]>([
    [absent, exact('a'), true],
    [absent, present, true],
    [regex('a'), absent, true],
    [absent, absent, false],
    [absent, any(exact('a'), absent), false],
    [any(exact('a'), absent), exact('b'), false],
    [exact('a'), exact('b'), false],
  ])('case %#: the first excludes the second: %s', (one, two, excludes) => {
    expect(new ValueSet(one).excludes(new ValueSet(two))).toBe(excludes);
    expect(new ValueSet(two).excludes(new ValueSet(one))).toBe(excludes);
  });
});

describe('in words', () => {
  test.each<[ValueMatch, string]>([
    [any(absent, present, regex('^a'), exact('b', 'c "d"')), '"b" or "c \\"d\\"" or ~^a or present or absent'],
    [any(exact('a'), exact('a')), '"a"'],
    [any(), 'nothing, for its list is empty'],
  ])('case %#: what is accepted is %s', (match, words) => {
    expect(`${new ValueSet(match)}`).toBe(words);
  });

  test.each<[Values, string]>([
    [undefined, 'absent'],
    ['a\n', '"a\\n"'],
    [['a', ''], '"a" and ""'],
  ])('what was sent, %j, is %s', (values, words) => {
    expect(valuesInWords(values)).toBe(words);
  });
});
