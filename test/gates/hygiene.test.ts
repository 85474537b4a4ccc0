import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { machinePaths, npmrcBreaches, registryTies, unfinishedMarks, vagueNames } from './hygiene.ts';
import { readFiles, root } from './source.ts';

const code = readFiles('{src,test,bench,scripts,examples}/**/*.{ts,tsx}', 'src/**/*.{css,html}', '*.ts');
const texts = [
  ...code,
  ...readFiles('*.{md,json,yaml}', '{docs,bench,config,examples}/**/*.{md,json,yaml}', '.ci/*'),
  ...readFiles('Dockerfile', '.dockerignore', '.gitignore', '.npmrc'),
];
const textOf = (path: string) => texts.find((file) => file.path === path)?.text ?? '';

describe('the repository', () => {
  it.each(['LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'Dockerfile', 'compose.yaml', '.ci/run'])(
    'has %s',
    (path) => {
      expect(statSync(root + path).size).toBeGreaterThan(0);
    },
  );

  it('carries the whole licence that package.json names', () => {
    const licence = readFiles('LICENSE')[0]!.text;
    expect(licence).toMatch(/Apache License\s+Version 2\.0, January 2004/);
    expect(licence).toContain('9. Accepting Warranty or Additional Liability.');
    expect(JSON.parse(textOf('package.json'))).toMatchObject({ license: 'Apache-2.0' });
  });

  it('can run its own gate', () => {
    expect(statSync(`${root}.ci/run`).mode & 0o111).toBe(0o111);
  });

  it('names no path of one machine', () => {
    expect(texts.flatMap(machinePaths)).toEqual([]);
  });

  it('has no name that says nothing', () => {
    expect(code.flatMap(vagueNames)).toEqual([]);
  });

  it('leaves nothing for later', () => {
    expect(code.flatMap(unfinishedMarks)).toEqual([]);
  });

  it('installs from whatever registry the machine has', () => {
    expect(registryTies(textOf('package-lock.json'))).toEqual([]);
    expect(npmrcBreaches(textOf('.npmrc'))).toEqual([]);
  });
});

/** Joined here, so that this file does not hold what it looks for. */
const joined = (...parts: string[]) => parts.join('');

describe('machinePaths', () => {
  it.each([
    [joined('see "/wo', 'rk/main"'), true],
    [joined('cd /ro', 'ot/x'), true],
    [joined('file:///ho', 'me/me/x'), true],
    [joined('(/Us', 'ers/me)'), true],
    [joined('https://example.com/ho', 'me/x'), false],
    [joined('../wo', 'rk/x'), false],
    ['path: /workers/1', false],
    ['location: /home', false],
    ['respond to /root/', false],
  ])('%s: %s', (text, refused) => {
    expect(machinePaths({ path: 'a.md', text: `\n${text}` })).toEqual(
      refused ? [expect.stringMatching(/^a\.md:2: the path/)] : [],
    );
  });
});

describe('vagueNames', () => {
  it.each([
    ['src/util/x.ts', 1],
    ['src/pool/utils.ts', 1],
    ['src/pool/pool-manager.ts', 1],
    ['test/helpers.test.ts', 1],
    ['src/common/x.ts', 1],
    ['src/pool/pool.ts', 0],
    ['src/pick/utility-score.ts', 0],
  ])('of the file %s: %d', (path, count) => {
    expect(vagueNames({ path, text: '' })).toHaveLength(count);
  });

  it.each([
    [joined('class Pool', 'Manager {}'), 1],
    [joined('function date', 'Util() {}'), 1],
    [joined('const path', 'Helpers = 1'), 1],
    ['class Pool {}', 0],
    ['const utilization = 1', 0],
    [joined('// the Pool', 'Manager of others'), 0],
  ])('of the declaration %s: %d', (text, count) => {
    expect(vagueNames({ path: 'src/x.ts', text })).toHaveLength(count);
  });
});

describe('unfinishedMarks', () => {
  it.each([
    [joined('// TO', 'DO: later'), 1],
    [joined('// FIX', 'ME'), 1],
    ['const todo = 1;', 0],
  ])('%s: %d', (text, count) => {
    expect(unfinishedMarks({ path: 'src/x.ts', text })).toHaveLength(count);
  });
});

describe('registryTies', () => {
  it('reports what was resolved at a registry, and nothing else', () => {
    const lock = JSON.stringify({
      packages: {
        '': { name: 'x' },
        'node_modules/a': { resolved: 'https://registry.example/a.tgz' },
        'node_modules/b': { integrity: 'sha512-x' },
        'node_modules/c': { resolved: 'packages/c', link: true },
      },
    });
    expect(registryTies(lock)).toEqual(['node_modules/a is tied to https://registry.example/a.tgz']);
  });
});

describe('npmrcBreaches', () => {
  it.each([
    ['omit-lockfile-registry-resolved = true\nfund=false\n', 0],
    ['fund=false\n', 1],
    ['omit-lockfile-registry-resolved=true\nregistry=https://registry.example\n', 1],
    ['omit-lockfile-registry-resolved=true\n@scope:registry=https://registry.example\n', 1],
    ['omit-lockfile-registry-resolved=true\n//registry.example/:_authToken=x\n', 1],
  ])('%j: %d', (text, count) => {
    expect(npmrcBreaches(text)).toHaveLength(count);
  });
});
