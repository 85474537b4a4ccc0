import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { closeOpened } from '../../support/opened.ts';
import { runFairlead, webConfig } from '../../support/running.ts';
import { entry } from '../cli-process.ts';
import { fakeIo } from '../fake-io.ts';

const run = promisify(execFile);
const marker = '=== ';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-completion-'));
  const config = webConfig(['127.0.0.1:3001', '[::1]:3001', { name: 'one', address: '127.0.0.1:3003' }]);
  const lb = await runFairlead({ ...config, admin: { bind: '127.0.0.1:0' } });
  await writeFile(join(folder, 'fairlead.yaml'), `admin: { bind: "${lb.adminAddresses[0]}" }`);
});
afterAll(async () => {
  await closeOpened();
  await rm(folder, { recursive: true });
});

async function script(shell: string): Promise<string> {
  const io = fakeIo();
  expect(await main(['completion', shell], io)).toBe(0);
  return io.stdout.text();
}

/** What bash completes each of the lines to, at its end. */
async function completed(lines: readonly string[], wordBreaks = ' \t\n"\'><=;|&(:'): Promise<string[][]> {
  await writeFile(join(folder, 'completion.bash'), await script('bash'));
  const program = [
    // A function in the place of the command that is installed, which this checkout is not.
    `fairlead() { "${process.execPath}" "${entry}" "$@"; }`,
    'source ./completion.bash',
    'COMP_WORDBREAKS=$1; shift',
    'for line in "$@"; do',
    `  echo "${marker}"; COMP_LINE=$line COMP_POINT=\${#line}; _fairlead`,
    `  for word in "\${COMPREPLY[@]}"; do echo "$word"; done`,
    'done',
  ].join('\n');
  const args = ['--norc', '--noprofile', '-c', program, 'bash', wordBreaks, ...lines];
  const { stdout, stderr } = await run('bash', args, { cwd: folder });
  expect(stderr).toBe('');
  const parts = stdout.split(`${marker}\n`).slice(1);
  return parts.map((part) => part.split('\n').filter((word) => word !== ''));
}

describe('completion in bash', () => {
  it('gives commands, options, files and shells', async () => {
    const cases: [string, string[]][] = [
      ['fairlead dr', ['drain']],
      ['fairlead dem', ['demo']],
      ['fairlead help ex', ['explain']],
      ['fairlead bench --ra', ['--rate']],
      [
        'fairlead explain -',
        ['-H', '--header', '-d', '--data', '--source', '--sni', '--alpn', '--listener', '--json', '-h', '--help'],
      ],
      ['fairlead check fair', ['fairlead.yaml']],
      ['fairlead bench --html fair', ['fairlead.yaml']],
      ['fairlead bench --rate ', []],
      ['fairlead completion ', ['bash', 'zsh', 'fish']],
      ['fairlead --v', ['--version']],
      ['fairlead nothing ', []],
    ];
    const found = await completed(cases.map(([line]) => line));
    expect(cases.map(([line], n) => [line, found[n]])).toEqual(cases);
  });

  it('gives the backends of the running instance, whose addresses bash cuts at colons', async () => {
    const [all, one, ipv6, next] = await completed([
      'fairlead drain ',
      'fairlead enable web/127.0.0.1:',
      'fairlead weight --config fairlead.yaml web/[::1]:3',
      'fairlead weight web/one ',
    ]);
    expect(all).toEqual(['web/127.0.0.1:3001', 'web/[::1]:3001', 'web/one']);
    expect(one).toEqual(['3001']);
    expect(ipv6).toEqual(['3001']);
    expect(next).toEqual([]);
    expect(await completed(['fairlead drain web/127.0.0.1:'], ' ')).toEqual([['web/127.0.0.1:3001']]);
  });
});

describe('completion in other shells', () => {
  it('knows every command and option', async () => {
    const [zsh, fish] = [await script('zsh'), await script('fish')];
    expect(zsh).toMatch(/^#compdef fairlead\n/);
    expect(zsh).toContain("'--rate[an open loop of so many requests a second]:value: '");
    expect(fish).toContain("-a drain -d 'give a backend no new clients, and watch it become empty'");
    expect(fish).toContain("'__fish_seen_subcommand_from bench' -l rate -s R -x -d 'an open loop");
  });
});

describe('fairlead completion', () => {
  it.each([
    [[], 'which shell? expected bash, zsh, fish'],
    [['tcsh'], "'tcsh' is no shell that is known: expected bash, zsh, fish"],
    [['bash', 'x'], "unexpected argument 'x'"],
  ])('refuses %j', async (args, problem) => {
    const io = fakeIo();
    expect(await main(['completion', ...args], io)).toBe(2);
    expect(io.stderr.text()).toBe(`fairlead completion: ${problem}\nTry 'fairlead completion --help'.\n`);
  });

  it('says nothing of backends when nobody can be asked', async () => {
    const io = fakeIo();
    expect(await main(['completion', 'backends', '--admin', '127.0.0.1:1'], io)).toBe(1);
    expect(io.stdout.text() + io.stderr.text()).toBe('');
  });
});
