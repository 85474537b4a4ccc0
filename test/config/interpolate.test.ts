import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/config/interpolate.ts';
import { configOf, messageOf, problemsOf, yaml } from './loading.ts';

const env = { NAME: 'value', EMPTY: '', N: '7', _a1: 'x', NESTED: `\${NAME}` };

describe('interpolate', () => {
  it.each([
    ['plain', 'plain'],
    [`\${NAME}`, 'value'],
    [`a \${NAME} b \${N}`, 'a value b 7'],
    [`\${NAME}\${NAME}`, 'valuevalue'],
    [`\${_a1}`, 'x'],
    [`\${EMPTY}`, ''],
    [`\${EMPTY:-d}`, 'd'],
    [`\${NONE:-d}`, 'd'],
    [`\${NONE:-}`, ''],
    [`\${NAME:-d}`, 'value'],
    [`\${NONE:-a:b-c $ 1}`, 'a:b-c $ 1'],
    [`\${NONE:-a}b}`, 'ab}'],
    [`\${NONE:-\${NAME}}`, 'value'],
    [`\${NONE:-\${EMPTY:-\${N}}!}`, '7!'],
    [`\${NONE:-\${GONE:-}}`, ''],
    [`\${NAME:-\${GONE}}`, 'value'],
    [`\${NONE:-\${NESTED}}`, `\${NAME}`],
    [`\${NONE:-$\${NAME}}`, `\${NAME}`],
    [`\${NAME:-$\${NAME}}`, 'value'],
    [`\${NONE:-$\${a}\${N}}}`, `\${a}7}`],
    [`$\${NONE:-\${N}}`, `\${NONE:-7}`],
    [`$\${NAME}`, `\${NAME}`],
    [`$$\${NAME}`, `$\${NAME}`],
    [`$\${`, `\${`],
    ['$NAME', '$NAME'],
    ['~^/a\\d+$', '~^/a\\d+$'],
    ['$', '$'],
    ['{NAME}', '{NAME}'],
    [`\${NESTED}`, `\${NAME}`],
  ])('%s is %s', (text, expected) => {
    expect(interpolate({ key: text }, env)).toEqual({ value: { key: expected }, findings: [] });
  });

  it.each([
    [`\${NONE}`, 'the environment variable NONE is not set', `a default is written \${NONE:-default}`],
    [`x\${toString}`, 'the environment variable toString is not set', `a default is written \${toString:-default}`],
    [`\${}`, `got "\${" without a name, expected \${NAME} or \${NAME:-default}`, `a plain "\${" is "$\${"`],
    [`\${1a}`, `got "\${" without a name, expected \${NAME} or \${NAME:-default}`, `a plain "\${" is "$\${"`],
    [`\${NAME`, `got "\${" without a name, expected \${NAME} or \${NAME:-default}`, `a plain "\${" is "$\${"`],
    [`\${NAME-d}`, `got "\${" without a name, expected \${NAME} or \${NAME:-default}`, `a plain "\${" is "$\${"`],
    [`\${X:-\${NONE}}`, 'the environment variable NONE is not set', `a default is written \${NONE:-default}`],
    [`\${NAME:-\${1}}`, `got "\${" without a name, expected \${NAME} or \${NAME:-default}`, `a plain "\${" is "$\${"`],
    [`\${NAME:-d`, `got "\${NAME:-" without its "}"`, `a plain "\${" is "$\${"`],
    [`\${X:-$\${}`, `got "\${X:-" without its "}"`, `a plain "\${" is "$\${"`],
  ])('complains about %s', (text, message, hint) => {
    const { findings } = interpolate({ a: [text] }, { NAME: 'x' });
    expect(findings).toEqual([{ path: ['a', 0], part: 'value', message, hint }]);
  });

  it('goes into defaults as deep as 32 levels', () => {
    const nested = (levels: number) => `${`\${X:-`.repeat(levels)}end${'}'.repeat(levels)}`;
    expect(interpolate({ a: nested(32) }, {})).toEqual({ value: { a: 'end' }, findings: [] });
    expect(interpolate({ a: nested(10_000) }, {}).findings.map(({ message }) => message)).toContain(
      'defaults nested too deeply, expected at most 32 levels',
    );
  });

  it('complains about each of several', () => {
    const { findings } = interpolate({ a: `\${X} \${Y}`, b: { c: `\${Z}` } }, {});
    expect(findings.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['a', 'the environment variable X is not set'],
      ['a', 'the environment variable Y is not set'],
      ['b.c', 'the environment variable Z is not set'],
    ]);
  });

  it('copies: what it was given stays as it was', () => {
    const root = { a: [{ b: `\${NAME}` }], c: 1, d: null, e: true };
    const { value } = interpolate(Object.freeze(root), env);
    expect(value).toEqual({ a: [{ b: 'value' }], c: 1, d: null, e: true });
    expect(root.a[0]!.b).toBe(`\${NAME}`);
  });

  it('leaves keys alone, and drops those that are undefined', () => {
    const { value } = interpolate({ [`\${NAME}`]: 1, gone: undefined, list: [undefined] }, env);
    expect(Object.entries(value as object)).toEqual([
      [`\${NAME}`, 1],
      ['list', [undefined]],
    ]);
  });

  it('brings in no structure, whatever a variable holds', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(interpolate({ key: `\${X}` }, { X: text })).toEqual({ value: { key: text }, findings: [] });
      }),
    );
  });

  it('refuses a key that would set the prototype', () => {
    const { value, findings } = interpolate(JSON.parse('{ "a": { "__proto__": { "polluted": true } } }'), {});
    expect(findings).toEqual([{ path: ['a', '__proto__'], message: 'not a name that can be used' }]);
    expect(value).toEqual({ a: {} });
    expect((value as { a: { polluted?: true } }).a.polluted).toBeUndefined();
  });

  it('stops in what has no end', () => {
    const endless: { more?: unknown } = {};
    endless.more = endless;
    const { findings } = interpolate(endless, {});
    expect(findings).toEqual([
      { path: Array(32).fill('more'), message: 'nested too deeply, expected at most 32 levels' },
    ]);
  });

  it('goes as deep as 32 levels', () => {
    let deep: unknown = 'end';
    for (let level = 0; level < 33; level++) deep = { a: deep };
    expect(interpolate(deep, {}).findings).toEqual([]);
    expect(interpolate({ a: deep }, {}).findings).toHaveLength(1);
  });
});

