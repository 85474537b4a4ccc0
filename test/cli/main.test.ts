import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { main } from '../../src/cli/main.ts';
import { entry, runCli } from './cli-process.ts';
import { fakeIo } from './fake-io.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

async function run(args: string[], options: Parameters<typeof fakeIo>[0] = {}) {
  const io = fakeIo(options);
  const code = await main(args, io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

describe('fairlead', () => {
  it.each(['--version', '-V'])('%s prints the version of package.json', async (option) => {
    expect(await run([option])).toEqual({ code: 0, stdout: `fairlead ${manifest.version}\n`, stderr: '' });
  });

  it.each([['--help'], ['-h'], ['help']])('%s lists the commands with what they do', async (option) => {
    const { code, stdout, stderr } = await run([option]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const width = Math.max(...Object.keys(commands).map((name) => name.length));
    for (const [name, load] of Object.entries(commands)) {
      expect(stdout).toContain(`  ${name.padEnd(width)}  ${(await load()).summary}\n`);
    }
  });

  it('without a command says how to use it, and that this was not it', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^NAME\n {2}fairlead - /);
  });

  it.each([
    [['chekc'], "fairlead: unknown command 'chekc'; did you mean 'check'?\nTry 'fairlead --help'.\n"],
    [['relod'], "fairlead: unknown command 'relod'; did you mean 'reload'?\nTry 'fairlead --help'.\n"],
    [['frobnicate'], "fairlead: unknown command 'frobnicate'\nTry 'fairlead --help'.\n"],
    [['help', 'frobnicate'], "fairlead: unknown command 'frobnicate'\nTry 'fairlead --help'.\n"],
    [['toString'], "fairlead: unknown command 'toString'\nTry 'fairlead --help'.\n"],
    [['--verbose', 'run'], "fairlead: unknown option '--verbose'\nTry 'fairlead --help'.\n"],
    [['schema', 'x'], "fairlead schema: unexpected argument 'x'\nTry 'fairlead schema --help'.\n"],
    [['demo', 'x'], "fairlead demo: unexpected argument 'x'\nTry 'fairlead demo --help'.\n"],
    [['run', 'a', 'b'], "fairlead run: unexpected argument 'b'\nTry 'fairlead run --help'.\n"],
    [['check', '--', '--help', 'b'], "fairlead check: unexpected argument 'b'\nTry 'fairlead check --help'.\n"],
  ])('refuses %j', async (args, stderr) => {
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr });
  });

  it('sets headings in bold on a terminal only', async () => {
    const bold = '\u001b[1mUSAGE\u001b[0m';
    expect((await run(['--help'], { isTTY: true })).stdout).toContain(bold);
    expect((await run(['--help'])).stdout).toContain('\nUSAGE\n');
    expect((await run(['--help'], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain(bold);
    expect((await run(['--help'], { env: { FORCE_COLOR: '1' } })).stdout).toContain(bold);
  });
});

describe.each(Object.keys(commands))('fairlead %s', (name) => {
  it.each([[[name, '--help']], [[name, '-h']], [[name, 'x', 'y', '-h']], [['help', name]]])(
    'explains itself with %j',
    async (args) => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^NAME\n {2}fairlead ${name} - `));
      const headings = stdout.match(/^[A-Z][A-Z ]+$/gm);
      expect(headings).toEqual(expect.arrayContaining(['USAGE', 'DESCRIPTION', 'OPTIONS', 'EXIT CODES', 'EXAMPLES']));
      expect(stdout.split('\n').every((line) => line.length <= 120)).toBe(true);
    },
  );

  it('refuses an option it does not know', async () => {
    const stderr = `fairlead ${name}: unknown option '--hlep'; did you mean '--help'?\nTry 'fairlead ${name} --help'.\n`;
    expect(await run([name, '--hlep'])).toEqual({ code: 2, stdout: '', stderr });
  });
});

describe('the process', () => {
  it('ends with the exit code of the command', async () => {
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `fairlead ${manifest.version}\n` });
    expect(await runCli(['frobnicate'])).toMatchObject({ code: 2, stdout: '' });
  });

  it('writes everything into a pipe before it ends', async () => {
    const { code, stdout } = await runCli(['schema']);
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(10_000);
    expect(JSON.parse(stdout)).toMatchObject({ title: 'Fairlead config' });
  });

  it('does not mind a reader that has enough', async () => {
    const line = `"${process.execPath}" "${entry}" schema | head -c 1; echo " \${PIPESTATUS[0]}"`;
    expect(await promisify(execFile)('bash', ['-c', line])).toEqual({ stdout: '{ 0\n', stderr: '' });
  });

  it('can be started by the name that the package gives it', async () => {
    const run = promisify(execFile);
    const bin = `${root}${manifest.bin.fairlead}`;
    expect((await run(process.execPath, [bin, '--version'])).stdout).toBe(`fairlead ${manifest.version}\n`);
    await expect(run(process.execPath, [bin, 'frobnicate'])).rejects.toMatchObject({ code: 2 });
  });
});

describe('signals that come while a command is loaded', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-early-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a command that is sent signals before its file can be loaded; gives its exit code or the signal it ended by. */
  async function early(args: readonly string[], signals: readonly string[]): Promise<unknown> {
    const program = join(folder, 'program.mjs');
    const text = `const { runProcess } = await import(${JSON.stringify(pathToFileURL(entry).href)});
      const running = runProcess();
      for (const signal of ${JSON.stringify(signals)}) process.kill(process.pid, signal);
      await running;`;
    await writeFile(program, text);
    const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' });
    const [code, signal] = await once(child, 'exit');
    return code ?? signal;
  }

  it('are acted on by run when it is ready', async () => {
    const path = join(folder, 'fairlead.yaml');
    const listener = '{ protocol: http, bind: "127.0.0.1:0", routes: [{ respond: { status: 200 } }] }';
    await writeFile(path, `workers: 1\nadmin: false\nlisteners: { web: ${listener} }\n`);
    expect(await early(['run', path], ['SIGHUP', 'SIGTERM'])).toBe(0);
  });

  it('end all other commands at once', async () => {
    expect(await early(['schema'], ['SIGTERM'])).toBe('SIGTERM');
  });
});
