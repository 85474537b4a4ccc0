import { describe, expect, it } from 'vitest';
import type { HttpListenerConfig } from '../../src/config/schema.ts';
import { configOf, messageOf, yamlWithRoute } from './loading.ts';

const at = 'listeners.web.routes[0].match.body';
const limit = 65_536;
const value = 'exact text, a number, true, false, ~regular-expression, or a list of these';

describe('a condition on a body', () => {
  it.each([
    ['json: tenant.id, is: acme', { kind: 'json', path: 'tenant.id', is: { kind: 'exact', values: ['acme'] }, limit }],
    ['json: a.0', { kind: 'json', path: 'a.0', is: { kind: 'present' }, limit }],
    ['json: a, is: 5', { kind: 'json', path: 'a', is: { kind: 'exact', values: ['5'] }, limit }],
    ['json: a, is: true', { kind: 'json', path: 'a', is: { kind: 'exact', values: ['true'] }, limit }],
    ['json: a, is: "~^x"', { kind: 'json', path: 'a', is: { kind: 'regex', source: '^x' }, limit }],
    [
      'form: plan, is: [pro, 1.5, false, "~x"], limit: 1KiB',
      {
        kind: 'form',
        name: 'plan',
        is: {
          kind: 'any',
          of: [
            { kind: 'exact', values: ['pro', '1.5', 'false'] },
            { kind: 'regex', source: 'x' },
          ],
        },
        limit: 1024,
      },
    ],
    ['contains: some text', { kind: 'contains', text: 'some text', limit }],
  ])('{ %s }', async (body, expected) => {
    const listener = (await configOf(yamlWithRoute(`pool: app, match: { body: { ${body} } }`))).listeners['web'];
    expect((listener as HttpListenerConfig).routes[0]!.match.body).toEqual(expected);
  });

  it.each([
    ['', ': nothing to look at, expected json, form or contains'],
    ['is: a', ': nothing to look at, expected json, form or contains'],
    ['json: a, contains: b', '.contains: there is json too, expected only one of them'],
    ['contains: b, is: a', '.is: contains needs none'],
    ['json: a..b', '.json: got "a..b", expected names and indexes with dots between, such as tenant.id or items.0.sku'],
    ['form: ""', '.form: got "", expected the name of a form field'],
    ['contains: ""', '.contains: got "", expected some text'],
    ['json: a, is: []', '.is: got an empty list, expected at least one'],
    ['json: a, is: {}', `.is: got an object, expected ${value}, or a list`],
    ['json: a, is: "~("', `.is: got "~(" (the regular expression is invalid: Unterminated group), expected ${value}`],
    [
      'json: a, is: 12345678901234567891',
      `.is: got 12345678901234567000 (it has more digits than can be told apart here), expected ${value} (put it in quotes)`,
    ],
    [
      'json: a, limit: 2MiB',
      '.limit: got "2MiB" (it must be at most 1MiB), expected a size such as 512B, 16KiB or 10MiB',
    ],
    ['json: a, limit: 0', '.limit: got 0, expected at least 1B'],
    ['jsn: a', '.jsn: unknown key, expected json, form, contains, is or limit (did you mean "json"?)'],
  ])('not { %s }', async (body, message) => {
    const found = await messageOf(yamlWithRoute(`pool: app, match: { body: { ${body} } }`));
    expect(found.split('\n')).toContain(at + message);
  });
});
