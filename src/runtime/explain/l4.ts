import type { ExplainRequest } from '../../admin/explain-schema.ts';
import type { Config, ListenerConfig } from '../../config/schema.ts';
import { type TcpFacts, TcpRoutes } from '../../route/tcp-routes.ts';
import { determinedBy, type Found, forbidding, nothingFound, poolShare } from './found.ts';
import type { Target } from './target.ts';

/** A tcp or udp listener that is asked about a connection or a flow. */
export interface L4Asked {
  readonly config: Config;
  readonly listener: Exclude<ListenerConfig, { protocol: 'http' }>;
  readonly target: Target;
  readonly request: ExplainRequest;
}

const closed = { code: 'forbidden', status: null } as const;

/** Plays a connection on the routes of a tcp listener, or a flow on the pool of a udp listener. */
export function explainL4({ config, listener, target, request }: L4Asked): Found {
  const source = request.source ?? '127.0.0.1';
  const barred = forbidding(listener, source);
  if (barred !== undefined)
    return { ...nothingFound(source), outcome: 'refused', refusal: { ...closed, message: barred } };
  if (listener.protocol === 'udp') {
    const route = { index: 0, name: 'route-1' };
    const steps = [{ ...route, outcome: 'matched' as const, failures: [] }];
    return { ...nothingFound(source), steps, ...leadsTo(config, listener.pool, source), route };
  }
  const routes = new TcpRoutes(listener.routes.map(({ match, pool }) => ({ match, payload: pool })));
  const { route, steps } = routes.explain({ source, hello: helloOf(target, request) });
  const found = { ...nothingFound(source), steps: steps.map((step) => ({ ...step, failures: [...step.failures] })) };
  if (route === undefined) return found;
  return { ...found, ...leadsTo(config, listener.routes[route.index]!.pool, source), route: { ...route } };
}

function leadsTo(
  config: Config,
  pool: string,
  source: string,
): Pick<Found, 'outcome' | 'action' | 'settings' | 'determined'> {
  const share = poolShare(pool, config.pools[pool]!, { share: 1, key: source });
  const { proxyProtocol } = config.pools[pool]!.connect;
  return {
    outcome: 'matched',
    determined: determinedBy([share]),
    action: { kind: 'pool', pools: [share], status: null, location: null, body: null },
    settings:
      proxyProtocol === 'off' ? [] : [`proxyProtocol: the backend is told of ${source} in a ${proxyProtocol} header`],
  };
}

/** What the client would say in its ClientHello; undefined for one that does not speak TLS. */
function helloOf({ tls, host }: Target, { sni, alpn }: ExplainRequest): TcpFacts['hello'] {
  if (!tls && sni === undefined && alpn === undefined) return undefined;
  const isName = /[^\d.]/.test(host) && !host.includes(':');
  return { serverName: (sni ?? (isName ? host : '')).toLowerCase(), alpn: alpn ?? [] };
}
