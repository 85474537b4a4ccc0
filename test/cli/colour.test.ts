import { describe, expect, it } from 'vitest';
import { isColoured, paintFor } from '../../src/cli/colour.ts';
import type { Output } from '../../src/cli/io.ts';

const terminal = { isTTY: true, write: () => true };
const pipe = { write: () => true };

describe('isColoured', () => {
  it.each<[string, Output, Record<string, string>, boolean]>([
    ['a terminal', terminal, {}, true],
    ['a pipe', pipe, {}, false],
    ['an output that says it is none', { ...pipe, isTTY: false }, {}, false],
    ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
    ['a terminal with a name', terminal, { TERM: 'xterm-256color' }, true],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
    ['FORCE_COLOR on a pipe', pipe, { FORCE_COLOR: '1' }, true],
    ['an empty FORCE_COLOR', pipe, { FORCE_COLOR: '' }, true],
    ['FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, false],
    ['FORCE_COLOR=false', terminal, { FORCE_COLOR: 'false' }, false],
    ['FORCE_COLOR against NO_COLOR', pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['FORCE_COLOR on a dumb terminal', terminal, { FORCE_COLOR: '3', TERM: 'dumb' }, true],
  ])('%s', (_name, output, env, expected) => {
    expect(isColoured(output, env)).toBe(expected);
  });
});

describe('paintFor', () => {
  it('wraps text in the codes of its style', () => {
    const paint = paintFor(terminal, {});
    const painted = Object.entries(paint).map(([name, style]) => [name, style('x')]);
    expect(Object.fromEntries(painted)).toEqual({
      bold: '\u001b[1mx\u001b[0m',
      dim: '\u001b[2mx\u001b[0m',
      inverse: '\u001b[7mx\u001b[0m',
      red: '\u001b[31mx\u001b[0m',
      green: '\u001b[32mx\u001b[0m',
      yellow: '\u001b[33mx\u001b[0m',
      cyan: '\u001b[36mx\u001b[0m',
    });
  });

  it('passes text on where colour is off', () => {
    expect(paintFor(pipe, {}).red('x')).toBe('x');
  });
});
