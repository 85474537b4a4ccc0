import { describe, expect, test } from 'vitest';
import { MAX_LISTED, TextSet } from '../../src/route/text-set.ts';

describe('a set of texts', () => {
  test.each([0, 1, 2, MAX_LISTED, MAX_LISTED + 1, 1000])('has just its %i members', (size) => {
    const texts = Array.from({ length: size }, (_, index) => `text-${index}`);
    const set = new TextSet([...texts, ...texts]);
    expect(set.texts).toEqual(texts);
    expect(texts.every((text) => set.has(text))).toBe(true);
    for (const other of ['', 'text', `text-${size}`, 'Text-0', 'text-0 ']) expect(set.has(other)).toBe(false);
  });

  test('may have the empty text', () => {
    expect(new TextSet(['']).has('')).toBe(true);
  });
});
