import { builtinModules } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  cycles,
  type FolderRule,
  folderBreaches,
  type ImportEdge,
  importsOf,
  moduleBreaches,
  specifierBreaches,
} from './imports.ts';
import { readFiles } from './source.ts';

// The one-way rule: a folder imports itself and what stands here, nothing else.
const folders: Record<string, FolderRule> = {
  support: [],
  accept: ['support'],
  http1: ['support'],
  http2: ['support', 'http1'],
  route: ['support'],
  pick: ['support'],
  connect: ['support'],
  relay: ['support'],
  pool: ['support', 'pick'],
  health: ['support'],
  observe: ['support'],
  config: ['support', 'route'],
  admin: ['support'],
  proxy: ['accept', 'http1', 'http2', 'route', 'pick', 'connect', 'relay', 'pool', 'observe', 'support'],
  simulate: ['pick', 'pool', 'support'],
  runtime: { except: ['cli', 'library', 'fastify', 'simulate', 'index.ts', ''] },
  fastify: ['runtime', 'config', 'admin', 'pool', 'proxy', 'observe', 'support'],
  library: ['runtime', 'config', 'admin', 'observe', 'support'],
  cli: ['runtime', 'config', 'admin', 'route', 'observe', 'simulate', 'support'],
  'index.ts': ['library', 'runtime', 'config', 'admin'],
};

const dataPath = ['accept', 'http1', 'http2', 'route', 'pick', 'connect', 'relay', 'pool', 'proxy', 'simulate'];
const noDisk = ['node:fs', 'node:dns', 'node:child_process'];
const noSockets = [...noDisk, 'node:net', 'node:tls', 'node:http', 'node:http2', 'node:dgram'];

const modules: Record<string, readonly string[]> = {
  ...Object.fromEntries(dataPath.map((folder) => [folder, noDisk])),
  pick: noSockets,
  http1: noSockets,
  route: noSockets,
};

describe('the imports of src', () => {
  const files = readFiles('src/**/*.{ts,tsx}');
  const known = new Set(readFiles('src/**/*.{ts,tsx,json}', '*.json', 'config/*.json').map((file) => file.path));
  let edges: ImportEdge[];
  beforeAll(() => {
    edges = files.flatMap(importsOf);
  });

  it('are found at all', () => {
    expect(edges.length).toBeGreaterThan(files.length / 2);
  });

  it('go one way between the folders', () => {
    expect(folderBreaches(edges, folders)).toEqual([]);
  });

  it('keep disk, names and sockets out of the folders that do without', () => {
    expect(moduleBreaches(edges, modules)).toEqual([]);
  });

  it('name files that exist, with their .ts, and prefix what is part of Node', () => {
    expect(specifierBreaches(edges, (path) => known.has(path), builtinModules)).toEqual([]);
  });

  it('keep what runs in the browser apart: only types cross the border, and only into the dashboard', () => {
    const inside = (path = '') => path.startsWith('src/admin/dashboard/');
    const across = edges.filter(({ from, to }) => to !== undefined && inside(from) !== inside(to));
    expect(across.filter(({ from, typesOnly }) => !inside(from) || !typesOnly)).toEqual([]);
  });

  it('make no cycle, type imports included', () => {
    expect(cycles(edges)).toEqual([]);
  });
});

/** Edges without lines or text, for the checks that look at paths only. */
function edge(from: string, to: string): ImportEdge {
  return {
    from,
    line: 1,
    names: ['*'],
    typesOnly: false,
    specifier: to.startsWith('src/') ? `./${to}` : to,
    to: to.startsWith('src/') ? to : undefined,
  };
}

describe('importsOf', () => {
  it.each([
    ["import { isIP, type LookupFunction as L } from 'node:net';", ['isIP', 'LookupFunction']],
    ["import net from 'node:net';", ['*']],
    ["import * as net from 'node:net';", ['*']],
    ["import net, { isIP } from 'node:net';", ['*', 'isIP']],
    ["import 'node:net';", ['*']],
    ["export { isIP as is } from 'node:net';", ['isIP']],
    ["export * from 'node:net';", ['*']],
    ["await import('node:net');", ['*']],
  ])('finds the names of %s', (text, names) => {
    expect(importsOf({ path: 'src/x.ts', text })[0]?.names).toEqual(names);
  });

  it.each([
    ["import type { A } from './a.ts';", true],
    ["export type { A } from './a.ts';", true],
    ["type A = import('./a.ts').A;", true],
    ["import { a } from './a.ts';", false],
    ["import './a.ts';", false],
    ["export * from './a.ts';", false],
  ])('knows whether something of %s is left when the code runs', (text, typesOnly) => {
    expect(importsOf({ path: 'src/x.ts', text })[0]?.typesOnly).toBe(typesOnly);
  });

  it('finds every kind of import with its line', () => {
    const text = [
      "import { a } from './a.ts';",
      "import type { B } from '../other/b.ts';",
      "export * from './c.ts';",
      "export { d } from './d.ts';",
      "import './e.ts';",
      "const f = await import('./f.ts');",
      "type G = import('./g.ts').G;",
      "import net from 'node:net';",
      '// import "./comment.ts"',
      'const text = "from \'./text.ts\'";',
      'export const none = 1;',
      'await import(text);',
    ].join('\n');
    expect(
      importsOf({ path: 'src/folder/x.ts', text }).map(({ line, to, specifier }) => [line, to ?? specifier]),
    ).toEqual([
      [1, 'src/folder/a.ts'],
      [2, 'src/other/b.ts'],
      [3, 'src/folder/c.ts'],
      [4, 'src/folder/d.ts'],
      [5, 'src/folder/e.ts'],
      [6, 'src/folder/f.ts'],
      [7, 'src/folder/g.ts'],
      [8, 'node:net'],
    ]);
  });
});

