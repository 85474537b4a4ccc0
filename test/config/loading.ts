import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem, type Problem } from '../../src/config/problem.ts';
import type { Config } from '../../src/config/schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Makes a directory, hands it over, and takes it away again. */
export async function withDirectory<T>(use: (directory: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-config-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Loads a text as a file of that name. */
export async function loadText(text: string, env: Environment = {}, name = 'fairlead.yaml') {
  return withDirectory((directory) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return loadConfig(path, { env });
  });
}

/** The problems of a text, each as `line:column: key: message (hint)`. */
export async function problemsOf(text: string, env: Environment = {}, name = 'fairlead.yaml'): Promise<string[]> {
  const loaded = await loadText(text, env, name);
  return loaded.ok ? [] : loaded.problems.map(short);
}

/** The problems of a text without their positions, a line each. */
export async function messageOf(text: string, env: Environment = {}): Promise<string> {
  return (await problemsOf(text, env)).map((problem) => problem.replace(/^\d+:\d+: /, '')).join('\n');
}

/** The warnings of a text that has no problems, in the same form. */
export async function warningsOf(text: string): Promise<string[]> {
  const loaded = await loadText(text);
  return loaded.ok ? loaded.warnings.map(short) : ['not ok', ...loaded.problems.map(short)];
}

/** The config of a text; throws with its problems when there are any. */
export async function configOf(text: string, env: Environment = {}, name = 'fairlead.yaml'): Promise<Config> {
  const loaded = await loadText(text, env, name);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.config;
}

function short(problem: Problem): string {
  return formatProblem({ ...problem, file: '' }).slice(1);
}

/** The smallest config there is, with more lines under its one listener, pool or top level. */
export function yaml(more: { top?: string; listener?: string; pool?: string; backend?: string } = {}): string {
  return [
    ...(more.top === undefined ? [] : [more.top]),
    'listeners:',
    `  web: { protocol: http, bind: ":8080", pool: app${more.listener === undefined ? '' : `, ${more.listener}`} }`,
    'pools:',
    `  app: { backends: ["127.0.0.1:3001"${more.backend === undefined ? '' : `, ${more.backend}`}]${more.pool === undefined ? '' : `, ${more.pool}`} }`,
  ].join('\n');
}

/** The same with one route, whose keys are given. */
export function yamlWithRoute(route: string): string {
  return [
    'listeners:',
    '  web:',
    '    protocol: http',
    '    bind: ":8080"',
    '    routes:',
    `      - { ${route} }`,
    'pools:',
    '  app: { backends: ["127.0.0.1:3001"] }',
  ].join('\n');
}
