/**
 * Carries out the Dockerfile without a container engine and tries the result as `docker run` would start it: in namespaces
 * of its own, as process 1, as the user of the image, without capabilities, on a root file system that is read-only.
 * Needs Linux, root, and `unshare`, `nsenter`, `setpriv` and `ip`. What it cannot show is in docs/docker.md.
 *
 *     npm run check:image
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildStages } from './image/build.ts';
import { configOf, readDockerfile } from './image/dockerfile.ts';
import { layPrograms } from './image/root.ts';
import { Trial } from './image/trial.ts';

const context = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(context, path), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'fairlead-image-'));
const network = `fairlead-image-${process.pid}`;

try {
  const programs = join(work, 'programs');
  layPrograms(programs, execFileSync('which', ['npm'], { encoding: 'utf8' }).trim());
  const stages = readDockerfile(read('Dockerfile'));
  console.log('the stages');
  const root = await buildStages(stages, { context, ignore: read('.dockerignore'), work, programs });
  // As the network of compose.yaml has them.
  writeFileSync(join(root.folder, 'etc/hosts'), '127.0.0.1 localhost app-1 app-2 app-3\n::1 localhost\n');
  execFileSync('ip', ['netns', 'add', network]);
  execFileSync('ip', ['-n', network, 'link', 'set', 'lo', 'up']);
  await new Trial(root, configOf(stages.at(-1)!), network).all();
} finally {
  try {
    execFileSync('ip', ['netns', 'del', network], { stdio: 'ignore' });
  } catch {
    // It was not there yet.
  }
  rmSync(work, { recursive: true, force: true });
}
