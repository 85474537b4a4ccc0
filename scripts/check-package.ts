/**
 * Packs Fairlead and uses the package as its users do, in empty folders, under the oldest Node that it is for and the one
 * that it is developed on, both of which come from the npm registry:
 *
 *     npm run check:package             # both
 *     npm run check:package -- 24.2.0   # these
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, runToEnd } from './package/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly devDependencies: { readonly node: string };
}

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
const major = (range: string): string => /\d+/.exec(range)![0];

const usingTheLibrary = `
import { createFairlead } from 'fairlead';
import { fairleadProxy } from 'fairlead/fastify';
const lb = await createFairlead({
  workers: 1,
  admin: false,
  log: { level: 'silent' },
  listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', routes: [{ match: { path: '/' }, respond: { body: 'of its own' } }] } },
});
const answer = await (await fetch('http://' + lb.address('web') + '/')).text();
await lb.close();
if (answer !== 'of its own' || typeof fairleadProxy !== 'function') throw new Error(answer);
console.log('ok');
`;

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
  console.log(`  ${what}`);
}

/** A folder with nothing but this version of Node; returns where its programs are. */
async function installNode(version: string, folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
  await runToEnd('npm', ['install', '--no-audit', '--no-fund', '--no-save', `node@${version}`], { cwd: folder });
  return join(folder, 'node_modules', '.bin');
}

/** `npx fairlead demo` in a folder that stays empty, until Ctrl-C. */
async function tryDemo(tarball: string, folder: string, env: NodeJS.ProcessEnv, version: string): Promise<void> {
  await mkdir(folder);
  const demo = new Program('npx', ['--yes', `--package=${tarball}`, manifest.name, 'demo'], { cwd: folder, env });
  try {
    await demo.says(/Ctrl-C ends/);
    const addressOf = (what: string) =>
      new RegExp(`^ *${what} +(?:http://)?([\\d.]+:\\d+)`, 'm').exec(demo.output)![1]!;
    const get = (address: string, path = '/') => fetch(`http://${address}${path}`);
    for (const layer of ['L7 http', 'L4 tcp']) {
      const answers = await Promise.all(Array.from({ length: 6 }, async () => (await get(addressOf(layer))).text()));
      const apps = new Set(answers.map((answer) => answer.split(' ')[0]));
      expect(apps.size === 3, `${layer}: three backends answer`);
    }
    const page = await (await get(addressOf('dashboard'))).text();
    const [, script] = /src="([^"]+\.js)"/.exec(page) ?? [];
    const bundle = await get(addressOf('dashboard'), new URL(script ?? '', 'http://x/').pathname);
    expect(bundle.ok && (await bundle.text()).length > 10_000, 'the dashboard has its script');
    const metrics = await (await get(addressOf('metrics'), '/metrics')).text();
    expect(metrics.includes(`,node="v${major(version)}.`), `/metrics tells Node ${major(version)}`);
  } finally {
    await demo.interrupt();
  }
  expect((await readdir(folder)).length === 0, 'Ctrl-C ends all of it, and the folder is still empty');
}

/** The package as a dependency: its commands, and its library. */
async function tryInstalled(tarball: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await runToEnd('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder, env });
  const fairlead = (...args: string[]) =>
    runToEnd('npx', ['--no-install', manifest.name, ...args], { cwd: folder, env });
  expect((await fairlead('--version')).trim().endsWith(manifest.version), 'fairlead --version');
  const config = join('node_modules', manifest.name, 'config', 'fairlead.yaml');
  expect((await fairlead('check', config)).includes('OK'), 'fairlead check, of a config that is in the package');
  expect((await fairlead('schema')).includes('"listeners"'), 'fairlead schema');
  await writeFile(join(folder, 'program.js'), usingTheLibrary);
  expect(
    (await runToEnd('node', ['program.js'], { cwd: folder, env })).trim() === 'ok',
    'fairlead and fairlead/fastify',
  );
}

const asked = process.argv.slice(2);
const versions = asked.length > 0 ? asked : [major(manifest.engines.node), major(manifest.devDependencies.node)];
const work = await mkdtemp(join(tmpdir(), 'fairlead-package-'));
try {
  await runToEnd('npm', ['pack', '--pack-destination', work], { cwd: root });
  const tarball = join(work, `${manifest.name}-${manifest.version}.tgz`);
  for (const version of versions) {
    const folder = join(work, version);
    await mkdir(folder);
    const programs = await installNode(version, join(folder, 'node'));
    // Scripts of npm look for `node` in PATH: what follows runs on this one and no other.
    const env = { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH']}` };
    console.log(`Node ${(await runToEnd('node', ['--version'], { cwd: folder, env })).trim()}`);
    await tryDemo(tarball, join(folder, 'empty'), env, version);
    await tryInstalled(tarball, join(folder, 'user'), env);
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
