import type { BackendTraffic, ListenerTraffic, PoolTraffic, RouteTraffic } from '../../../src/admin/traffic.ts';
import { backendStatus } from '../fixture.ts';

const still = { total: 0, perSecond: 0 };

/** A backend with so much load. */
export function backend(id: string, perSecond: number, changed: Partial<BackendTraffic> = {}): BackendTraffic {
  return { ...backendStatus({ id }), perSecond, failuresPerSecond: 0, errors: still, ...changed };
}

/** A pool of these backends. */
export function pool(
  name: string,
  backends: readonly BackendTraffic[],
  changed: Partial<PoolTraffic> = {},
): PoolTraffic {
  const perSecond = backends.reduce((sum, one) => sum + one.perSecond, 0);
  return {
    name,
    algorithm: 'round-robin',
    healthy: backends.filter(({ health }) => health === 'up').length,
    active: 0,
    leases: { total: 0, perSecond },
    failures: still,
    errors: still,
    retries: still,
    ejections: 0,
    version: 'v-1',
    changes: [],
    leaving: [],
    recentMs: { p50: null, p99: null },
    backends,
    ...changed,
  };
}

/** A route that leads so much to pools. */
export function route(name: string, pools: Record<string, number>): RouteTraffic {
  const hits = Object.values(pools).reduce((sum, perSecond) => sum + perSecond, 0);
  return {
    name,
    kind: 'pool',
    hits: { total: 0, perSecond: hits },
    errors: still,
    pools: Object.entries(pools).map(([to, perSecond]) => ({ pool: to, weight: 1, perSecond })),
  };
}

/** A listener with these routes. */
export function listener(name: string, routes: readonly RouteTraffic[]): ListenerTraffic {
  const perSecond = routes.reduce((sum, { hits }) => sum + hits.perSecond, 0);
  return {
    name,
    protocol: 'http',
    tls: false,
    addresses: [],
    active: 0,
    connections: still,
    requests: { total: 0, perSecond },
    errors: still,
    refusals: still,
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    routes,
  };
}
