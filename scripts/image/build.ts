import { once } from 'node:events';
import { globSync, mkdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { Output } from '../output.ts';
import { configOf, isInContext, readCopy, type Stage } from './dockerfile.ts';
import { Root } from './root.ts';

/** Where stages are built, and of what. */
export interface Workshop {
  /** The folder that the Dockerfile is in. */
  readonly context: string;
  /** The text of .dockerignore. */
  readonly ignore: string;
  /** Where roots are laid. */
  readonly work: string;
  readonly programs: string;
}

/** Carries out the instructions of every stage, in order, and returns the root of the last one. */
export async function buildStages(stages: readonly Stage[], shop: Workshop): Promise<Root> {
  const roots = new Map<string, Root>();
  let root: Root | undefined;
  for (const stage of stages) {
    root = new Root(join(shop.work, `root-${stage.name}`), shop.programs);
    roots.set(stage.name, root);
    for (const [at, { word, rest }] of stage.instructions.entries()) {
      const { workdir, env, user } = configOf({ ...stage, instructions: stage.instructions.slice(0, at + 1) });
      if (word === 'WORKDIR') mkdirSync(join(root.folder, workdir), { recursive: true });
      else if (word === 'COPY') await copy(rest, { root, workdir, roots, shop });
      else if (word === 'RUN') {
        console.log(`  ${stage.name}: ${rest}`);
        await runStep(root, ['sh', '-c', rest], { cwd: workdir, user, env: { ...buildEnv(), ...env } });
      } else if (!/^(LABEL|ENV|USER|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/.test(word))
        throw new Error(`what is ${word}?`);
    }
  }
  return root!;
}

/** How this machine reaches the registry is not the image's business, and has to hold inside as well. */
function buildEnv(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|PATH$|NODE$|INIT_CWD$)/i.test(name));
  return { ...Object.fromEntries(own), HOME: '/root', PATH: '/usr/local/bin:/usr/bin:/bin' };
}

async function runStep(root: Root, command: string[], options: Parameters<Root['start']>[1]): Promise<void> {
  const step = root.start(command, options);
  const output = new Output(step);
  const [code] = await once(step, 'close');
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${output.text}`);
}

interface Place {
  readonly root: Root;
  readonly workdir: string;
  readonly roots: ReadonlyMap<string, Root>;
  readonly shop: Workshop;
}

/** A folder is copied by what is in it, a file under its own name where the target is a folder (ends with a slash). */
async function copy(rest: string, { root, workdir, roots, shop }: Place): Promise<void> {
  const { from, sources, target } = readCopy(rest);
  const base = from === undefined ? shop.context : roots.get(from)!.folder;
  for (const source of sources) {
    const paths =
      from === undefined ? globSync(source, { cwd: base }).filter((path) => isInContext(path, shop.ignore)) : [source];
    if (paths.length === 0) throw new Error(`COPY ${source}: nothing is there, or .dockerignore keeps it out`);
    for (const path of paths) {
      const within = posix.resolve(workdir, target);
      const to = join(root.folder, target.endsWith('/') ? posix.join(within, basename(path)) : within);
      mkdirSync(dirname(to), { recursive: true });
      await cp(join(base, path), to, { recursive: true, verbatimSymlinks: true });
    }
  }
}
