import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configJsonSchema, type JsonSchema, plainSchema } from '../../src/config/json-schema.ts';
import { configReference } from '../../src/config/reference.ts';
import { unavailableKeys } from '../../src/config/unavailable.ts';

/** Every node of a schema with its path. */
function nodesOf(node: JsonSchema, path = ''): { path: string; node: JsonSchema }[] {
  const children: [string, JsonSchema | undefined | boolean][] = [
    ...Object.entries(node.properties ?? {}),
    ['NAME', node.additionalProperties],
    ['[]', node.items],
    ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].map((branch): [string, JsonSchema] => ['', branch]),
  ];
  const inner = children.flatMap(([key, child]) =>
    typeof child === 'object' ? nodesOf(child, key === '' ? path : `${path}.${key}`) : [],
  );
  return [{ path, node }, ...inner];
}

const schema = configJsonSchema();
const small = { listeners: { web: { protocol: 'http', bind: ':80', pool: 'p' } }, pools: { p: { backends: ['h:1'] } } };
const withPool = (pool: object) => ({ ...small, pools: { p: { backends: ['h:1'], ...pool } } });
const withListener = (more: object) => ({ ...small, listeners: { web: { ...small.listeners.web, ...more } } });

describe('configJsonSchema', () => {
  it('is of draft 2020-12, with a title, and is plain data', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Fairlead config',
      type: 'object',
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
    expect(Object.keys(schema.$defs ?? {})).toEqual(['fromEnvironment']);
  });

  it('describes every key, and is closed wherever keys are named', () => {
    for (const { path, node } of nodesOf(schema)) {
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        expect(child.description ?? nodesOf(child)[1]?.node.description, `${path}.${key}`).toMatch(/^[\S\s]+[.]$/);
      }
      if (node.properties) expect(node.additionalProperties, path).toBe(false);
    }
  });

  it('gives the defaults as they are written', () => {
    const { properties: at } = schema;
    expect(at?.['workers']?.default).toBe('auto');
    expect(at?.['admin']?.anyOf?.at(-1)?.properties?.['bind']?.default).toBe('127.0.0.1:9900');
    expect(at?.['shutdown']?.properties?.['grace']?.default).toBe('30s');
    const pool = at?.['pools']?.additionalProperties as JsonSchema;
    expect(pool.properties?.['eject']?.properties?.['max']?.default).toBe('50%');
    expect(pool.properties?.['balance']?.default).toBe('round-robin');
    expect(schema.required).toEqual(['listeners']);
  });

  it('has no key that is not available', () => {
    const keys = nodesOf(schema).map(({ path }) => path);
    const gone = unavailableKeys.filter(({ protocol }) => protocol === undefined);
    expect(gone.length).toBeGreaterThan(0);
    for (const { key } of gone) {
      const path = `.${key.replace(/^(listeners|pools)\.\*/, '$1.NAME').replaceAll('.*', '.[]')}`;
      expect(keys).not.toContain(path);
      expect(keys, 'the object it would be in is there').toContain(path.replace(/\.\w+$/, ''));
    }
  });

  it('allows a variable for every value that is not free text', () => {
    const reference = { $ref: '#/$defs/fromEnvironment' };
    expect(schema.properties?.['workers']?.anyOf).toContainEqual(reference);
    expect(schema.properties?.['watch']?.anyOf).toContainEqual(reference);
    expect(schema.properties?.['log']?.properties?.['level']?.anyOf).toContainEqual(reference);
    const admin = schema.properties?.['admin']?.anyOf?.at(-1);
    expect(admin?.properties?.['token']).toMatchObject({ type: 'string' });
    expect(admin?.properties?.['token']?.anyOf).toBeUndefined();
    expect(JSON.stringify(plainSchema())).not.toContain('fromEnvironment');
  });
});

