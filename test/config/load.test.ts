import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultConfigPath, loadConfig, resolveConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { largestFileBytes, readText } from '../../src/config/read-text.ts';
import { configOf, problemsOf, withDirectory, yaml } from './loading.ts';

describe('loadConfig', () => {
  it('reports every problem of every kind at once, in the order of the file', async () => {
    const text = [
      'worker: 2',
      'shutdown: { grace: abc }',
      'admin: { bind: ":9900" }',
      'listeners:',
      '  web:',
      '    protocol: http',
      '    bind: ":80"',
      '    bind: ":81"',
      '    tls: { cert: a.pem }',
      `    timeouts: { header: "\${HEADER}" }`,
      '    routes:',
      '      - { match: { path: "~(" }, pool: wbe }',
      '      - { match: { source: 10.0.0.0/99 } }',
      '  db: { protocol: tcp, bind: [":80"], pool: web, limit: 5 }',
      'pools:',
      '  web:',
      '    backends:',
      '      - "h:1"',
      '      - { address: "h:1", wieght: 2 }',
      '    spawn: { command: a }',
      '  empty: { backends: [] }',
      '  "a b": { backends: [5] }',
    ].join('\n');
    expect((await problemsOf(text)).map((problem) => problem.replace(/, expected.*/, ''))).toEqual([
      '1:1: worker: unknown key',
      '2:20: shutdown.grace: got "abc"',
      '3:1: admin.token: missing',
      '8:5: listeners.web.bind: this key is there twice',
      '9:5: listeners.web.tls.key: missing',
      expect.stringContaining('10:25: listeners.web.timeouts.header: the environment variable HEADER is not set'),
      '12:26: listeners.web.routes[0].match.path: got "~(" (the regular expression is invalid: Unterminated group)',
      '12:40: listeners.web.routes[0].pool: got "wbe", which is no pool',
      '13:9: listeners.web.routes[1]: nothing to do',
      '13:28: listeners.web.routes[1].match.source: got "10.0.0.0/99" ("99" is not a prefix length from 0 to 32)',
      '14:31: listeners.db.bind[0]: got ":80", which listeners.web.bind binds already',
      '14:50: listeners.db.limit: unknown key',
      '19:9: pools.web.backends[1]: "h:1" is pools.web.backends[0] too',
      '19:27: pools.web.backends[1].wieght: unknown key',
      '20:5: pools.web.spawn: not available yet',
      '21:22: pools.empty.backends: got an empty list',
      '22:3: pools["a b"]: not a name; expected 1 to 64 letters, digits, "_", "." or "-", the first a letter or digit',
      '22:23: pools["a b"].backends[0]: got 5',
    ]);
  });

  it('names the file as it was named', async () => {
    await withDirectory(async (directory) => {
      const path = relative('', join(directory, 'a.yaml'));
      writeFileSync(path, yaml({ top: 'workers: x' }));
      const loaded = await loadConfig(path, { env: {} });
      expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([
        `${path}:1:10: workers: got "x", expected auto or a whole number from 1 to 256`,
      ]);
    });
  });

  it('reads JSON as it reads YAML', async () => {
    const written = {
      listeners: { a: { protocol: 'tcp', bind: ':1', pool: 'p' } },
      pools: { p: { backends: ['h:1'] } },
    };
    const text = JSON.stringify(written, null, '\t');
    expect(await configOf(text, {}, 'a.json')).toEqual(await configOf(text, {}, 'a.yaml'));
    expect(await problemsOf(text.replace(':1"', '"'), {}, 'a.json')).toEqual([
      expect.stringMatching(/^5:12: listeners\.a\.bind: got "" \(the port is missing\)/),
    ]);
    expect(await problemsOf('a: 1', {}, 'a.json')).toEqual([expect.stringMatching(/^1:1: \S/)]);
  });

  it.each(['a.yaml', 'a.yml', 'a.YAML', 'a.json', 'a.JSON', 'a.b.json'])('takes %s by its extension', async (name) => {
    const text = JSON.stringify({
      listeners: { a: { protocol: 'tcp', bind: ':1', pool: 'p' } },
      pools: { p: { backends: ['h:1'] } },
    });
    expect((await configOf(text, {}, name)).workers).toBe('auto');
  });

  it.each([
    ['a.toml', '', 'got a file named ".toml", expected .yaml, .yml, .json, .ts, .mts, .js, .mjs or .cjs'],
    ['fairlead', yaml(), 'got a file named "", expected .yaml, .yml, .json, .ts, .mts, .js, .mjs or .cjs'],
    ['a.yaml', '', 'the file is empty, expected at least listeners'],
    ['a.yaml', '# nothing\n', 'the file is empty, expected at least listeners'],
    ['a.json', '', 'the file is empty, expected at least listeners'],
    ['a.json', 'null', 'the file is empty, expected at least listeners'],
    ['a.yaml', 'listeners', 'got "listeners", expected an object with listeners'],
    ['a.yaml', '- a', 'got a list, expected an object with listeners'],
    ['a.json', '5', 'got 5, expected an object with listeners'],
    ['a.yaml', '\u0000', expect.stringMatching(/\S/)],
  ])('refuses %s with %j', async (name, text, message) => {
    const problems = await problemsOf(text, {}, name);
    expect(problems.map((problem) => problem.replace(/^1:1: /, ''))).toEqual([message]);
  });

  it('takes a byte order mark and Windows line ends', async () => {
    const text = `\ufeff${yaml({ top: 'workers: x' }).replaceAll('\n', '\r\n')}`;
    expect(await problemsOf(text)).toEqual([expect.stringMatching(/^1:10: workers: got "x"/)]);
    expect((await configOf(`\ufeff${yaml()}`)).watch).toBe(true);
  });

  it('says where things are, for those who have more to say', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'a.yaml');
      writeFileSync(path, yaml());
      const loaded = await loadConfig(path, { env: {} });
      expect(loaded.ok && loaded.source.file).toBe(path);
      expect(loaded.ok && loaded.source.locate(['pools', 'app'], 'key')).toEqual({ line: 4, column: 3 });
    });
  });
});

