import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/check.ts';
import { runCli } from './cli-process.ts';
import { fakeIo } from './fake-io.ts';

const valid = `
listeners:
  web: { protocol: http, bind: "127.0.0.1:0", pool: apps }
  raw: { protocol: tcp, bind: "127.0.0.1:0", pool: apps }
pools:
  apps: { backends: [ "127.0.0.1:3001", "127.0.0.1:3002" ] }
`;
const invalid = `
listeners:
  web: { protocol: http, bind: "127.0.0.1:0", pool: aps }
pools:
  apps: { balanse: random, backends: [ "127.0.0.1:3001" ] }
`;
const shadowed = `
listeners:
  web:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
      - pool: apps
      - name: late
        match: { path: /a }
        pool: apps
pools:
  apps: { backends: [ "127.0.0.1:3001" ] }
`;

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-check-'));
  path = join(folder, 'x.yaml');
});
afterAll(() => rm(folder, { recursive: true }));

async function check(text: string, options: Parameters<typeof fakeIo>[0] = {}) {
  await writeFile(path, text);
  const io = fakeIo(options);
  const code = await main([path], io);
  const [stdout, stderr] = [io.stdout, io.stderr].map((output) => output.text().replaceAll(path, 'x.yaml'));
  return { code, stdout, stderr };
}

describe('fairlead check', () => {
  it('says what a valid file holds', async () => {
    expect(await check(valid)).toEqual({ code: 0, stdout: 'OK: 2 listeners, 1 pool, 2 backends\n', stderr: '' });
  });

  it('prints every problem of an invalid one with its position, and what was meant', async () => {
    const { code, stdout, stderr } = await check(invalid);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr!.split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^x\.yaml:3:\d+: listeners\.web\.pool: .*did you mean "apps"\?/);
    expect(lines[1]).toMatch(/^x\.yaml:5:\d+: pools\.apps\.balanse: .*did you mean "balance"\?/);
    expect(lines.slice(2)).toEqual(['2 problems in x.yaml', '']);
  });

  it('warns of a route that can never match, which is valid', async () => {
    const { code, stdout, stderr } = await check(shadowed);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'OK: 1 listener, 1 pool, 1 backend\n' });
    expect(stderr).toMatch(/^x\.yaml:8:9: listeners\.web\.routes\[1\]: warning: route "late" can never match: .+\n$/);
  });

  it('warns of one on a tcp listener too', async () => {
    const routes = '[{ match: { sni: "*.a.com" }, pool: apps }, { match: { sni: x.a.com }, pool: apps }]';
    const text = `listeners:\n  db: { protocol: tcp, bind: ":1", routes: ${routes} }\npools: { apps: { backends: ["h:1"] } }`;
    expect(await check(text)).toMatchObject({
      code: 0,
      stderr:
        'x.yaml:2:88: listeners.db.routes[1]: warning: route "route-2" can never match: route "route-1" before it takes all that it could: sni *.a.com includes x.a.com\n',
    });
  });

  it('reads the environment it is given', async () => {
    const text = valid.replace('127.0.0.1:3001', `\${BACKEND}`);
    expect(await check(text, { env: { BACKEND: '127.0.0.1:3009' } })).toMatchObject({ code: 0 });
    expect(await check(text)).toMatchObject({ code: 1, stderr: expect.stringContaining('BACKEND') });
  });

  it('colours on a terminal', async () => {
    expect((await check(valid, { isTTY: true })).stdout).toBe(
      '\u001b[32mOK\u001b[0m: 2 listeners, 1 pool, 2 backends\n',
    );
    expect((await check(invalid, { isTTY: true })).stderr).toContain('\u001b[31m2 problems\u001b[0m in ');
    expect((await check(shadowed, { isTTY: true })).stderr).toContain('\u001b[33mwarning\u001b[0m: route');
  });

  it('fails on a file that is not there', async () => {
    const io = fakeIo();
    expect(await main([join(folder, 'gone.yaml')], io)).toBe(1);
    expect(io.stderr.text()).toMatch(/gone\.yaml:1:1: .+\n1 problem in .*gone\.yaml\n$/);
  });
});

describe('without a file named', () => {
  it('takes fairlead.yaml, else config/fairlead.yaml, else refuses', async () => {
    const cwd = join(folder, 'project');
    await mkdir(join(cwd, 'config'), { recursive: true });
    expect(await runCli(['check'], { cwd })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'fairlead check: there is neither fairlead.yaml nor config/fairlead.yaml here: name a config file\n' +
        "Try 'fairlead check --help'.\n",
    });
    await writeFile(join(cwd, 'config/fairlead.yaml'), invalid);
    expect(await runCli(['check'], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^config\/fairlead\.yaml:3:.*\nconfig\/fairlead\.yaml:5:/),
    });
    await writeFile(join(cwd, 'fairlead.yaml'), valid);
    expect(await runCli(['check'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  });
});
