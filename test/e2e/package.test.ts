import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codePieces, linkBreaches } from '../gates/docs.ts';
import { readFiles, root } from '../gates/source.ts';

const run = promisify(execFile);

const program = `
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, createFairlead, defineConfig, type Fairlead, type PoolStatus } from 'fairlead';

const backend = createServer((_request, response) => response.end('from the backend'));
await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
const { port } = backend.address() as AddressInfo;
const config = defineConfig({
  workers: 2,
  admin: { bind: '127.0.0.1:0' },
  log: { level: 'silent' },
  listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', pool: 'apps' } },
  pools: { apps: { balance: 'least-connections', backends: ['127.0.0.1:' + port] } },
});
const lb: Fairlead = await createFairlead(config);
lb.on('health', ({ pool, to }) => void (pool satisfies string, to satisfies string));
const answer = await (await fetch('http://' + lb.address('web') + '/')).text();
const alive = await fetch('http://' + lb.adminAddresses[0] + '/healthz');
const pools: readonly PoolStatus[] = lb.pools();
// @ts-expect-error: the types know which keys there are
const bad = await lb.reload({ ...config, listners: {} }).catch((error: unknown) => error);
const problems = bad instanceof ConfigError ? bad.problems.map(({ key }) => key) : [];
const drained = await lb.drain();
backend.close();
backend.closeAllConnections();
console.log(JSON.stringify({ answer, alive: alive.status, picks: pools[0]!.backends[0]!.total, problems, drained }));
`;

const compilerOptions = {
  target: 'es2024',
  lib: ['es2024'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  types: ['node'],
};

/** A folder in which the packed package is installed as a user would have it, beside the packages that it depends on. */
async function userProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-user-'));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root });
  const manifest = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  await run('tar', ['-xzf', join(folder, `fairlead-${manifest.version}.tgz`), '-C', folder]);
  await run('mv', [join(folder, 'package'), join(modules, 'fairlead')]);
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(`${root}node_modules/${name}`, join(modules, name));
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  return folder;
}

/** The text of a file of the package; '' for a folder. */
function readFileIn(own: string, path: string): string {
  return statSync(join(own, path)).isDirectory() ? '' : readFileSync(join(own, path), 'utf8');
}

describe('the packed package', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await userProject();
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has what its README links to, what the commands need, and what was built from the sources of today alone', async () => {
    const own = join(folder, 'node_modules/fairlead');
    const readme = { path: 'README.md', text: await readFile(join(own, 'README.md'), 'utf8') };
    expect(linkBreaches(readme, (path) => (existsSync(join(own, path)) ? readFileIn(own, path) : undefined))).toEqual(
      [],
    );
    const manifest = JSON.parse(readFileIn(own, 'package.json')) as { private?: boolean; engines: { node: string } };
    expect(manifest.private).toBeUndefined();
    expect(readFileIn(own, 'bin/fairlead.js')).toContain(`oldestNode = ${manifest.engines.node.replace('>=', '')};`);
    const built = globSync('dist/**/*.js', { cwd: own, exclude: ['dist/dashboard'] });
    const sources = globSync('src/**/*.ts', { cwd: root, exclude: ['src/admin/dashboard'] });
    const expected = sources.map((path) => path.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
    expect(built.sort()).toEqual(expected.filter((path) => !path.endsWith('.d.js')).sort());
    expect(
      globSync('dist/dashboard/*', { cwd: own })
        .map((path) => basename(path))
        .sort(),
    ).toEqual(['LICENSES.txt', 'app.css', 'app.js', 'icon.svg', 'index.html']);
    expect(globSync('{src,test,scripts}/**', { cwd: own })).toEqual([]);
  });

  it('type-checks and runs in a project of its own, and so do the types of the examples of docs/library.md', async () => {
    const pieces = codePieces(readFiles('docs/library.md')[0]!.text).filter(({ language }) => language === 'ts');
    expect(pieces.length).toBeGreaterThan(0);
    for (const { line, text } of pieces) await writeFile(join(folder, `example-${line}.ts`), text);
    await writeFile(join(folder, 'program.ts'), program);
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
    const { stdout } = await run(process.execPath, ['program.ts'], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual({
      answer: 'from the backend',
      alive: 200,
      picks: 1,
      problems: ['listners'],
      drained: true,
    });
  }, 120_000);

  it('has a demo that runs in an empty folder and ends by a signal', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    const entry = join(folder, 'node_modules/fairlead/bin/fairlead.js');
    const demo = spawn(process.execPath, [entry, 'demo'], { cwd: empty, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let text = '';
      for await (const chunk of demo.stdout) {
        text += String(chunk);
        if (/Ctrl-C ends/.test(text)) break;
      }
      const [url] = /http:\/\/[\d.]+:\d+/.exec(text)!;
      expect((await fetch(url)).status).toBe(200);
      const [, dashboard] = /dashboard +(http:\S+)/.exec(text)!;
      const page = await fetch(dashboard!);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="app">')]);
    } finally {
      const ended = once(demo, 'exit');
      demo.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    }
  }, 60_000);
});
