import { describe, expect, it } from 'vitest';
import { messageOf, yaml } from './loading.ts';

const app = 'pools: { app: { backends: ["h:1"] } }';
const listening = (listeners: string) => `listeners: { ${listeners} }\n${app}`;
const tcp = (bind: string) => `{ protocol: tcp, bind: ${bind}, pool: app }`;

describe('addresses', () => {
  const taken = (who: string, what: string, by: string) =>
    `${who}: got "${what}", which ${by} binds already, expected another address`;

  it.each([
    ['of two listeners', `a: ${tcp('":1"')}, b: ${tcp('":1"')}`, taken('listeners.b.bind', ':1', 'listeners.a.bind')],
    [
      'in another spelling',
      `a: ${tcp('":1"')}, b: ${tcp('"[::]:1"')}`,
      taken('listeners.b.bind', '[::]:1', 'listeners.a.bind'),
    ],
    [
      'of all interfaces, by IPv4',
      `a: ${tcp('"0.0.0.0:1"')}, b: ${tcp('":1"')}`,
      taken('listeners.b.bind', ':1', 'listeners.a.bind'),
    ],
    ['in one list', `a: ${tcp('["h:1", "h:2", "H:1"]')}`, taken('listeners.a.bind[2]', 'H:1', 'listeners.a.bind[0]')],
    [
      'of a socket',
      `a: ${tcp('"unix:/x"')}, b: ${tcp('["unix:/x"]')}`,
      taken('listeners.b.bind[0]', 'unix:/x', 'listeners.a.bind'),
    ],
    [
      'of the admin server by default',
      `a: ${tcp('"127.0.0.1:9900"')}`,
      taken('listeners.a.bind', '127.0.0.1:9900', 'admin.bind'),
    ],
    ['of any free port', `a: ${tcp('":0"')}, b: ${tcp('":0"')}`, ''],
    [
      'of IPv4, written as one of IPv6',
      `a: ${tcp('"127.0.0.1:1"')}, b: ${tcp('"[::ffff:127.0.0.1]:1"')}, c: ${tcp('"[::ffff:7f00:0001]:1"')}`,
      [
        taken('listeners.b.bind', '[::ffff:127.0.0.1]:1', 'listeners.a.bind'),
        taken('listeners.c.bind', '[::ffff:7f00:0001]:1', 'listeners.a.bind'),
      ].join('\n'),
    ],
    [
      'of this machine, by its name',
      `a: ${tcp('"LOCALHOST:1"')}, b: ${tcp('"127.0.0.1:1"')}`,
      taken('listeners.b.bind', '127.0.0.1:1', 'listeners.a.bind'),
    ],
    [
      'of a socket on a way round',
      `a: ${tcp('"unix:/a/x"')}, b: ${tcp('"unix:/a/../a//x"')}`,
      taken('listeners.b.bind', 'unix:/a/../a//x', 'listeners.a.bind'),
    ],
    ['of the two families', `a: ${tcp('"localhost:1"')}, b: ${tcp('"[::1]:1"')}`, ''],
    ['of different hosts', `a: ${tcp('"127.0.0.1:1"')}, b: ${tcp('"127.0.0.2:1"')}`, ''],
    [
      'that are none',
      `a: ${tcp('x')}, b: ${tcp('":1"')}`,
      'listeners.a.bind: got "x" (the port is missing), expected :port, host:port, [ipv6]:port or unix:/path',
    ],
  ])('%s', async (_, listeners, message) => {
    expect(await messageOf(listening(listeners))).toBe(message);
  });

  it.each([
    ['admin: { bind: ":8080", token: t }', taken('listeners.web.bind', ':8080', 'admin.bind')],
    ['admin: { bind: ["localhost:1", ":8080"], token: t }', taken('listeners.web.bind', ':8080', 'admin.bind[1]')],
    ['admin: { token: t }', ''],
    ['admin: false', ''],
  ])('%s', async (top, message) => {
    expect(await messageOf(yaml({ top }))).toBe(message);
  });

  it('of the admin server are free when there is none', async () => {
    expect(await messageOf(`admin: false\n${listening(`a: ${tcp('"127.0.0.1:9900"')}`)}`)).toBe('');
  });
});
