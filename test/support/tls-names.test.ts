import { describe, expect, it } from 'vitest';
import { NameTable } from '../../src/support/tls-names.ts';

describe('the names of certificates', () => {
  it.each([
    ['a.test', 1],
    ['A.TEST', 1],
    ['b.test', undefined],
    ['x.b.test', 2],
    ['X.B.test', 2],
    ['y.x.b.test', undefined],
    ['w.b.test', 3],
    ['test', undefined],
    ['', undefined],
    ['.b.test', 2],
  ])('%s is found as %s', (name, value) => {
    const names = new NameTable<number>();
    names.add('a.test', 1);
    names.add('*.B.test', 2);
    names.add('w.b.test', 3);
    names.add('a.test', 4);
    expect(names.find(name)).toBe(value);
  });
});
