import { describe, expect, it } from 'vitest';
import { type TcpMatch, TcpRoutes } from '../../src/route/tcp-routes.ts';

const routes = (...matches: TcpMatch[]) => new TcpRoutes(matches.map((match, index) => ({ match, payload: index })));
const tls = (serverName: string, ...alpn: string[]) => ({ source: '10.0.0.1', hello: { serverName, alpn } });

describe('the routes of a tcp listener', () => {
  it('go by the name that is asked for', () => {
    const by = routes({ sni: ['a.test', '*.B.test'] });
    expect(by.route(tls('a.test'))).toBe(0);
    for (const name of ['x.b.test', 'y.x.b.test']) expect(by.route(tls(name))).toBe(0);
    for (const name of ['b.test', 'xa.test', 'a.test.x', 'xb.test', '']) expect(by.route(tls(name))).toBeUndefined();
    expect(by.route({ source: '10.0.0.1' })).toBeUndefined();
  });

  it('go by any of the protocols that are offered', () => {
    const by = routes({ alpn: ['h2', 'xmpp-client'] });
    expect(by.route(tls('', 'http/1.1', 'h2'))).toBe(0);
    expect(by.route(tls('', 'http/1.1'))).toBeUndefined();
    expect(by.route({ source: '10.0.0.1' })).toBeUndefined();
  });

  it('go by the address of the client, mapped or not', () => {
    const by = routes({ source: ['10.0.0.0/8', '2001:db8::/32'] });
    for (const source of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1']) expect(by.route({ source })).toBe(0);
    for (const source of ['11.0.0.1', '::1', '']) expect(by.route({ source })).toBeUndefined();
  });

  it('need all conditions, and the first that fits wins', () => {
    const by = routes({ sni: ['a.test'], alpn: ['h2'] }, { sni: ['a.test'], source: ['10.0.0.0/8'] }, {});
    expect(by.route(tls('a.test', 'h2'))).toBe(0);
    expect(by.route(tls('a.test'))).toBe(1);
    expect(by.route({ ...tls('a.test'), source: '192.0.2.1' })).toBe(2);
    expect(by.route({ source: '192.0.2.1' })).toBe(2);
  });

  it('say whether a ClientHello has to be read', () => {
    expect(routes({ source: ['10.0.0.0/8'] }, {}).readsHello).toBe(false);
    expect(routes({}, { sni: ['a'] }).readsHello).toBe(true);
    expect(routes({ alpn: ['h2'] }).readsHello).toBe(true);
  });
});
