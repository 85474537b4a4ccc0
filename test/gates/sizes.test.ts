import { describe, expect, it } from 'vitest';
import { sizeBreaches } from './sizes.ts';
import { filledLines, readFiles } from './source.ts';

const limits = { fileLines: 400, functionLines: 70, parameters: 4 };

describe('the sizes of the sources', () => {
  it.each(['src', 'test', 'bench', 'scripts', 'examples'])('%s keeps within the limits', (folder) => {
    expect(readFiles(`${folder}/**/*.{ts,tsx}`).flatMap((file) => sizeBreaches(file, limits))).toEqual([]);
  });

  it('has at least as many lines of tests as of source', () => {
    const lines = (folder: string) =>
      readFiles(`${folder}/**/*.{ts,tsx}`).reduce((sum, file) => sum + filledLines(file.text), 0);
    expect(lines('test')).toBeGreaterThanOrEqual(lines('src'));
  });
});

describe('sizeBreaches', () => {
  const small = { fileLines: 6, functionLines: 3, parameters: 2 };
  const long = '{\n  a();\n  b();\n}';
  const breaches = (text: string) => sizeBreaches({ path: 'x.ts', text }, small);

  it.each([
    ['a function', `function f() ${long}`, "x.ts:1: lines of 'f': 4, at most 3"],
    ['one behind a line', `\nfunction f() ${long}`, "x.ts:2: lines of 'f': 4, at most 3"],
    ['an arrow function', `const f = () => ${long}`, "x.ts:1: lines of 'f': 4, at most 3"],
    ['an unnamed one', `call(() => ${long})`, "x.ts:1: lines of 'a function': 4, at most 3"],
    ['a method', `class A { m() ${long} }`, "x.ts:1: lines of 'm': 4, at most 3"],
    ['a method over its parameters', 'class A { m(\n  a: 1,\n) {\n} }', "x.ts:1: lines of 'm': 4, at most 3"],
    ['a getter', `class A { get m() ${long} }`, "x.ts:1: lines of 'm': 4, at most 3"],
    ['a method of an object', `const o = { m() ${long} }`, "x.ts:1: lines of 'm': 4, at most 3"],
    ['a test', `it('works', () => ${long})`, "x.ts:1: lines of 'a function': 4, at most 3"],
    ['a file', 'a();\n'.repeat(7), 'x.ts:1: lines of the file: 7, at most 6'],
    ['a row of another table', 'rows.each((a, b, c) => {})', "x.ts:1: parameters of 'a function': 3, at most 2"],
    ['a test, be it one', "it('x', (a, b, c) => {})", "x.ts:1: parameters of 'a function': 3, at most 2"],
    ['parameters', 'function f(a, b, c) {}', "x.ts:1: parameters of 'f': 3, at most 2"],
    ['a rest parameter', 'function f(a, b, ...c) {}', "x.ts:1: parameters of 'f': 3, at most 2"],
    ['a pattern', 'function f(a, b, { c, d }) {}', "x.ts:1: parameters of 'f': 3, at most 2"],
    ['a constructor', 'class A { constructor(a, b, c) {} }', "x.ts:1: parameters of 'constructor': 3, at most 2"],
    ['an interface', 'interface A { m(a: 1, b: 1, c: 1): void }', "x.ts:1: parameters of 'm': 3, at most 2"],
    ['a type', 'type A = (a: 1, b: 1, c: 1) => void', "x.ts:1: parameters of 'a function': 3, at most 2"],
    ['an overload', 'function f(a, b, c): void;', "x.ts:1: parameters of 'f': 3, at most 2"],
    ['lines behind wide characters', `// 🐑\nfunction f() ${long}`, "x.ts:2: lines of 'f': 4, at most 3"],
  ])('reports %s', (_name, text, message) => {
    expect(breaches(text)).toEqual([message]);
  });

  it.each([
    ['what is just within', `${'// line\n'.repeat(3)}function f(a, b) {\n  a();\n}\n`],
    ['a suite', `describe('x', () => ${long})`],
    ['a suite over a table', `describe.each([1])('x', () => ${long})`],
    ['a suite over a template', `describe.each\`a\`('x', () => ${long})`],
    ['the columns of a table', "it.each([[1, 2, 3]])('x', (a, b, c) => {})"],
    ['the columns of a table of few', "it.only.each([[1, 2, 3]])('x', (a, b, c) => {})"],
    ['the groups of a pattern', 'text().replace(/x/, (a, b, c) => {})'],
    ['the parameter this', 'function f(this: A, a, b) {}'],
    ['two short functions', 'function f() {\n}\nfunction g() {\n}'],
  ])('accepts %s', (_name, text) => {
    expect(breaches(text)).toEqual([]);
  });

  it('measures the functions inside a suite', () => {
    expect(breaches(`describe('x', () => { it('y', () => ${long}) })`)).toHaveLength(1);
  });
});
