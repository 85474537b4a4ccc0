import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TcpMatch, TcpRoutes } from '../../src/route/tcp-routes.ts';
import { findUnreachableTcp } from '../../src/route/tcp-unreachable.ts';

const pairsOf = (...matches: TcpMatch[]) => findUnreachableTcp(matches).map(({ index, by }) => `${index} by ${by}`);

describe('a route of a tcp listener is unreachable behind', () => {
  it.each<[string, TcpMatch, TcpMatch]>([
    ['a catch-all', {}, { sni: ['a.com'] }],
    ['another catch-all', {}, {}],
    ['a wildcard above its name', { sni: ['*.a.com'] }, { sni: ['x.A.com'] }],
    ['a wider wildcard', { sni: ['*.com'] }, { sni: ['*.a.com', 'b.com'] }],
    ['more names', { sni: ['b.com', 'a.com'] }, { sni: ['a.com'], source: ['10.0.0.1'] }],
    ['a wider range', { source: ['10.0.0.0/8'] }, { source: ['10.1.0.0/16', '10.2.0.1'], alpn: ['h2'] }],
    ['more protocols', { alpn: ['h2', 'http/1.1'] }, { alpn: ['h2'] }],
  ])('%s', (_, wide, narrow) => {
    expect(pairsOf(wide, narrow)).toEqual(['1 by 0']);
  });
});

describe('a route of a tcp listener is reachable behind', () => {
  it.each<[string, TcpMatch, TcpMatch]>([
    ['a name', { sni: ['a.com'] }, {}],
    ['a wildcard that its name is not below', { sni: ['*.a.com'] }, { sni: ['a.com'] }],
    ['a wildcard that ends alike', { sni: ['*.a.com'] }, { sni: ['xa.com'] }],
    ['a name that is one of its own', { sni: ['a.com'] }, { sni: ['a.com', 'b.com'] }],
    ['a narrower range', { source: ['10.1.0.0/16'] }, { source: ['10.0.0.0/8'] }],
    ['one with a condition more', { sni: ['a.com'], alpn: ['h2'] }, { sni: ['a.com'] }],
    ['a condition of another kind', { alpn: ['h2'] }, { sni: ['a.com'] }],
    ['a protocol in other letters', { alpn: ['H2'] }, { alpn: ['h2'] }],
  ])('%s', (_, wide, narrow) => {
    expect(pairsOf(wide, narrow)).toEqual([]);
  });
});

describe('a route of a listener that ends TLS', () => {
  it.each<[string, TcpMatch, readonly string[], string | undefined]>([
    ['is reachable by a protocol that is offered', { alpn: ['imap', 'h2'] }, ['h2'], undefined],
    ['is reachable by none', {}, [], undefined],
    ['is not by one that is not', { alpn: ['imap'] }, ['h2'], 'its alpn is imap, and tls.alpn offers h2'],
    ['is not by any where none is', { alpn: ['imap', 'h2'] }, [], 'its alpn is imap or h2, and tls.alpn offers none'],
  ])('%s', (_, match, offers, reason) => {
    expect(findUnreachableTcp([match], offers).map((found) => found.reason)).toEqual(reason ? [reason] : []);
  });
});

describe('what is found', () => {
  it('names the first route that takes it all, and why', () => {
    const found = findUnreachableTcp([
      { source: ['10.0.0.0/8'] },
      { sni: ['*.a.com'] },
      { sni: ['x.a.com'], source: ['10.1.0.0/16'] },
      {},
      { alpn: ['h2'] },
    ]);
    expect(found).toEqual([
      {
        index: 2,
        by: 0,
        reason: 'route "route-1" before it takes all that it could: source 10.0.0.0/8 includes 10.1.0.0/16',
      },
      { index: 4, by: 3, reason: 'route "route-4" before it takes every connection' },
    ]);
  });

  it('never takes a connection', () => {
    const some = <T>(...values: T[]) => fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }));
    const someMatch = fc
      .record({
        sni: some('a.com', '*.a.com', 'x.a.com', '*.x.a.com', '*.com'),
        alpn: some('h2', 'http/1.1'),
        source: some('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3'),
      })
      .map(
        ({ sni, alpn, source }): TcpMatch => ({
          ...(sni && { sni }),
          ...(alpn && { alpn }),
          ...(source && { source }),
        }),
      );
    const someFacts = fc.record({
      source: fc.constantFrom('10.1.2.3', '10.1.0.1', '10.2.0.1', '::1', ''),
      hello: fc.option(
        fc.record({
          serverName: fc.constantFrom('a.com', 'x.a.com', 'y.x.a.com', 'b.com', ''),
          alpn: fc.subarray(['h2', 'http/1.1']),
        }),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(fc.array(someMatch, { maxLength: 8 }), fc.array(someFacts, { minLength: 20 }), (matches, facts) => {
        const dead = findUnreachableTcp(matches).map(({ index }) => index);
        const routes = new TcpRoutes(matches.map((match, payload) => ({ match, payload })));
        for (const fact of facts) expect(dead).not.toContain(routes.route(fact) ?? -1);
      }),
    );
  });

  it('is found among thousands in no long time', () => {
    const matches = Array.from({ length: 20_000 }, (_, at) => ({ sni: [`host-${at}.a.com`] }));
    expect(pairsOf(...matches, { sni: ['host-7.a.com'] })).toEqual(['20000 by 7']);
  });
});
