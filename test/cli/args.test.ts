import { describe, expect, it } from 'vitest';
import { readArgs } from '../../src/cli/args.ts';

const rules = {
  options: { level: { type: 'string', short: 'l' }, quiet: { type: 'boolean' } },
  positionals: ['CONFIG'],
} as const;

describe('readArgs', () => {
  it.each([
    [[], {}, []],
    [['a.yaml'], {}, ['a.yaml']],
    [['--quiet', 'a.yaml'], { quiet: true }, ['a.yaml']],
    [['a.yaml', '--level', 'warn'], { level: 'warn' }, ['a.yaml']],
    [['--level=warn'], { level: 'warn' }, []],
    [['-l', 'warn'], { level: 'warn' }, []],
    [['-h'], { help: true }, []],
    [['--help'], { help: true }, []],
    [['--', '--quiet'], {}, ['--quiet']],
    [['-'], {}, ['-']],
  ])('understands %j', (args, values, positionals) => {
    expect(readArgs(args, rules)).toEqual({ ok: true, values, positionals });
  });

  it.each([
    [['a.yaml', 'b.yaml'], "unexpected argument 'b.yaml'"],
    [['--quite'], "unknown option '--quite'; did you mean '--quiet'?"],
    [['--hlep'], "unknown option '--hlep'; did you mean '--help'?"],
    [['--colour'], "unknown option '--colour'"],
    [['-x'], "unknown option '-x'"],
    [['--level'], "Option '-l, --level <value>' argument missing"],
    [['--quiet=yes'], "Option '--quiet' does not take an argument"],
  ])('refuses %j', (args, problem) => {
    expect(readArgs(args, rules)).toEqual({ ok: false, problem });
  });

  it('takes no argument where no rule names one', () => {
    expect(readArgs(['a'], {})).toEqual({ ok: false, problem: "unexpected argument 'a'" });
  });
});