describe('the JSON Schema, read by zod', () => {
  const check = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);

  it.each([
    small,
    withPool({
      health: { type: 'http', status: 200, interval: '5s' },
      balance: { algorithm: 'hash', key: 'cookie:a' },
    }),
    withPool({ backends: [{ address: 'h:1', weight: `\${W:-2}` }], eject: { max: '10%', failures: 0 } }),
    withListener({ protocol: 'tcp', dataplane: 'userspace' }),
    withListener({ limits: { headerBytes: '8KiB', bodyBytes: 0 }, timeouts: { idle: '1.5s' } }),
    withListener({
      pool: undefined,
      routes: [{ match: { path: ['/a'], header: { a: [true, '~x'] } }, respond: { status: 204 } }],
    }),
    { ...small, workers: `\${N}`, admin: false, log: { access: true }, shutdown: { grace: 0 } },
    { ...small, $schema: './fairlead.schema.json', workers: 4, log: { access: { sample: 0.5 } } },
  ])('accepts %j', (config) => {
    expect(check.safeParse(JSON.parse(JSON.stringify(config))).error?.issues ?? []).toEqual([]);
  });

  it.each([
    {},
    { ...small, worker: 1 },
    { ...small, workers: 0 },
    { ...small, workers: 'all' },
    { ...small, shutdown: { grace: '30' } },
    { ...small, log: { level: 'loud' } },
    { ...small, admin: true },
    withListener({ protocol: 'udp', proxyProtocol: true }),
    withListener({ tls: {} }),
    withListener({ bind: [] }),
    withListener({ timeouts: { header: 10 } }),
    withPool({ balance: 'fastest' }),
    withPool({ balance: { algorithm: 'maglev', loadFactor: 0.5 } }),
    withPool({ backends: [] }),
    withPool({ backends: [{ weight: 1 }] }),
    withPool({ eject: { max: 50 } }),
    withPool({ health: { port: 65_536 } }),
  ])('refuses %j', (config) => {
    expect(check.safeParse(config).success).toBe(false);
  });
});

describe('configReference', () => {
  const text = configReference();

  it('has a row for every key, with its description', () => {
    for (const { path, node } of nodesOf(plainSchema())) {
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        const rows = text.split('\n').filter((line) => line.startsWith(`| \`${key}\` |`));
        const description = child.description ?? nodesOf(child)[1]?.node.description;
        expect(
          rows.some((row) => row.endsWith(`| ${description} |`)),
          `${path}.${key}`,
        ).toBe(true);
      }
    }
  });

  it.each([
    '| `workers` | auto or whole number | `auto` |',
    '| `admin` | `false` or object |  |',
    '| `bind` | address or list of address | `127.0.0.1:9900` |',
    '| `bind` | address or list of address | required |',
    '| `token` | text | `""` |',
    '| `level` | `trace`, `debug`, `info`, `warn`, `error`, `silent` | `info` |',
    '| `listeners` | objects by name | required |',
    '| `pools` | objects by name |  |',
    '| `trustProxies` | list of CIDR | `[]` |',
    '| `protocol` | `tcp` | required |',
    '| `header` | values by name |  |',
    '| `attempts` | whole number, 1 to 10 | `2` |',
    '| `on` | list of cause of a retry | `[connect, reset]` |',
    '| `backends` | list of address or object | required |',
    '| `grace` | duration | `30s` |',
    '| `max` | percentage | `50%` |',
  ])('has %s', (row) => {
    expect(text).toContain(row);
  });

  it.each([
    '## Top level\n\n| key | type | default | what it does |\n|---|---|---|---|\n| `$schema`',
    '## `listeners.NAME` (protocol: http)\n\nA listener for HTTP.\n\n| key',
    '## `listeners.NAME.timeouts` (protocol: tcp)\n\nHow long the listener waits.\n\n| key',
    '## `listeners.NAME.routes[].match` (protocol: http)\n',
    '## `pools.NAME.backends[]`\n\n| key',
    '- in `listeners.NAME`: `dataplane` (protocol: tcp), save `userspace`',
    '` in any value read the environment',
  ])('has %j', (part) => {
    expect(text).toContain(part);
  });

  it('escapes what would end a cell', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(new Set(rows.map((row) => row.replaceAll('\\|', '').split('|').length))).toEqual(new Set([6]));
  });
});
