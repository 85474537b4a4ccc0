import { describe, expect, it } from 'vitest';
import { parseJson, parseYaml } from '../../src/config/parse-text.ts';
import type { Path } from '../../src/config/problem.ts';

function problemsOf(parse: typeof parseYaml, text: string): string[] {
  return parse('f', text).problems.map(({ line, column, key, message }) => `${line}:${column}: ${key}: ${message}`);
}

function readValue(text: string): unknown {
  const parsed = parseYaml('f', text);
  return parsed.ok ? parsed.value : parsed.problems;
}

function locate(text: string, path: Path, part: 'key' | 'value'): string {
  const parsed = parseYaml('f', text);
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  const { line, column } = parsed.source.locate(path, part);
  return `${line}:${column}`;
}

describe('parseYaml', () => {
  it.each([
    ['', null],
    ['# only a comment\n', null],
    ['---\n', null],
    ['a: 1', { a: 1 }],
    ['a: [1, two, null, ~, true, "3"]', { a: [1, 'two', null, null, true, '3'] }],
    ['a: off\nb: yes\nc: NO\nd: on', { a: 'off', b: 'yes', c: 'NO', d: 'on' }],
    ['%YAML 1.1\n---\na: yes', { a: 'yes' }],
    ['a: 0x10\nb: 0o17\nc: 017\nd: 1e3\ne: 1_000\nf: 12:30', { a: 16, b: 15, c: 17, d: 1000, e: '1_000', f: '12:30' }],
    ['a: 2024-01-01', { a: '2024-01-01' }],
    ['a: ~x', { a: '~x' }],
    ['a: :8080', { a: ':8080' }],
    ['a: |\n  x\n  y\n', { a: 'x\ny\n' }],
    ['8080: x\ntrue: y\n1.50: z', { 8080: 'x', true: 'y', '1.5': 'z' }],
    ['a: &x { b: 1 }\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['a: &x [1]\nc: [*x, *x]', { a: [1], c: [[1], [1]] }],
    ['a: { b, c: }', { a: { b: null, c: null } }],
    ['- 1\n-\n- ', [1, null, null]],
    ['text', 'text'],
    ['"<<": { a: 1 }', { '<<': { a: 1 } }],
  ])('reads %j', (text, value) => {
    expect(readValue(text)).toEqual(value);
  });

  it('keeps a key that objects treat in a way of their own', () => {
    const value = readValue('__proto__: { a: 1 }\nconstructor: 2') as object;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it.each([
    ['a: 1\na: 2', '2:1: a: this key is there twice, expected it once'],
    ['a:\n  b: 1\n  c: 2\n  b: 3', '4:3: a.b: this key is there twice, expected it once'],
    ['a: [{ b: 1, "b": 2 }]', '1:13: a[0].b: this key is there twice, expected it once'],
    ['1: x\n"1": y', '2:1: 1: this key is there twice, expected it once'],
    ['a: *nope', '1:4: a: got *nope, expected an anchor &nope before it'],
    ['a: [*b]\nc: &b 1', '1:5: a[0]: got *b, expected an anchor &b before it'],
    ['a: { ? [1] : 2 }', '1:8: a: there is a key that is not plain text, expected a name'],
    ['a: { ? : 2 }', '1:4: a: there is a key that is not plain text, expected a name'],
    ['a: !foo x', '1:4: : Unresolved tag: !foo'],
    ['a: "x', '1:6: : Missing closing "quote'],
    ['a: @x', '1:4: : Plain value cannot start with reserved character @'],
    ['a:\n\t- b', '2:1: : Tabs are not allowed as indentation'],
    ['a: 1\n---\nb: 2', '2:1: : a second document begins here, expected only one'],
    ['a: &a { b: 1 }\nc: { <<: *a, d: 2 }', '2:6: c["<<"]: merge keys are not supported: write the keys here'],
    ['a: [::1]:80', '1:9: : Unexpected scalar at node end'],
  ])('finds in %j: %s', (text, problem) => {
    expect(problemsOf(parseYaml, text)).toEqual([problem]);
  });

  it('says one thing of a place, in the order of the text, and stops at twenty', () => {
    const text = Array.from({ length: 30 }, (_, i) => `k${i}: @x`).join('\n');
    const problems = problemsOf(parseYaml, text);
    expect(problems).toHaveLength(20);
    expect(problems[0]).toMatch(/^1:5: /);
    expect(new Set(problems.map((problem) => problem.split(': ')[0])).size).toBe(20);
  });

  it('goes on past a key that is there twice: the rest is still worth checking', () => {
    const parsed = parseYaml('f', 'a: 1\na: 2\nb: 3');
    expect(parsed).toMatchObject({ ok: true, value: { a: 1, b: 3 } });
  });

  it('ends where an alias stands inside of what it stands for', () => {
    expect(problemsOf(parseYaml, 'a: &x [*x]')).toEqual(['1:8: a: too much, expected at most 64 levels']);
    expect(problemsOf(parseYaml, 'a: &x { b: *x, c: *x }')).toEqual(['1:12: a: too much, expected at most 64 levels']);
  });

  it('ends where aliases of aliases grow beyond all bounds', () => {
    const lines = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(problemsOf(parseYaml, lines.join('\n'))).toEqual([
      expect.stringContaining('too much, expected at most 100000 values'),
    ]);
  });

  it('ends in text that nests without end', () => {
    for (const [text, parse] of [
      ['['.repeat(5000), parseYaml],
      ['- '.repeat(5000), parseYaml],
      ['['.repeat(5000) + ']'.repeat(5000), parseJson],
    ] as const)
      expect(problemsOf(parse, text)).toEqual([
        expect.stringMatching(/^1:\d+: : too much, expected at most 64 levels$/),
      ]);
    expect(problemsOf(parseYaml, '['.repeat(65) + ']'.repeat(65))).toEqual([]);
    expect(problemsOf(parseYaml, '['.repeat(66) + ']'.repeat(66))).toEqual([
      '1:66: [0]: too much, expected at most 64 levels',
    ]);
  });

  it('takes 100000 values', () => {
    const list = (length: number) => `[${Array(length).fill('1').join(',')}]`;
    expect(problemsOf(parseYaml, list(99_999))).toEqual([]);
    expect(problemsOf(parseYaml, list(100_000))).toHaveLength(1);
  });
});

describe('the places in a text', () => {
  const text = [
    'listeners:',
    '  web: { bind: ":80", routes: [{ pool: a }] }',
    '  "my.db":',
    '    bind:',
    '      - ":1"',
    '      -   ":2"',
    'empty:',
    'pools: &p',
    '  a: 1',
    'again: *p',
  ].join('\n');

  it.each([
    [[], '1:1', '1:1'],
    [['listeners'], '1:1', '2:3'],
    [['listeners', 'web'], '2:3', '2:8'],
    [['listeners', 'web', 'bind'], '2:10', '2:16'],
    [['listeners', 'web', 'routes', 0], '2:32', '2:32'],
    [['listeners', 'web', 'routes', 0, 'pool'], '2:34', '2:40'],
    [['listeners', 'my.db'], '3:3', '4:5'],
    [['listeners', 'my.db', 'bind', 1], '6:11', '6:11'],
    [['empty'], '7:1', '7:1'],
    [['pools', 'a'], '9:3', '9:6'],
    [['again'], '10:1', '10:8'],
    [['again', 'a'], '9:3', '9:6'],
  ] as [Path, string, string][])('%j: key at %s, value at %s', (path, key, value) => {
    expect(locate(text, path, 'key')).toBe(key);
    expect(locate(text, path, 'value')).toBe(value);
  });

  it.each([
    [['nothing'], '1:1'],
    [['listeners', 'web', 'limits', 'connections'], '2:3'],
    [['listeners', 'web', 'routes', 0, 'match', 'host', 1], '2:32'],
    [['empty', 'x'], '7:1'],
  ] as [Path, string][])('of what is missing are those of the key it would be under: %j', (path, place) => {
    expect(locate(text, path, 'key')).toBe(place);
    expect(locate(text, path, 'value')).toBe(place);
  });
});

describe('parseJson', () => {
  it('reads JSON, tabs and all', () => {
    const text = JSON.stringify({ a: [1, { b: 'x\n"é\u2028' }], 'c/d': null, e: 1e-7, f: '' }, null, '\t');
    const parsed = parseJson('f', text);
    expect(parsed).toMatchObject({ ok: true, value: JSON.parse(text) });
    expect(parsed.ok && parsed.source.locate(['a', 1, 'b'], 'value')).toEqual({ line: 5, column: 9 });
  });

  it('takes text without anything in it as empty', () => {
    expect(parseJson('f', ' \n')).toMatchObject({ ok: true, value: null });
  });

  it.each([
    ['{"a":1,}', '1:8: : Expected double-quoted property name'],
    ['{"a" 1}', "1:6: : Expected ':' after property name"],
    ['[1 2]', "1:4: : Expected ',' or ']' after array element"],
    ['{\n  "a": tru\n}', '2:8: : Unresolved plain scalar "tru"'],
    ['{"a": 1} // c', '1:10: : Unexpected non-whitespace character after JSON'],
    ['{ "a": 1, "a": 2 }', '1:11: a: this key is there twice, expected it once'],
    ["{'a': 1}", "1:2: : Expected property name or '}'"],
    ['# YAML\na: 1', '2:1: : Unresolved plain scalar "a"'],
  ])('finds in %j: %s', (text, problem) => {
    const found = problemsOf(parseJson, text);
    expect(found).toEqual([problem]);
    expect(found[0]).not.toMatch(/\n/);
  });

  it.each(['{', '{"a":', '[1,', '"x'])('says something of a text that breaks off: %s', (text) => {
    const [problem] = problemsOf(parseJson, text);
    expect(problem).toMatch(/^1:\d: : \S/);
  });
});
