import { describe, expect, it } from 'vitest';
import { configOf, messageOf, problemsOf, yaml } from './loading.ts';

describe('connect.local', () => {
  const cannot = (local: string, index: number, here: number, there: number) =>
    `pools.app.connect.local: got "${local}", from which pools.app.backends[${index}] cannot be reached, ` +
    `expected IPv${here} here or IPv${there} there`;

  it.each([
    ['127.0.0.5', '"[::1]:2"', cannot('127.0.0.5', 1, 6, 4)],
    ['::1', '"localhost:1"', cannot('::1', 0, 4, 6)],
    ['::1', '{ address: "127.0.0.1:2" }', cannot('::1', 0, 4, 6)],
    ['127.0.0.5', '"localhost:1", "unix:/x", { address: "127.0.0.1:2" }, 1', ''],
    ['::', '"[::1]:2"', ''],
    ['0.0.0.0', '"[::1]:2"', ''],
    ['', '"[::1]:2"', ''],
  ])('%s before %s', async (local, backend, message) => {
    const text = yaml({ pool: `connect: { local: "${local}" }`, backend });
    const found = (await messageOf(text)).split('\n').filter((each) => each.includes('connect.local'));
    expect(found.join()).toBe(message);
  });

  it('is one of IPv6 before backends of IPv6', async () => {
    const listeners = 'listeners: { web: { protocol: http, bind: ":8080", pool: app } }';
    const pools = 'pools: { app: { backends: ["[::1]:1", "h:1"], connect: { local: "::1" } } }';
    expect((await configOf(`${listeners}\n${pools}`)).pools['app']!.connect.local).toBe('::1');
  });

  it('is where the problem is', async () => {
    const text = yaml({ pool: 'connect: { local: "127.0.0.5" }', backend: '"[::1]:2"' });
    expect((await problemsOf(text))[0]).toMatch(/^4:69: pools\.app\.connect\.local: /);
  });
});

describe('a pool of a udp listener', () => {
  const text = (connect: string, protocol = 'udp') =>
    `listeners: { dns: { protocol: ${protocol}, bind: ":53", pool: app } }\n` +
    `pools: { app: { backends: ["10.0.0.1:53"], connect: { ${connect} } } }`;
  const not = (key: string) =>
    `pools.app.connect.${key}: not with listener dns, which passes on datagrams as they are; expected http and tcp listeners only`;

  it.each([
    ['tls: true', not('tls')],
    ['tls: "true"', not('tls')],
    ['tls: { verify: false }', not('tls')],
    ['proxyProtocol: v2', not('proxyProtocol')],
    ['tls: true, proxyProtocol: v1', `${not('tls')}\n${not('proxyProtocol')}`],
    ['tls: false, proxyProtocol: off', ''],
    ['tls: "false", proxyProtocol: false', ''],
    ['timeout: 1s', ''],
  ])('connects by no %s', async (connect, message) => {
    expect(await messageOf(text(connect))).toBe(message);
    expect(await messageOf(text(connect, 'tcp'))).toBe('');
  });
});
