import { type CidrSet, cidrSet } from '../support/cidr.ts';

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

/** The routes of a tcp listener: the first one that fits wins. */
export class TcpRoutes<T> {
  /** True when a route asks for what only a ClientHello shows. */
  readonly readsHello: boolean;
  readonly #rules: readonly { readonly fits: (facts: TcpFacts) => boolean; readonly payload: T }[];

  constructor(routes: readonly { readonly match: TcpMatch; readonly payload: T }[]) {
    this.readsHello = routes.some(({ match }) => match.sni !== undefined || match.alpn !== undefined);
    this.#rules = routes.map(({ match, payload }) => ({ fits: compile(match), payload }));
  }

  route(facts: TcpFacts): T | undefined {
    return this.#rules.find(({ fits }) => fits(facts))?.payload;
  }
}

function compile({ sni, alpn, source }: TcpMatch): (facts: TcpFacts) => boolean {
  const sources: CidrSet | undefined = source && cidrSet(source);
  const names = sni && nameTest(sni);
  return (facts) => {
    if (sources !== undefined && !sources.has(facts.source)) return false;
    if (names !== undefined && !(facts.hello !== undefined && names(facts.hello.serverName))) return false;
    return alpn === undefined || (facts.hello?.alpn.some((protocol) => alpn.includes(protocol)) ?? false);
  };
}

function nameTest(patterns: readonly string[]): (name: string) => boolean {
  const lower = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(lower.filter((pattern) => !pattern.startsWith('*.')));
  const endings = lower.filter((pattern) => pattern.startsWith('*.')).map((pattern) => pattern.slice(1));
  return (name) => exact.has(name) || endings.some((ending) => name.length > ending.length && name.endsWith(ending));
}
