import { afterEach, describe, expect, it, vi } from 'vitest';
import { readOptions, runMain, usage } from '../../../bench/lib/options.ts';

const specs = {
  rounds: { about: 'how often', default: 3 },
  peers: { about: 'who', default: ['a', 'b'], choices: ['a', 'b', 'c'] },
  balance: { about: 'algorithm', default: 'x', choices: ['x', 'y'] },
  out: { about: 'where', default: 'bench/results' },
  check: { about: 'fail', default: false },
};

describe('readOptions', () => {
  it('gives the defaults', () => {
    expect(readOptions([], specs)).toEqual({
      rounds: 3,
      peers: ['a', 'b'],
      balance: 'x',
      out: 'bench/results',
      check: false,
    });
  });

  it('reads each type', () => {
    const argv = ['--rounds', '1.5', '--peers', 'c, a', '--balance=y', '--out', '/tmp/x', '--check'];
    expect(readOptions(argv, specs)).toEqual({
      rounds: 1.5,
      peers: ['c', 'a'],
      balance: 'y',
      out: '/tmp/x',
      check: true,
    });
  });

  it.each([
    [['--rounds', 'many'], '--rounds many: expected a number'],
    [['--rounds='], '--rounds : expected a number'],
    [['--rounds=-1'], '--rounds -1: expected a number'],
    [['--rounds', 'Infinity'], '--rounds Infinity: expected a number'],
    [['--peers', 'a,z'], '--peers z: expected one of a, b, c'],
    [['--balance', 'z'], '--balance z: expected one of x, y'],
    [['--unknown'], "Unknown option '--unknown'"],
    [['stray'], 'stray'],
  ])('refuses %o', (argv, message) => expect(() => readOptions(argv, specs)).toThrow(message));
});

describe('usage', () => {
  it('has a line for each option with its default', () => {
    const text = usage('npm run x --', 'does it', specs);
    expect(text).toMatch(/^npm run x --: does it\n\n/);
    expect(text).toMatch(/^ {2}--rounds 3 +how often$/m);
    expect(text).toMatch(/^ {2}--peers a,b +who$/m);
    expect(text).toMatch(/^ {2}--check +fail$/m);
  });
});

describe('runMain', () => {
  const argv = process.argv;
  afterEach(() => {
    process.argv = argv;
    process.exitCode = undefined;
    vi.restoreAllMocks();
  });

  async function run(args: string[], main: () => Promise<void>): Promise<{ out: string; err: string; code: unknown }> {
    process.argv = ['node', 'bench.ts', ...args];
    const written = { out: '', err: '' };
    const into = (key: 'out' | 'err') => (text: string | Uint8Array) => {
      written[key] += text;
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out'));
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err'));
    await runMain(specs, ['bench', 'about'], main);
    return { ...written, code: process.exitCode };
  }

  it('runs with the options', async () => {
    const main = vi.fn(async () => undefined);
    expect(await run(['--rounds', '7'], main)).toEqual({ out: '', err: '', code: undefined });
    expect(main).toHaveBeenCalledWith(expect.objectContaining({ rounds: 7 }));
  });

  it.each(['--help', '-h'])('prints the usage for %s and does not run', async (flag) => {
    const main = vi.fn(async () => undefined);
    expect(await run([flag], main)).toEqual({ out: usage('bench', 'about', specs), err: '', code: undefined });
    expect(main).not.toHaveBeenCalled();
  });

  it('ends with 2 on a wrong option and with 1 on a failed run, in one line each', async () => {
    const main = vi.fn(async () => undefined);
    expect(await run(['--rounds', 'x'], main)).toMatchObject({ err: '--rounds x: expected a number\n', code: 2 });
    expect(main).not.toHaveBeenCalled();
    const failing = async () => Promise.reject(new Error('no such luck'));
    expect(await run([], failing)).toEqual({ out: '', err: 'no such luck\n', code: 1 });
  });
});
