import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shapeOf } from '../../src/support/regex-shape.ts';
import { execWatched } from '../../src/support/watched-exec.ts';

const latin1 = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

describe('the shape of an expression', () => {
  test.each([
    ['^/a+$', '^/a+$'],
    ['(?i:^/api/[a-f]$)', '(?:^/[aA][pP][iI]/[a-fABCDEF]$)'],
    ['(?i:[^x\\d-])(?<n>x)', '(?:[^xX\\d-])(?<n>x)'],
    ['(?i:a(?-i:b(?i:c)))', '(?:[aA](?:b(?:[cC])))'],
    ['(?i:\\x41|\\u0062|\\n)', '(?:[Aa]|[bB]|\\n)'],
    ['(?:ab){2,40}?', '(?:ab){2,2}(?:ab){0,16}(?:ab){0,16}(?:ab){0,6}'],
    ['a{20,}', 'a{16,16}a{4,4}a*'],
    ['(?<=a)(?<!b)c', '(?<=a)(?<!b)c'],
  ])('%s has the linear form %s', (source, form) => {
    expect(shapeOf(source).linear).toBe(form);
  });

  test.each([
    '(?=a)',
    '(?!a)',
    '(a)\\1',
    '(?<n>a)\\k<n>',
    '(?i:é)',
    '(?i:[a-é])',
    '(?s:.)',
    '(?:a{1,10}){1,10}',
    'a{1,1000000}',
  ])('%s has none', (source) => {
    expect(shapeOf(source).linear).toBeUndefined();
  });

  test.each([
    ['^/a*/b*$', true],
    ['/a*/b*$', false],
    ['^/a*|/b*$', false],
    ['^(?:ab)*c{2,40}(?=d)$', true],
    ['^(?:a|b)*$', false],
    ['^(?:ab?)*$', false],
    ['^(?:a+)?b*$', true],
    ['^(?:a+){2}$', false],
    ['^(?:a{1,30}){2}$', false],
    ['a?b?c?d?e?f?g?h?i?j?', true],
    ['a?b?c?d?e?f?g?h?i?j?k?', false],
    ['a|b|c|d|e|f|g|h|i|j|k|l', false],
    ['^(a*)(?=b*)$', true],
    ['^(a*)(?=b*)c*$', false],
  ])('%s is tame: %s', (source, isTame) => {
    expect(shapeOf(source).isTame).toBe(isTame);
  });

  test.each(['(', '[b-a]', 'a**'])('%s is none', (source) => {
    expect(() => shapeOf(source)).toThrow(SyntaxError);
  });

  test.each(['[a-f]', '[^A-Z_]', '[ -~]', '\\w', '[\\W-x]', '[]', '[^]', '[--a]', '.', 'k', '\\x5a', '[^\\Ss]'])(
    '(?i:%s) finds the same characters in its linear form',
    (atom) => {
      const { linear } = shapeOf(`^(?i:${atom})$`);
      const found = (source: string) => latin1.filter((character) => new RegExp(source).test(character));
      expect(found(linear!)).toEqual(found(`^(?i:${atom})$`));
    },
  );

  test.each(['(?i:a(?:aa|[a-c].))', '(?:x|(?i:a(?:aa|[a-c].)))'])('%s is found where V8 overlooks it', (source) => {
    const { folded, linear } = shapeOf(source);
    expect([new RegExp(folded).test('aAx'), new RegExp(linear!).test('aAx')]).toEqual([true, true]);
  });

  test('keeps its groups and back-references when it is folded', () => {
    expect(shapeOf('(?i:(a)(?<n>b))(?=c)\\1\\k<n>').folded).toBe('(?:([aA])(?<n>[bB]))(?=c)\\1\\k<n>');
    expect(shapeOf('(?i:(a)\\1)').folded).toBe('(?i:(a)\\1)');
    expect(shapeOf('(?i:é)a{2,40}').folded).toBe('(?i:é)a{2,40}');
    expect(shapeOf('(?i:a){2,40}').folded).toBe('(?:[aA]){2,40}');
  });

  test('finds and misses the same, whatever it is', () => {
    const { expression } = fc.letrec<{ expression: string; part: string; atom: string }>((tie) => ({
      atom: fc.constantFrom('a', 'B', '-', '.', '[a-c]', '[^Bx]', '\\w', '\\x41', '^', '$', '\\b'),
      part: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        tie('atom'),
        tie('expression').map((inner) => `(?:${inner})`),
        tie('expression').map((inner) => `(${inner})`),
        fc
          .tuple(tie('expression'), fc.constantFrom('?', '*', '{2}', '{0,3}?', '{17,20}', '{18}', '{17,}', '+?'))
          .map(([inner, times]) => `(?:${inner})${times}`),
      ),
      expression: fc
        .array(fc.array(tie('part'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 })
        .map((alternatives) => alternatives.map((parts) => parts.join('')).join('|')),
    }));
    const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'B', 'x', '-', 'é'), maxLength: 20 });
    fc.assert(
      fc.property(expression, fc.boolean(), fc.array(text, { minLength: 5, maxLength: 5 }), (source, fold, texts) => {
        const { folded, linear } = shapeOf(fold ? `(?i:${source})` : source);
        const own = new RegExp(source, fold ? 'i' : '');
        for (const one of texts) {
          // Some of these would backtrack for ever.
          const [found, inFolded] = [execWatched(own, one), execWatched(new RegExp(folded), one)];
          fc.pre(found !== undefined && inFolded !== undefined);
          expect(inFolded).toEqual(found);
          if (linear !== undefined) expect(new RegExp(linear, 'l').test(one)).toBe(found !== null);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