describe('a file that cannot be read', () => {
  const why = async (path: string) => {
    const loaded = await loadConfig(path, { env: {} });
    return loaded.ok ? [] : loaded.problems;
  };

  it('is missing, a directory, or too large', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'a.yaml');
      const problem = (message: string) => [{ file: path, line: 1, column: 1, key: '', message }];
      expect(await why(path)).toEqual(problem('there is no such file'));
      mkdirSync(path);
      expect(await why(path)).toEqual(problem('this is a directory, expected a file'));
      expect(await why(join(path, 'x.yaml'))).toMatchObject([{ message: 'there is no such file' }]);
      const file = join(path, 'y.yaml');
      writeFileSync(file, '');
      expect(await why(join(file, 'x.yaml'))).toMatchObject([{ message: 'there is no such file' }]);
      truncateSync(file, largestFileBytes + 1);
      expect(await why(file)).toMatchObject([{ message: 'the file is over 8388608 bytes' }]);
      expect(await why(join(directory, 'a\0.yaml'))).toMatchObject([
        { message: expect.stringContaining('the file cannot be read: ') },
      ]);
    });
  });

  it.skipIf(process.getuid?.() === 0)('may not be read', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'a.yaml');
      writeFileSync(path, yaml());
      chmodSync(path, 0);
      expect(await why(path)).toMatchObject([{ message: 'the file may not be read' }]);
    });
  });
});

describe('readText', () => {
  it('reads all of a file, up to its limit', async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'a');
      writeFileSync(path, 'ä'.repeat(100_000));
      expect(await readText(path)).toEqual({ ok: true, text: 'ä'.repeat(100_000) });
      writeFileSync(path, 'x'.repeat(largestFileBytes));
      const read = await readText(path);
      expect(read.ok && read.text.length).toBe(largestFileBytes);
    });
  });

  it('reads what is no regular file', async () => {
    expect(await readText('/dev/null')).toEqual({ ok: true, text: '' });
  });
});

describe('resolveConfig', () => {
  const good = {
    listeners: { a: { protocol: 'tcp', bind: ':1', pool: 'p' } },
    pools: { p: { backends: ['h:1'] }, q: { backends: ['h:1'] } },
  };

  it('takes a config in code, and warns', () => {
    const loaded = resolveConfig(good, { env: {} });
    expect(loaded).toMatchObject({
      ok: true,
      config: { workers: 'auto', pools: { p: { eject: { failures: 5 } } } },
      warnings: [
        { file: '<config>', line: 1, column: 1, key: 'pools.q', message: 'no listener and no route uses this pool' },
      ],
    });
  });

  it.each([
    [
      null,
      [{ file: '<config>', line: 1, column: 1, key: '', message: 'got nothing, expected an object with listeners' }],
    ],
    [
      undefined,
      [{ file: '<config>', line: 1, column: 1, key: '', message: 'got nothing, expected an object with listeners' }],
    ],
    [
      () => good,
      [{ file: '<config>', line: 1, column: 1, key: '', message: 'got a function, expected an object with listeners' }],
    ],
    [
      { ...good, workers: () => 1 },
      [{ key: 'workers', message: 'got a function, expected auto or a whole number from 1 to 256' }],
    ],
    [
      { ...good, workers: Number.NaN },
      [{ key: 'workers', message: 'got NaN, expected auto or a whole number from 1 to 256' }],
    ],
    [{ ...good, workers: 2n }, [{ key: 'workers' }]],
    [{ ...good, extra: 1 }, [{ key: 'extra', message: expect.stringContaining('unknown key') }]],
  ])('refuses %s', (input, problems) => {
    expect(resolveConfig(input, { env: {} })).toMatchObject({ ok: false, problems });
  });

  it('takes undefined for a key that is not there, and leaves its input as it was', () => {
    const input = Object.freeze({
      ...good,
      workers: undefined,
      listeners: Object.freeze({ a: Object.freeze({ ...good.listeners.a, tls: false }) }),
    });
    expect(resolveConfig(input, { env: {} })).toMatchObject({ ok: true, config: { workers: 'auto' } });
    expect(input.listeners.a.tls).toBe(false);
  });
});

describe('defaultConfigPath', () => {
  it('is fairlead.yaml, else config/fairlead.yaml', async () => {
    await withDirectory((directory) => {
      expect(defaultConfigPath(directory)).toBeUndefined();
      mkdirSync(join(directory, 'config'));
      expect(defaultConfigPath(directory)).toBeUndefined();
      writeFileSync(join(directory, 'config', 'fairlead.yaml'), '');
      expect(defaultConfigPath(directory)).toBe(relative('', join(directory, 'config', 'fairlead.yaml')));
      writeFileSync(join(directory, 'fairlead.yaml'), '');
      expect(defaultConfigPath(directory)).toBe(relative('', join(directory, 'fairlead.yaml')));
    });
  });
});
