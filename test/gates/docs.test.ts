import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../src/admin/endpoints.ts';
import { pagePaths } from '../../src/admin/page.ts';
import { commands } from '../../src/cli/commands.ts';
import { plainSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { unavailableKeys } from '../../src/config/unavailable.ts';
import { catalogue, METRIC_PREFIX } from '../../src/observe/catalogue.ts';
import { errorStatus } from '../../src/proxy/error-response.ts';
import { closeOpened } from '../support/opened.ts';
import { pageFolder } from '../support/page-folder.ts';
import { ConfigKeys, configPieces, unknownKeys } from './config-keys.ts';
import { type KnownNames, linkBreaches, undocumented, unknownNames } from './docs.ts';
import { readFiles, root } from './source.ts';

const pages = readFiles('*.md', '{docs,bench,config,examples}/**/*.md');
const manifest = JSON.parse(readFiles('package.json')[0]!.text) as { scripts: Record<string, string> };
const known: KnownNames = {
  scripts: Object.keys(manifest.scripts),
  commands: Object.keys(commands),
  metrics: Object.keys(catalogue).map((name) => METRIC_PREFIX + name),
  endpoints: [...pagePaths, ...endpoints.map(({ path }) => path)],
  errors: errorStatus,
};
const env = { FAIRLEAD_TOKEN: 'a-token' };

/** What is wrong with a config file, one problem a line; '' when nothing is. */
async function problemsOf(path: string): Promise<string> {
  const loaded = await loadConfig(path, { env });
  return loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n');
}

function readText(path: string): string | undefined {
  try {
    return statSync(root + path).isDirectory() ? '' : (readFiles(path)[0]?.text ?? '');
  } catch {
    return undefined;
  }
}

describe('the pages', () => {
  const keys = new ConfigKeys(
    plainSchema(),
    unavailableKeys.map(({ key }) => key),
  );

  it('name no script, command, metric or error code that does not exist', () => {
    expect(pages.flatMap((page) => unknownNames(page, known))).toEqual([]);
  });

  it('name no config key that does not exist', () => {
    expect(pages.flatMap((page) => unknownKeys(page, keys))).toEqual([]);
  });

  it('link to what is there', () => {
    expect(pages.flatMap((page) => linkBreaches(page, readText))).toEqual([]);
  });

  it.each([
    ['command', known.commands],
    ['metric', known.metrics],
    ['endpoint', endpoints.map(({ path }) => path)],
    ['error code', Object.keys(known.errors)],
    ['config key', keys.all()],
    ['npm script', known.scripts.filter((name) => !name.startsWith('pre'))],
  ])('leave out no %s', (_kind, names) => {
    expect(undocumented(pages, names)).toEqual([]);
  });

  it('tell of every benchmark in bench/README.md', () => {
    const scripts = known.scripts.filter((name) => name.startsWith('bench:'));
    expect(undocumented(readFiles('bench/README.md'), scripts)).toEqual([]);
  });
});

describe('the configs', () => {
  let folder: string;
  beforeAll(() => {
    folder = pageFolder();
  });
  afterAll(closeOpened);

  it.each(readFiles('config/*.{yaml,ts}').map(({ path }) => path))('%s is valid', async (path) => {
    expect(await problemsOf(root + path)).toBe('');
  });

  it('on the pages are valid where they are whole', async () => {
    const whole = pages.flatMap((page) =>
      configPieces(page)
        .filter(({ text }) => /^listeners:/m.test(text) && /^pools:/m.test(text))
        .map(({ text, line }) => ({ text, at: `${page.path}:${line}` })),
    );
    for (const { text, at } of whole) {
      const path = join(folder, 'page.yaml');
      await writeFile(path, text);
      expect({ at, problems: await problemsOf(path) }).toEqual({ at, problems: '' });
    }
  });
});
