import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { takeUnavailable, unavailableKeys } from '../../src/config/unavailable.ts';
import { configOf, messageOf, problemsOf, yaml } from './loading.ts';

const tcpListener = (more: string) =>
  `listeners: { db: { protocol: tcp, bind: ":1", pool: app, ${more} } }\npools: { app: { backends: ["127.0.0.1:3001"] } }`;

const poolRows: [string, string, string | undefined][] = [
  ['discover: { dns: a, port: 1 }', 'discover', 'discover: false'],
  ['spawn: { command: a }', 'spawn', 'spawn: false'],
];

describe('what is not available yet', () => {
  it.each(poolRows)('of a pool: %s', async (written, key, off) => {
    expect(await messageOf(yaml({ pool: written }))).toBe(`pools.app.${key}: not available yet`);
    if (off === undefined) return;
    expect(await configOf(yaml({ pool: off }))).toEqual(await configOf(yaml()));
  });

  it('of a tcp listener: a data plane in the kernel', async () => {
    expect(await messageOf(tcpListener('dataplane: { nftables: { mode: nat } }'))).toBe(
      'listeners.db.dataplane: not available yet',
    );
    expect(await messageOf(tcpListener('dataplane: nftables'))).toBe('listeners.db.dataplane: not available yet');
    const other = { dataplane: 'nftables' } as const;
    // @ts-expect-error: only what is available has a type.
    const input: ConfigInput = { listeners: { db: { protocol: 'tcp', bind: ':1', pool: 'app', ...other } }, pools: {} };
    expect(resolveConfig(input, { env: {} }).ok).toBe(false);
  });

  it('leaves a tcp listener the data plane that there is', async () => {
    const plain = await configOf(tcpListener(''));
    expect(await configOf(tcpListener('dataplane: userspace'))).toEqual(plain);
    expect(await configOf(tcpListener(`dataplane: "\${PLANE}"`), { PLANE: 'userspace' })).toEqual(plain);
    const input: ConfigInput = {
      listeners: { db: { protocol: 'tcp', bind: ':1', pool: 'app', dataplane: 'userspace' } },
      pools: { app: { backends: ['127.0.0.1:3001'] } },
    };
    expect(resolveConfig(input, { env: {} })).toMatchObject({ ok: true, config: plain });
  });

  it('does not make a key known where it has no meaning', async () => {
    expect(await messageOf(yaml({ listener: 'dataplane: userspace' }))).toMatch(
      /^listeners\.web\.dataplane: unknown key/,
    );
    expect(await messageOf(yaml({ top: 'tls: false' }))).toMatch(/^tls: unknown key/);
    expect(await messageOf(yaml({ pool: 'guard: false' }))).toMatch(/^pools\.app\.guard: unknown key/);
  });

  it('stands at its key, among all other problems', async () => {
    expect(await problemsOf('pools:\n  a:\n    health: { type: grpcs }\n    spawn: 5')).toEqual([
      '1:1: listeners: missing, expected an object',
      '2:3: pools.a.backends: missing, expected a list',
      '3:21: pools.a.health.type: got "grpcs", expected tcp, http, grpc, udp or off (did you mean "grpc"?)',
      '4:5: pools.a.spawn: not available yet',
    ]);
  });

  it('is off also when the environment says so', async () => {
    const text = yaml({ pool: `spawn: "\${PP}"` });
    expect(await messageOf(text, { PP: 'false' })).toBe('');
    expect(await messageOf(text, { PP: 'true' })).toBe('pools.app.spawn: not available yet');
  });
});

describe('takeUnavailable', () => {
  it('takes out keys, off or not, and leaves the rest', () => {
    const root = {
      listeners: { a: { dataplane: {}, protocol: 'tcp', bind: ':1' } },
      pools: { b: { spawn: false } },
    };
    expect(takeUnavailable(root).map(({ path }) => path.join('.'))).toEqual(['listeners.a.dataplane']);
    expect(root).toEqual({ listeners: { a: { protocol: 'tcp', bind: ':1' } }, pools: { b: {} } });
  });

  it.each([
    undefined,
    null,
    'text',
    [],
    { listeners: null },
    { listeners: [] },
    { listeners: { a: null, b: 'x', c: [1] } },
    { listeners: { a: { protocol: 'http', routes: 'x' } } },
    { pools: { a: { backends: 'x', health: [], connect: 5 } } },
  ])('passes over what has another shape: %j', (root) => {
    const before = JSON.stringify(root);
    expect(takeUnavailable(root)).toEqual([]);
    expect(JSON.stringify(root)).toBe(before);
  });

  it('has a test above for every row', () => {
    const tested = poolRows.map(([, key]) => key);
    const rest = ['dataplane'];
    const words = new Set(
      [...tested, ...rest].map((key) =>
        key
          .replaceAll(/\[\d\]/g, '')
          .split('.')
          .at(-1),
      ),
    );
    const missing = unavailableKeys.filter(({ key }) => !words.has(key.replace(/\.\*$/, '').split('.').at(-1)));
    expect(missing).toEqual([]);
  });
});
