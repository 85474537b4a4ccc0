import { describe, expect, it } from 'vitest';
import { readBackend } from '../../src/config/backend.ts';

describe('a backend that is written in no config', () => {
  it('is read as one that is', () => {
    expect(readBackend('web', { address: 'web.internal:80' })).toEqual({
      ok: true,
      backend: {
        id: 'web.internal:80',
        address: { kind: 'tcp', host: 'web.internal', port: 80 },
        weight: 1,
        maxConnections: 0,
        backup: false,
      },
    });
  });

  it.each([
    [{ address: 'a:1', wieght: 2 }, 'wieght: unknown key, expected name, address, weight', '(did you mean "weight"?)'],
    [{ address: 'a' }, 'address: got "a" (the port is missing), expected host:port', ''],
    [{ address: 'a:1', weight: -1 }, 'weight: got -1, expected a whole number from 0 to 65535', ''],
    [{}, 'address: missing, expected host:port', ''],
  ])('is refused in the same words: %j', (written, start, end) => {
    const read = readBackend('web', written);
    const [problem = ''] = read.ok ? [] : read.problems;
    expect([problem.slice(0, start.length), problem.slice(problem.length - end.length)]).toEqual([start, end]);
  });

  it.each([
    '<script>alert(1)</script>',
    'a\nb',
    'a\r\nSet-Cookie: x',
    'a"b',
    'a b',
    '{x="y"}',
    '',
    '\u0000',
    '..',
    'a/b',
  ])('has no name such as %j, which would come into pages, logs and metrics', (text) => {
    expect(readBackend('web', { name: text, address: 'a:1' }).ok).toBe(false);
  });

  it.each(['<b>:80', 'a\nb:80', 'a b:80', '"a":80', 'a:80/x', 'a@b:80', 'http://a:80'])(
    'has no address such as %j',
    (text) => {
      expect(readBackend('web', { address: text }).ok).toBe(false);
    },
  );
});
