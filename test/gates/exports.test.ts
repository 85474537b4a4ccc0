import { describe, expect, it } from 'vitest';
import { bareExports } from './exports.ts';
import { readFiles } from './source.ts';

describe('the exports of src', () => {
  it('each have a doc comment', () => {
    expect(readFiles('src/**/*.{ts,tsx}').flatMap(bareExports)).toEqual([]);
  });
});

describe('bareExports', () => {
  const found = (text: string) => bareExports({ path: 'x.ts', text });

  it.each([
    ['export const a = 1;', 'x.ts:1: a has no doc comment'],
    ['\nexport function b() {}', 'x.ts:2: b has no doc comment'],
    ['export interface C {}', 'x.ts:1: C has no doc comment'],
    ['export type D = 1;', 'x.ts:1: D has no doc comment'],
    ['export class E {}', 'x.ts:1: E has no doc comment'],
    ['export default 1;', 'x.ts:1: the default export has no doc comment'],
    ['// A line.\nexport const a = 1;', 'x.ts:2: a has no doc comment'],
    ['/* No doc. */\nexport const a = 1;', 'x.ts:2: a has no doc comment'],
    ['/** Of a. */\nexport const a = 1;\n\nexport const b = 1;', 'x.ts:4: b has no doc comment'],
    ['/** Of a. */\nexport const a = 1;\nexport type B = 1;', 'x.ts:3: B has no doc comment'],
    ['export const a = 1;\nexport default 1;\n', 'x.ts:2: the default export has no doc comment'],
    ['/** Of b. */\nconst b = 1;\nexport const a = 1;', 'x.ts:3: a has no doc comment'],
  ])('reports %j', (text, message) => {
    expect(found(text).at(-1)).toBe(message);
  });

  it.each([
    '/** Says it. */\nexport const a = 1;',
    '/**\n * Says it.\n */\nexport function b() {}',
    '/** Once for both. */\nexport function f(a: 1): 1;\nexport function f(a: number): number { return a; }',
    '/** For all. */\nexport const a = 1;\nexport const b = 1;\nexport const c = 1;',
    "export { a } from './a.ts';",
    "export * from './a.ts';",
    'const a = 1;\nexport { a };',
  ])('accepts %j', (text) => {
    expect(found(text)).toEqual([]);
  });
});
