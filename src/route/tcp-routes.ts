import { cidrSet } from '../support/cidr.ts';
import { alternatives } from './condition.ts';
import type { Explanation, RouteStep } from './explain.ts';

/** What a route of a tcp listener asks for; what is left out holds for every connection. */
export interface TcpMatch {
  /** Host names of TLS: exact, or `*.` before one for all names below it. */
  readonly sni?: readonly string[] | undefined;
  /** Protocols of which the client must offer one. */
  readonly alpn?: readonly string[] | undefined;
  /** CIDR ranges that the client's address is in. */
  readonly source?: readonly string[] | undefined;
}

/** What is known of a connection; without `hello` it is not TLS. */
export interface TcpFacts {
  readonly source: string;
  readonly hello?: { readonly serverName: string; readonly alpn: readonly string[] } | undefined;
}

/** One condition of a route, compiled. */
interface TcpCondition {
  /** What it looks at, as the config names it. */
  readonly subject: keyof TcpMatch;
  readonly expected: string;
  holds(facts: TcpFacts): boolean;
  /** What the connection has instead, in words. */
  got(facts: TcpFacts): string;
}

/** The routes of a tcp listener: the first one that fits wins. */
export class TcpRoutes<T> {
  /** True when a route asks for what only a ClientHello shows. */
  readonly readsHello: boolean;
  readonly #rules: readonly { readonly conditions: readonly TcpCondition[]; readonly payload: T }[];

  constructor(routes: readonly { readonly match: TcpMatch; readonly payload: T }[]) {
    this.readsHello = routes.some(({ match }) => match.sni !== undefined || match.alpn !== undefined);
    this.#rules = routes.map(({ match, payload }) => ({ conditions: conditionsOf(match), payload }));
  }

  route(facts: TcpFacts): T | undefined {
    return this.#rules.find(({ conditions }) => conditions.every((condition) => condition.holds(facts)))?.payload;
  }

  /** The same decision with its reasons, route by route; for people. They have no names: theirs count from 1. */
  explain(facts: TcpFacts): Explanation {
    const failures = this.#rules.map(({ conditions }) =>
      conditions
        .filter((condition) => !condition.holds(facts))
        .map((condition) => ({
          condition: condition.subject,
          expected: condition.expected,
          got: condition.got(facts),
        })),
    );
    const first = failures.findIndex((failed) => failed.length === 0);
    const nameOf = (index: number) => `route-${index + 1}`;
    const steps = failures.map((failed, index): RouteStep => {
      const about = { index, name: nameOf(index) };
      if (first >= 0 && index > first) return { ...about, outcome: 'not-reached', failures: [] };
      return { ...about, outcome: index === first ? 'matched' : 'failed', failures: failed };
    });
    return { route: first < 0 ? undefined : { index: first, name: nameOf(first) }, refusal: undefined, steps };
  }
}

function conditionsOf({ sni, alpn, source }: TcpMatch): TcpCondition[] {
  const conditions: TcpCondition[] = [];
  if (source !== undefined) {
    const sources = cidrSet(source);
    const got = (facts: TcpFacts) => facts.source || 'no address';
    const holds = (facts: TcpFacts) => sources.has(facts.source);
    conditions.push({ subject: 'source', expected: alternatives(source), holds, got });
  }
  if (sni !== undefined) {
    const names = nameTest(sni);
    const got = ({ hello }: TcpFacts) => (hello === undefined ? 'no TLS' : hello.serverName || 'TLS without a name');
    const holds = ({ hello }: TcpFacts) => hello !== undefined && names(hello.serverName);
    conditions.push({ subject: 'sni', expected: alternatives(sni), holds, got });
  }
  if (alpn !== undefined) {
    const got = ({ hello }: TcpFacts) => (hello === undefined ? 'no TLS' : hello.alpn.join(' and ') || 'no protocol');
    const holds = ({ hello }: TcpFacts) => hello?.alpn.some((protocol) => alpn.includes(protocol)) ?? false;
    conditions.push({ subject: 'alpn', expected: alternatives(alpn), holds, got });
  }
  return conditions;
}

function nameTest(patterns: readonly string[]): (name: string) => boolean {
  const lower = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(lower.filter((pattern) => !pattern.startsWith('*.')));
  const endings = lower.filter((pattern) => pattern.startsWith('*.')).map((pattern) => pattern.slice(1));
  return (name) => exact.has(name) || endings.some((ending) => name.length > ending.length && name.endsWith(ending));
}
