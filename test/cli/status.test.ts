import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/status.ts';
import { closeOpened } from '../support/opened.ts';
import { startBackend } from '../support/recording-backend.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { fakeIo } from './fake-io.ts';

let folder: string;
let lb: RunningFairlead;
let other: http.Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-status-'));
  const backend = await startBackend();
  const admin = { bind: ['127.0.0.1:0', `unix:${folder}/admin.sock`], token: 'a-token' };
  lb = await runFairlead({ ...webConfig([{ name: 'one', address: backend.address }]), admin });
  other = http.createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
});
afterAll(async () => {
  await closeOpened();
  other.close();
  await rm(folder, { recursive: true });
});

async function run(args: string[], { env = {}, config }: { env?: Record<string, string>; config?: string } = {}) {
  if (config === undefined) await rm(join(folder, 'fairlead.yaml'), { force: true });
  else await writeFile(join(folder, 'fairlead.yaml'), config);
  const io = fakeIo({ cwd: folder, env });
  const code = await main(args, io);
  return { code, stdout: io.stdout.text(), stderr: io.stderr.text() };
}

const tcp = () => lb.adminAddresses[0]!;

describe('fairlead status', () => {
  it('shows an instance', async () => {
    const { code, stdout, stderr } = await run(['--admin', tcp(), '--token', 'a-token']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^fairlead \d+\.\d+\.\d+, ready\npid \d+, Node v/);
    expect(stdout).toContain(`web       http://${lb.address()}     0      0\n`);
    expect(stdout).toContain('pool web  round-robin, 1 of 1 usable, 0 active\nBACKEND  STATE    HEALTH  WEIGHT');
  });

  it('prints JSON', async () => {
    const { stdout } = await run(['--admin', `http://${tcp()}/`, '--token', 'a-token', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      status: { generation: 1 },
      readiness: { ready: true },
      pools: [{ name: 'web', backends: [{ id: 'one' }] }],
    });
  });

  it.each([
    ['--admin and the environment', () => [['--admin', tcp()], { env: { FAIRLEAD_TOKEN: 'a-token' } }]],
    ['a Unix socket', () => [['--admin', `unix:${folder}/admin.sock`, '--token', 'a-token'], {}]],
    ['the config file', () => [[], { config: `admin: { bind: "${tcp()}", token: a-token }` }]],
    [
      'the environment that the config file reads, whatever else is wrong with it',
      () => [[], { config: `admin: { bind: "${tcp()}", token: "\${T}" }\nlisteners: { x: 1 }`, env: { T: 'a-token' } }],
    ],
    [
      'a file that is named, where loopback comes first',
      () => [
        ['--config', `${folder}/fairlead.yaml`],
        { config: `admin: { bind: ["10.255.255.1:1", "${tcp()}"], token: a-token }` },
      ],
    ],
  ] as [string, () => [string[], object]][])('finds the instance by %s', async (_how, by) => {
    expect(await run(...by())).toMatchObject({ code: 0, stderr: '' });
  });

  const dead = '127.0.0.1:1';
  it.each([
    [['--admin', dead], {}, `cannot reach Fairlead at http://${dead}: nothing listens there`],
    [
      [],
      { config: `admin: { bind: "${dead}" }` },
      `cannot reach Fairlead at http://${dead}: nothing listens there (the address is from fairlead.yaml; --admin names another)`,
    ],
    [['--admin', 'unix:/nowhere.sock'], {}, 'cannot reach Fairlead at unix:/nowhere.sock: there is no such socket'],
    [[], { config: 'admin: false' }, 'fairlead.yaml says admin: false, so there is no admin server to ask'],
    [
      [],
      { config: 'admin: { bind: "127.0.0.1:0" }' },
      'the admin server of fairlead.yaml listens on a port that the system chooses: name it by --admin',
    ],
    [
      [],
      { config: 'admin: { bnd: 1 }' },
      'fairlead.yaml:1:10: admin.bnd: unknown key, expected bind or token (did you mean "bind"?); --admin ADDRESS does without the file',
    ],
  ] as [string[], object, string][])('%j says what is wrong', async (args, how, problem) => {
    const { code, stdout, stderr } = await run(args, how);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.replaceAll(`${folder}/`, '').replace(/(?:\.\.\/)+\S*(?=fairlead\.yaml)/g, '')).toBe(
      `fairlead status: ${problem}\n`,
    );
  });

  it.each([
    ['nope', 'the port is missing, '],
    ['x:y', '"y" is not a port from 0 to 65535, '],
    ['127.0.0.1:99999', '"99999" is not a port from 0 to 65535, '],
    ['127.0.0.1:0', ''],
    ['ftp://x', ''],
    ['http://a b', '"a b" is not a host name, '],
  ])('refuses --admin %s', async (written, why) => {
    const forms = 'HOST:PORT, http://HOST:PORT, https://HOST:PORT or unix:/PATH';
    const problem = `--admin '${written}' is no address of an admin server: ${why}expected ${forms}`;
    expect(await run(['--admin', written])).toEqual({
      code: 2,
      stdout: '',
      stderr: `fairlead status: ${problem}\nTry 'fairlead status --help'.\n`,
    });
  });

  it('takes certificates for https only', async () => {
    for (const args of [[], ['--admin', tcp()]])
      expect(await run([...args, '--ca', 'ca.pem'], { config: `admin: { bind: "${tcp()}" }` })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--ca, --cert and --key are for an --admin address of https://'),
      });
  });

  it('says so when the token is wrong, and when it is another server', async () => {
    const wrong = await run(['--admin', tcp(), '--token', 'x']);
    expect(wrong.stderr).toBe('fairlead status: it wants a token: give the right one by --token or FAIRLEAD_TOKEN\n');
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await run(['--admin', address])).toMatchObject({
      code: 1,
      stderr: 'fairlead status: what answers there is not Fairlead: it sends no JSON\n',
    });
  });
});
