import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/admin/dashboard');
const target = join(root, 'dist/dashboard');
/** The packages whose code is in the bundle. */
const bundled = ['preact', '@preact/signals', '@preact/signals-core', 'uplot'];

/** Loads esbuild; undefined in an install without development packages, as in an image. */
async function loadBuild(): Promise<typeof import('esbuild').build | undefined> {
  try {
    return (await import('esbuild')).build;
  } catch {
    return undefined;
  }
}

/** The licences of what the bundle holds, as they ask for. */
async function licences(): Promise<string> {
  const texts = await Promise.all(
    bundled.map(async (name) => `${name}\n\n${await readFile(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`),
  );
  return texts.join('\n---\n\n');
}

/** The dashboard's files by name; undefined when they cannot be made for want of esbuild. */
async function filesOfDashboard(): Promise<Record<string, string> | undefined> {
  const build = await loadBuild();
  if (build === undefined) return undefined;
  const { outputFiles } = await build({
    entryPoints: ['main.tsx', 'styles.css'].map((name) => ({ in: join(source, name), out: 'app' })),
    outdir: target,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    legalComments: 'none',
    tsconfigRaw: { compilerOptions: { jsx: 'react-jsx', jsxImportSource: 'preact', verbatimModuleSyntax: true } },
    logLevel: 'warning',
    write: false,
  });
  const read = (name: string) => readFile(join(source, name), 'utf8');
  return {
    ...Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text])),
    'index.html': await read('index.html'),
    'icon.svg': await read('icon.svg'),
    'LICENSES.txt': await licences(),
  };
}

/** Puts the dashboard's files into dist/dashboard; false when they cannot be made. */
export async function buildDashboard(): Promise<boolean> {
  const files = await filesOfDashboard();
  if (files === undefined) return false;
  await mkdir(target, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    // Whoever reads the file meanwhile gets the old one or the new one, whole.
    const draft = join(target, `.${name}.${process.pid}`);
    await writeFile(draft, text);
    await rename(draft, join(target, name));
  }
  return true;
}

if (import.meta.main && !(await buildDashboard())) {
  console.error('the dashboard is not built, because esbuild is not installed; `npm ci && npm run dashboard` does it');
}
