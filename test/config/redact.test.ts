import { describe, expect, it } from 'vitest';
import { redactConfig } from '../../src/config/redact.ts';
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
