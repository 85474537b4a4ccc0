import { describe, expect, it } from 'vitest';
import { ConfigKeys, configPieces, type KeySchema, unknownKeys } from './config-keys.ts';

const leaf: KeySchema = {};
const backend: KeySchema = {
  anyOf: [leaf, { properties: { address: leaf, weight: leaf }, additionalProperties: false }],
};
const value: KeySchema = { anyOf: [leaf, { items: { $ref: '#/$defs/value' } }] };
const schema: KeySchema = {
  properties: {
    admin: { anyOf: [leaf, { properties: { bind: leaf, token: leaf } }] },
    shutdown: { properties: { grace: leaf } },
    pools: {
      additionalProperties: {
        oneOf: [
          { properties: { balance: leaf, backends: { items: backend }, match: { additionalProperties: value } } },
        ],
      },
    },
  },
  $defs: { value },
};
const keys = new ConfigKeys(schema, ['pools.*.queue', 'pools.*.backends.*.backup']);
const page = (...lines: string[]) => ({ path: 'docs/page.md', text: lines.join('\n') });
const yaml = (...lines: string[]) => page('', '```yaml', ...lines, '```');

describe('ConfigKeys', () => {
  it('knows every key, and not the names users give', () => {
    expect(keys.all()).toEqual([
      'address',
      'admin',
      'backends',
      'balance',
      'bind',
      'grace',
      'match',
      'pools',
      'shutdown',
      'token',
      'weight',
    ]);
  });
});

describe('unknownKeys', () => {
  it.each([
    ['an unknown key', ['nothing: 1']],
    ['one deep down', ['pools:', '  web: { balanse: x }']],
    ['one in a list', ['pools:', '  web:', '    backends: [ { adress: "a:1" } ]']],
    ['a key of another place', ['shutdown: { token: x }']],
    ['a part with a key too many', ['bind: x', 'grace: y']],
    ['a list of parts', ['- { adress: "a:1" }']],
  ])('reports %s', (_name, lines) => {
    expect(unknownKeys(yaml(...lines), keys)).toEqual(['docs/page.md:3: a config with these keys does not exist']);
  });

  it.each([
    [
      'a whole config',
      ['admin: false', 'pools:', '  web:', '    backends:', '      - a:1', '      - { address: "b:1" }'],
    ],
    ['a part', ['balance: x', 'backends: [ "a:1", { address: "b:1", weight: 2 } ]']],
    ['a small part', ['{ address: "b:1" }']],
    ['names that users give', ['pools:', '  anything: { match: { x-any: [ a, [ b ] ] } }']],
    ['what belongs to Compose', ['services: { app: { image: x } }']],
    ['what belongs to Prometheus', ['scrape_configs: []']],
    ['no mapping at all', ['just text']],
  ])('accepts %s', (_name, lines) => {
    expect(unknownKeys(yaml(...lines), keys)).toEqual([]);
  });

  it.each([
    ['shutdown.grase', false],
    ['shutdown.grace.more', false],
    ['pools.web.balanse', false],
    ['pools.*.backends.adress', false],
    ['pools.web.queues', false],
    ['pools.web.queue.max', false],
    ['shutdown.queue', false],
    ['pools.web.queue', true],
    ['pools.*.backends.backup', true],
    ['shutdown.grace', true],
    ['pools.web.balance', true],
    ['pools.*.backends.weight', true],
    ['pools.NAME.match.x-any', true],
    ['admin.token', true],
    ['admin.ts', true],
    ['lb.close', true],
  ])('of the dotted key %s: %s', (text, known) => {
    expect(unknownKeys(page(`The key \`${text}\`.`), keys)).toEqual(
      known ? [] : [`docs/page.md:1: no config key '${text}'`],
    );
  });
});

describe('configPieces', () => {
  it('takes YAML that is not another program’s', () => {
    const text = [
      '```yaml',
      'a: 1',
      '```',
      '```sh',
      'b: 2',
      '```',
      '```yml',
      'services: {}',
      '```',
      '```yml',
      'c: 3',
      '```',
    ];
    expect(configPieces(page(...text)).map(({ line, value }) => [line, value])).toEqual([
      [2, { a: 1 }],
      [11, { c: 3 }],
    ]);
  });
});