describe('folderBreaches', () => {
  it.each([
    ['src/pick/p2c.ts', 'src/pool/pool.ts', 'pick must not import pool'],
    ['src/admin/server.ts', 'src/runtime/control.ts', 'admin must not import runtime'],
    ['src/support/clock.ts', 'src/config/schema.ts', 'support must not import config'],
    ['src/runtime/control.ts', 'src/cli/main.ts', 'runtime must not import cli'],
    ['src/pool/pool.ts', 'test/support/fake-clock.ts', 'pool must not import '],
    ['src/http1/head.ts', 'src/index.ts', 'http1 must not import index.ts'],
    ['src/novel/x.ts', 'src/support/clock.ts', 'src/novel: not in the table'],
  ])('refuses %s → %s', (from, to, message) => {
    expect(folderBreaches([{ ...edge(from, to), to }], folders)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['src/pick/p2c.ts', 'src/pick/balancer.ts'],
    ['src/pool/pool.ts', 'src/pick/balancer.ts'],
    ['src/proxy/tcp-proxy.ts', 'src/relay/relay.ts'],
    ['src/runtime/worker.ts', 'src/proxy/tcp-proxy.ts'],
    ['src/pick/p2c.ts', 'node:crypto'],
  ])('allows %s → %s', (from, to) => {
    expect(folderBreaches([edge(from, to)], folders)).toEqual([]);
  });
});

describe('moduleBreaches', () => {
  it.each([
    ['src/pick/p2c.ts', 'node:net', true],
    ['src/http1/head.ts', 'node:http', true],
    ['src/route/compile.ts', 'node:dns/promises', true],
    ['src/relay/relay.ts', 'node:fs/promises', true],
    ['src/relay/relay.ts', 'node:net', false],
    ['src/config/load.ts', 'node:fs', false],
    ['src/pick/hash.ts', 'node:netting', false],
  ])('%s → %s: %s', (from, to, refused) => {
    expect(moduleBreaches([edge(from, to)], modules)).toHaveLength(refused ? 1 : 0);
  });
});

describe('moduleBreaches, where the module is for sockets', () => {
  it.each([
    ["import { isIP, isIPv6 } from 'node:net';", 0],
    ["import { isIP, connect } from 'node:net';", 1],
    ["import net from 'node:net';", 1],
    ["import 'node:net';", 1],
  ])('%s: %d', (text, count) => {
    expect(moduleBreaches(importsOf({ path: 'src/pick/x.ts', text }), modules)).toHaveLength(count);
  });
});

describe('specifierBreaches', () => {
  it.each([
    ['./a.ts', undefined],
    ['./data.json', undefined],
    ['pino', undefined],
    ['node:net', undefined],
    ['./a', 'does not name a .ts file'],
    ['./a.js', 'does not name a .ts file'],
    ['./gone.ts', 'names no file'],
    ['/etc/a.ts', 'neither relative nor a package'],
    ['#src/a.ts', 'neither relative nor a package'],
    ['fs', 'lacks the prefix node:'],
  ])('%s', (specifier, message) => {
    const [found] = importsOf({ path: 'src/x.ts', text: `import '${specifier}';` });
    const exists = (path: string) => path !== 'src/gone.ts';
    const expected = message === undefined ? [] : [expect.stringContaining(message)];
    expect(specifierBreaches([found!], exists, ['fs'])).toEqual(expected);
  });
});

describe('cycles', () => {
  const ring = (...paths: string[]) => paths.map((path, n) => edge(path, paths[(n + 1) % paths.length]!));

  it.each([
    ['a file that imports itself', ring('src/a.ts'), ['src/a.ts → src/a.ts']],
    ['two files', ring('src/b.ts', 'src/a.ts'), ['src/a.ts → src/b.ts → src/a.ts']],
    [
      'a ring behind a way in',
      [edge('src/in.ts', 'src/b.ts'), ...ring('src/b.ts', 'src/c.ts', 'src/d.ts')],
      ['src/b.ts → src/c.ts → src/d.ts → src/b.ts'],
    ],
    [
      'two rings',
      [...ring('src/a.ts', 'src/b.ts'), ...ring('src/c.ts', 'src/d.ts')],
      ['src/a.ts → src/b.ts → src/a.ts', 'src/c.ts → src/d.ts → src/c.ts'],
    ],
    [
      'a diamond, which is none',
      [
        edge('src/a.ts', 'src/b.ts'),
        edge('src/a.ts', 'src/c.ts'),
        edge('src/b.ts', 'src/d.ts'),
        edge('src/c.ts', 'src/d.ts'),
      ],
      [],
    ],
    ['packages, which are none', [edge('src/a.ts', 'node:net')], []],
  ])('%s', (_name, given, expected) => {
    expect(cycles(given)).toEqual(expected);
  });
});
