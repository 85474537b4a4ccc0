import { describe, expect, test } from 'vitest';
import { Template } from '../../src/route/template.ts';

describe('a template', () => {
  test.each([
    ['/a', 0, '/a'],
    ['', 0, ''],
    ['/$1/x', 1, '/<1>/x'],
    ['$2$1$2', 2, '<2><1><2>'],
    ['/$10', 1, '/<1>0'],
    ['/$$1', 0, '/$1'],
    ['/$$$1', 1, '/$<1>'],
    ['/$a$0$', 0, '/$a$0$'],
    ['/$9', 9, '/<9>'],
  ])('%s has places up to $%i and is filled as %s', (text, highest, filled) => {
    const template = new Template(text);
    expect([template.highest, template.fill((number) => `<${number}>`)]).toEqual([highest, filled]);
  });

  test('says what stands before each place', () => {
    const seen: string[] = [];
    const template = new Template('/a$1?b=$2');
    template.fill((number, before) => {
      seen.push(before);
      return String(number);
    });
    expect([template.start, seen]).toEqual(['/a', ['/a', '/a1?b=']]);
  });
});
