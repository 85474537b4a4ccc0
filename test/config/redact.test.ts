import { describe, expect, it } from 'vitest';
import { redactConfig, redactEdits, showConfig } from '../../src/config/redact.ts';
import { configOf, yaml, yamlWithRoute } from './loading.ts';

describe('redactConfig', () => {
  it('hides the token, in a copy', async () => {
    const config = await configOf(yaml({ top: 'admin: { token: secret }' }));
    const shown = redactConfig(config);
    expect(JSON.stringify(shown)).not.toContain('secret');
    expect(shown).toEqual({
      ...config,
      admin: { bind: [{ kind: 'tcp', host: '127.0.0.1', port: 9900 }], token: '***' },
    });
    expect(config.admin).toMatchObject({ token: 'secret' });
    expect(shown.pools).not.toBe(config.pools);
  });

  it.each(['admin: {}', 'admin: { token: "" }', 'admin: false'])('shows that there is none: %s', async (top) => {
    const config = await configOf(yaml({ top }));
    expect(redactConfig(config)).toEqual(config);
  });

  it("hides what signs a route's cookies", async () => {
    const config = await configOf(yamlWithRoute('pool: app, sticky: { cookie: fl, secret: hush }'));
    const shown = redactConfig(config);
    expect(JSON.stringify(shown)).not.toContain('hush');
    expect(JSON.stringify(shown)).toContain('***');
    expect(JSON.stringify(config)).toContain('hush');
    const without = await configOf(yamlWithRoute('pool: app, sticky: { cookie: fl }'));
    expect(redactConfig(without)).toEqual(without);
  });
});

describe('header fields with credentials', () => {
  const route =
    'pool: app, match: { header: { x-api-key: k1, x-tier: gold } }, headers: { request: { set: { Authorization: Basic-x, x-ok: plain } } }';

  it('are hidden by their names, the others shown', async () => {
    const config = await configOf(yamlWithRoute(route));
    const text = JSON.stringify(redactConfig(config));
    expect(text).not.toMatch(/Basic-x|k1/);
    expect(text).toMatch(/plain.*|gold/);
  });

  it('can be hidden where they are set, and routing left as it is', async () => {
    const text = JSON.stringify(redactEdits(await configOf(yamlWithRoute(route))));
    expect(text).not.toContain('Basic-x');
    expect(text).toContain('k1');
  });
});

describe('conditions on credentials', () => {
  it.each([
    'cookie: { session: hush, group: shown }',
    'query: { access_token: hush, preview: shown }',
    'query: { api_key: [hush, "~hush"], key: hush, keyword: shown }',
    'body: { json: tenant.apiKey, is: hush }, host: shown',
    'body: { json: auth.name, is: hush }, host: shown',
    'body: { form: password, is: hush }, host: shown',
    'body: { contains: "token=hush" }, host: shown',
  ])('are hidden by their names, the others shown: %s', async (match) => {
    const config = await configOf(yamlWithRoute(`pool: app, match: { ${match} }`));
    const text = JSON.stringify(showConfig(config));
    expect(text).not.toContain('hush');
    expect(text).toContain('shown');
    expect(JSON.stringify(config)).toContain('hush');
  });

  it.each(['body: { json: tenant.id, is: shown }', 'body: { form: plan, is: shown }', 'body: { contains: shown }'])(
    'are no other bodies: %s',
    async (match) => {
      const config = await configOf(yamlWithRoute(`pool: app, match: { ${match} }`));
      expect(redactConfig(config)).toEqual(config);
    },
  );
});

describe('showConfig', () => {
  it('shows addresses as they are written, and no secrets', async () => {
    const config = await configOf(yaml({ top: 'admin: { bind: ["127.0.0.1:1", "unix:/run/a.sock"], token: secret }' }));
    expect(showConfig(config)['admin']).toEqual({ bind: ['127.0.0.1:1', 'unix:/run/a.sock'], token: '***' });
  });
});
