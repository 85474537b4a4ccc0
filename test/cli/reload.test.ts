import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { closeOpened } from '../support/opened.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { CliProcess } from './cli-process.ts';
import { fakeIo } from './fake-io.ts';

let folder: string;
let path: string;
let cli: CliProcess;
let admin: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-reload-'));
  path = join(folder, 'fairlead.yaml');
  await writeFile(path, config('127.0.0.1:3001'));
  cli = new CliProcess(['run', path]);
  admin = (await cli.until('stdout', /listening admin (\S+)/))[1]!;
}, 30_000);
afterAll(async () => {
  cli.kill('SIGKILL');
  await closeOpened();
  await rm(folder, { recursive: true });
});

function config(backend: string): string {
  return [
    'workers: 1',
    'watch: false',
    'admin: { bind: "127.0.0.1:0" }',
    'listeners: { web: { protocol: http, bind: "127.0.0.1:0", pool: app } }',
    `pools: { app: { backends: [ { name: one, address: "${backend}" }, "127.0.0.1:3009" ], health: { type: off } } }`,
  ].join('\n');
}

async function run(...args: string[]) {
  const io = fakeIo();
  const code = await main(['reload', ...args], io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

describe('fairlead reload', () => {
  it('brings the file into force', async () => {
    await writeFile(path, config('127.0.0.1:3002'));
    expect(await run('--admin', admin)).toEqual({ code: 0, stdout: 'config reloaded, generation 2\n', stderr: '' });
    const io = fakeIo();
    await main(['status', '--admin', admin, '--json'], io);
    expect(JSON.parse(io.stdout.text()).pools[0].backends[0]).toMatchObject({ id: 'one', address: '127.0.0.1:3002' });
  });

  it('names every problem of a file that is refused', async () => {
    await writeFile(path, config('127.0.0.1:3002').replace('pool: app', 'pool: ap').replace('type: off', 'type: of'));
    const { code, stdout, stderr } = await run('--admin', admin);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.replaceAll(path, 'FILE').split('\n')).toEqual([
      expect.stringMatching(/^FILE:4:\d+: listeners\.web\.pool: /),
      expect.stringMatching(/^FILE:5:\d+: pools\.app\.health\.type: /),
      'the config was refused for 2 problems; the one in force stays',
      '',
    ]);
    const json = await run('--admin', admin, '--json');
    expect(json).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(json.stdout).problems).toHaveLength(2);
  });

  it('says when there is no file to load', async () => {
    const lb = await runFairlead({ ...webConfig(['127.0.0.1:3001']), admin: { bind: '127.0.0.1:0' } });
    expect(await run('--admin', lb.adminAddresses[0]!)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'fairlead reload: the config did not come from a file that could be loaded again\n',
    });
  });
});