describe('a value out of the environment', () => {
  it.each([
    [yaml({ backend: `{ address: "h:1", weight: "\${W:-2}" }` }), {}, 'pools.app.backends.1.weight', 2],
    [yaml({ backend: `{ address: "h:1", weight: "\${W:-2}" }` }), { W: '5' }, 'pools.app.backends.1.weight', 5],
    [yaml({ backend: `{ address: "h:1", weight: '\${W}' }` }), { W: '0' }, 'pools.app.backends.1.weight', 0],
    [yaml({ top: `workers: \${N}` }), { N: '3' }, 'workers', 3],
    [yaml({ top: `workers: \${N}` }), { N: 'auto' }, 'workers', 'auto'],
    [yaml({ top: `watch: \${W:-false}` }), {}, 'watch', false],
    [yaml({ top: `watch: \${W:-false}` }), { W: 'true' }, 'watch', true],
    [yaml({ top: `admin: \${A:-false}` }), {}, 'admin', false],
    [yaml({ top: `log: { access: "\${A}" }` }), { A: 'false' }, 'log.access', false],
    [yaml({ top: `log: { access: { sample: "\${S}" } }` }), { S: '0.5' }, 'log.access.sample', 0.5],
    [yaml({ top: `log: { level: "\${L}" }` }), { L: 'debug' }, 'log.level', 'debug'],
    [yaml({ top: `admin: { token: "\${T}" }` }), { T: '12345' }, 'admin.token', '12345'],
    [yaml({ top: `admin: { token: "\${T}" }` }), { T: 'true' }, 'admin.token', 'true'],
    [yaml({ top: `shutdown: { grace: "\${G}s" }` }), { G: '5' }, 'shutdown.grace', 5000],
    [yaml({ listener: `limits: { bodyBytes: "\${B}" }` }), { B: '1024' }, 'listeners.web.limits.bodyBytes', 1024],
    [yaml({ pool: `eject: { max: "\${M}%" }` }), { M: '25' }, 'pools.app.eject.max', 0.25],
  ] as const)('is read as what its key needs: %s', async (text, environment, key, expected) => {
    const config: unknown = await configOf(text, environment);
    expect(key.split('.').reduce((value, step) => (value as Record<string, unknown>)[step], config)).toBe(expected);
  });

  it.each([
    [
      yaml({ backend: `{ address: "h:1", weight: "\${W}" }` }),
      { W: 'heavy' },
      'pools.app.backends[1].weight: got "heavy", expected a whole number from 0 to 65535',
    ],
    [
      yaml({ backend: `{ address: "h:1", weight: "\${W}" }` }),
      { W: '' },
      'pools.app.backends[1].weight: got "", expected a whole number from 0 to 65535',
    ],
    [
      yaml({ backend: `{ address: "h:1", weight: "\${W}" }` }),
      { W: '0x10' },
      'pools.app.backends[1].weight: got "0x10", expected a whole number from 0 to 65535',
    ],
    [
      yaml({ backend: `{ address: "h:1", weight: "\${W}" }` }),
      { W: ' 1' },
      'pools.app.backends[1].weight: got " 1", expected a whole number from 0 to 65535',
    ],
    [yaml({ top: `watch: \${W}` }), { W: '1' }, 'watch: got "1", expected true or false'],
    [yaml({ top: `workers: \${W}` }), { W: '-1' }, 'workers: got "-1", expected auto or a whole number from 1 to 256'],
    [
      yaml({ top: `admin: { token: "\${T}" }` }),
      { T: 'a b' },
      'admin.token: got ***, expected a token of ASCII characters without spaces',
    ],
  ])('is refused like any other: %s', async (text, environment, message) => {
    expect(await messageOf(text, environment)).toBe(message);
  });

  it('is complained about once, at its value, when the variable is missing', async () => {
    const text = yaml({ top: `log: { level: "\${LEVEL}" }\nshutdown: { grace: "\${GRACE}" }` });
    expect(await problemsOf(text)).toEqual([
      `1:15: log.level: the environment variable LEVEL is not set (a default is written \${LEVEL:-default})`,
      `2:20: shutdown.grace: the environment variable GRACE is not set (a default is written \${GRACE:-default})`,
    ]);
  });

  it('may be missing in a default, which is told where it stands', async () => {
    const text = yaml({ top: `log: { level: "\${LEVEL:-\${OTHER}}" }` });
    expect(await problemsOf(text)).toEqual([
      `1:15: log.level: the environment variable OTHER is not set (a default is written \${OTHER:-default})`,
    ]);
    expect((await configOf(text, { OTHER: 'debug' })).log.level).toBe('debug');
  });

  it('may name a pool', async () => {
    const text = `listeners: { a: { protocol: tcp, bind: ":1", pool: "\${POOL}" } }\npools: { app: { backends: ["h:1"] } }`;
    expect(await messageOf(text, { POOL: 'app' })).toBe('');
    expect(await messageOf(text, { POOL: 'ap' })).toContain('got "ap", which is no pool');
    expect(await messageOf(text)).toMatch(/^listeners\.a\.pool: the environment variable POOL is not set [^\n]*$/);
  });

  it('stays text where text is meant, whatever it looks like', async () => {
    const text = yaml({ top: '' }).replace('pool: app', `routes: [{ match: { header: { a: "\${V}" } }, pool: app }]`);
    const config = await configOf(text, { V: 'true' });
    expect(config.listeners['web']).toMatchObject({
      routes: [{ match: { header: { a: { kind: 'exact', values: ['true'] } } } }],
    });
  });
});
