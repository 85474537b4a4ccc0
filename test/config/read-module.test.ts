import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { readModule } from '../../src/config/read-module.ts';
import { configOf, problemsOf, withDirectory } from './loading.ts';

const good = `{ listeners: { a: { protocol: 'tcp', bind: ':1', pool: 'p' } }, pools: { p: { backends: ['h:1'] } } }`;

describe('a config module', () => {
  it.each([
    ['a.ts', `interface A { a: 1 }\nexport default ${good} satisfies object;`],
    ['a.mts', `const config: object = ${good};\nexport default config;`],
    ['a.mjs', `export default ${good};`],
    ['a.js', `export default ${good};`],
    ['a.cjs', `module.exports = ${good};`],
    ['b.mjs', `export default await Promise.resolve(${good});`],
  ])('%s is taken by its default export', async (name, text) => {
    expect((await configOf(text, {}, name)).listeners['a']).toMatchObject({ protocol: 'tcp', routes: [{ pool: 'p' }] });
  });

  it('reads the environment in its strings too', async () => {
    const text = `export default ${good.replace("'h:1'", `'\${HOST}:1'`)};`;
    expect((await configOf(text, { HOST: 'db' }, 'a.mjs')).pools['p']!.backends[0]!.id).toBe('db:1');
    expect(await problemsOf(text, {}, 'a.mjs')).toEqual([
      expect.stringContaining('1:1: pools.p.backends[0]: the environment variable HOST is not set'),
    ]);
  });

  it.each([
    [`export const config = ${good};`, '1:1: no default export, expected `export default defineConfig({ … })`'],
    [
      `\n\nexport default ${good.replace('tcp', 'tpc')};`,
      '1:1: listeners.a.protocol: got "tpc", expected http, tcp or udp (did you mean "tcp"?)',
    ],
    ['export default 5;', '1:1: got 5, expected an object with listeners'],
    ['export default null;', '1:1: the file is empty, expected at least listeners'],
    ['export default () => ({});', '1:1: got a function, expected an object with listeners'],
    [
      `export default Promise.resolve(${good});`,
      '1:1: the default export is a promise, expected a config: write `export default await …`',
    ],
    ["throw new RangeError('no luck\\nat all');", '1:1: the module failed: RangeError: no luck'],
    ["throw 'no luck';", '1:1: the module failed: no luck'],
    ["import './missing.js';", expect.stringMatching(/^1:1: the module failed: \w*Error: Cannot find module [^\n]*$/)],
    ['export default {', expect.stringMatching(/^1:1: the module failed: \w*Error: [^\n]+$/)],
  ])('%s', async (text, problem) => {
    expect(await problemsOf(text, {}, 'a.mjs')).toEqual([problem]);
  });

  it('is not waited for without end', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'a.mjs');
      writeFileSync(path, 'export default await new Promise(() => {});');
      const message = 'the module is not done after 0.05 s: is there an await that never ends?';
      expect(await readModule('a.mjs', path, 50)).toEqual({
        ok: false,
        problems: [{ file: 'a.mjs', line: 1, column: 1, key: '', message }],
      });
    });
  });

  it('is missing like any other file', async () => {
    await withDirectory(async (directory) => {
      expect(await loadConfig(join(directory, 'a.ts'), { env: {} })).toMatchObject({
        ok: false,
        problems: [{ message: 'there is no such file' }],
      });
    });
  });

  it('is fresh each time it is loaded', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'a.mjs');
      for (const workers of [1, 2, 3]) {
        writeFileSync(path, `export default { workers: ${workers}, ...${good} };`);
        expect(await loadConfig(path, { env: {} })).toMatchObject({ ok: true, config: { workers } });
      }
    });
  });

  it('may lie where URLs need escapes, and is imported by Node itself', async () => {
    await withDirectory((directory) => {
      const path = join(directory, 'a b#c?d%20.ts');
      writeFileSync(path, `const workers: number = 3;\nexport default { workers, ...${good} };`);
      const load = new URL('../../src/config/load.ts', import.meta.url).href;
      const program = `const { loadConfig } = await import(${JSON.stringify(load)});
        const loaded = await loadConfig(${JSON.stringify(path)}, { env: {} });
        console.log(JSON.stringify(loaded.ok ? loaded.config.workers : loaded.problems));`;
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
      expect(output.trim()).toBe('3');
    });
  });
});
