import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands.ts';
import { shapeOf } from '../../../src/cli/completion/shape.ts';
import { fakeIo } from '../fake-io.ts';

const command: Command = {
  summary: 'does it',
  usage: `
NAME
  fairlead it - does it

USAGE
  fairlead it POOL/BACKEND [OPTION]...

OPTIONS
  -w, --wait         wait until
                     --not-this-one
  --warm-up TIME     load before; default 1s
  -H, --header 'NAME: VALUE'  a header
  --html FILE        write it
  -h, --help         print this

EXAMPLES
  --no-option
`,
  main: async () => 0,
};

describe('the shape of a command', () => {
  it('is what its help says', () => {
    expect(shapeOf('it', command)).toEqual({
      name: 'it',
      summary: 'does it',
      takes: 'backends',
      options: [
        { long: '--wait', short: '-w', value: undefined, says: 'wait until' },
        { long: '--warm-up', short: undefined, value: 'nothing', says: 'load before' },
        { long: '--header', short: '-H', value: 'nothing', says: 'a header' },
        { long: '--html', short: undefined, value: 'files', says: 'write it' },
        { long: '--help', short: '-h', value: undefined, says: 'print this' },
      ],
    });
  });
});

describe.each(Object.keys(commands))('the help of %s', (name) => {
  it('tells of options that there are, each with a value or without as it says', async () => {
    const loaded = await commands[name]!();
    const { options } = shapeOf(name, loaded);
    expect(options.map(({ long }) => long)).toContain('--help');
    for (const { long, short, value } of options.filter((option) => option.long !== '--help')) {
      for (const flag of [long, short].filter((one) => one !== undefined)) {
        const io = fakeIo({ cwd: '/' });
        // The option that is not known is complained of when the one before it is, in the form that was used.
        const args = value === undefined ? [flag, '--not-known'] : [flag, 'x', '--not-known'];
        expect([flag, await loaded.main(args, io, async () => ({}))]).toEqual([flag, 2]);
        expect(io.stderr.text()).toContain("unknown option '--not-known'");
      }
    }
  });
});
