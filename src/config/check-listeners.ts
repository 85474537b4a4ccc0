import { closest } from '../support/suggest.ts';
import { rewriteFindings } from './check-rewrite.ts';
import { trafficFindings } from './check-traffic.ts';
import { didYouMean, type Finding, formatPath, type Path, show } from './problem.ts';
import { entriesOf, get, isObject, itemsOf, oneOrMany } from './raw.ts';
import { oneOf } from './scalars.ts';
import { routeActions } from './schema-route.ts';

/** Of how many pools, at most, a message gives the names. */
const mostNamed = 8;

/** A place that names a pool. */
export interface PoolReference {
  readonly path: Path;
  readonly pool: string;
}

/** Every place in listeners and routes that names a pool. */
export function poolReferences(root: unknown): PoolReference[] {
  return entriesOf(get(root, 'listeners')).flatMap(([name, listener]) => {
    const path = ['listeners', name];
    const routes = routesOf(path, listener).flatMap((route) => [
      ...reference(route.path, route.value),
      ...reference([...route.path, 'mirror'], get(route.value, 'mirror')),
      ...itemsOf(get(route.value, 'split')).flatMap(([index, part]) =>
        reference([...route.path, 'split', index], part),
      ),
    ]);
    return [...reference(path, listener), ...routes];
  });
}

/** The protocol of the listener that names a pool. */
export function protocolOf(root: unknown, { path }: PoolReference): unknown {
  return get(path.slice(0, 2).reduce(get, root), 'protocol');
}

function reference(holder: Path, value: unknown): PoolReference[] {
  const pool = get(value, 'pool');
  return typeof pool === 'string' ? [{ path: [...holder, 'pool'], pool }] : [];
}

function routesOf(listener: Path, value: unknown): { path: Path; value: unknown }[] {
  return itemsOf(get(value, 'routes')).map(([index, route]) => ({
    path: [...listener, 'routes', index],
    value: route,
  }));
}

/** What is wrong between listeners, their routes and the pools they name. */
export function listenerFindings(root: unknown, references: readonly PoolReference[]): Finding[] {
  const listeners = get(root, 'listeners');
  if (isObject(listeners) && Object.keys(listeners).length === 0) {
    return [{ path: ['listeners'], part: 'value', message: 'got an empty object, expected at least one listener' }];
  }
  return [
    ...references.flatMap((reference) => unknownPool(root, reference)),
    ...entriesOf(listeners).flatMap(([name, listener]) => unixOverUdp(root, ['listeners', name], listener)),
    ...entriesOf(listeners).flatMap(([name, listener]) => streamOverUdp(root, name, listener)),
    ...entriesOf(listeners).flatMap(([name, listener]) => oneListener(['listeners', name], listener)),
  ];
}

/** Datagrams go over IP only. */
function unixOverUdp(root: unknown, path: Path, listener: unknown): Finding[] {
  if (get(listener, 'protocol') !== 'udp') return [];
  const isUnix = ({ value }: { readonly value: unknown }) => String(value).startsWith('unix:');
  const binds = oneOrMany(get(listener, 'bind'), [...path, 'bind']).filter(isUnix);
  const pool = String(get(listener, 'pool'));
  const backends = itemsOf(get(get(get(root, 'pools'), pool), 'backends'))
    .map(([index, backend]) => ({
      path: ['pools', pool, 'backends', index] as Path,
      value: isObject(backend) ? backend['address'] : backend,
    }))
    .filter(isUnix);
  return [...binds, ...backends].map((found) => ({
    path: found.path,
    part: 'value',
    message: `got ${show(found.value)}, expected a host and port, because ${formatPath(path)} is for UDP`,
  }));
}

/** Ways of connecting that datagrams have no use for: they would go out in the clear, and without a header. */
function streamOverUdp(root: unknown, name: string, listener: unknown): Finding[] {
  if (get(listener, 'protocol') !== 'udp') return [];
  const pool = String(get(listener, 'pool'));
  const connect = get(get(get(root, 'pools'), pool), 'connect');
  return ['tls', 'proxyProtocol']
    .filter((key) => ![undefined, false, 'false', 'off'].some((off) => off === get(connect, key)))
    .map((key) => ({
      path: ['pools', pool, 'connect', key],
      message: `not with listener ${name}, which passes on datagrams as they are; expected http and tcp listeners only`,
    }));
}

function unknownPool(root: unknown, { path, pool }: PoolReference): Finding[] {
  const pools = entriesOf(get(root, 'pools')).map(([name]) => name);
  if (pools.includes(pool)) return [];
  const some = pools.length > mostNamed ? `one of the ${pools.length} pools there are` : oneOf(pools);
  const expected = pools.length === 0 ? 'but there are no pools' : `expected ${some}`;
  return [
    {
      path,
      part: 'value',
      message: `got ${show(pool)}, which is no pool, ${expected}`,
      hint: didYouMean(closest(pool, pools)),
    },
  ];
}

function oneListener(path: Path, listener: unknown): Finding[] {
  if (!isObject(listener) || (listener['protocol'] !== 'http' && listener['protocol'] !== 'tcp')) return [];
  const both = listener['pool'] !== undefined && listener['routes'] !== undefined;
  if (both) return [{ path: [...path, 'pool'], message: 'there are routes too, expected either pool or routes' }];
  if (listener['pool'] === undefined && listener['routes'] === undefined) {
    return [{ path: [...path, 'routes'], message: 'missing, expected pool or routes' }];
  }
  const routes = routesOf(path, listener);
  if (listener['protocol'] === 'tcp') return [];
  return [...repeatedNames(routes), ...routes.flatMap((route) => oneRoute(route.path, route.value))];
}

/** Names label metrics, so that two routes of one name would be counted as one; unnamed ones are `route-N`. */
function repeatedNames(routes: readonly { path: Path; value: unknown }[]): Finding[] {
  const first = new Map<unknown, Path>();
  return routes.flatMap(({ path, value }, index) => {
    const name = get(value, 'name') ?? `route-${index + 1}`;
    const earlier = first.get(name);
    if (!earlier) first.set(name, path);
    return earlier
      ? [
          {
            path: [...path, 'name'],
            message: `${show(name)} is the name of ${formatPath(earlier)} too, expected another`,
          },
        ]
      : [];
  });
}

function oneRoute(path: Path, route: unknown): Finding[] {
  if (!isObject(route)) return [];
  const findings: Finding[] = [];
  const actions = routeActions.filter((key) => route[key] !== undefined);
  if (actions.length === 0) findings.push({ path, message: `nothing to do, expected ${oneOf(routeActions)}` });
  for (const second of actions.slice(1)) {
    findings.push({ path: [...path, second], message: `there is ${actions[0]} too, expected only one of them` });
  }
  const parts = itemsOf(route['split']);
  if (parts.length > 0 && parts.every(([, part]) => Number(get(part, 'weight')) === 0)) {
    findings.push({ path: [...path, 'split'], message: 'every weight is 0, expected one above 0' });
  }
  const answer = route['respond'];
  if (isObject(route['sticky']) && (answer !== undefined || route['redirect'] !== undefined)) {
    findings.push({ path: [...path, 'sticky'], message: 'the route has no pool, so there is nothing to stay on' });
  }
  if ([204, 205, 304].includes(Number(get(answer, 'status'))) && (get(answer, 'body') ?? '') !== '') {
    const message = `a ${get(answer, 'status')} has no body (RFC 9110 §15), expected none`;
    findings.push({ path: [...path, 'respond', 'body'], message });
  }
  return [...findings, ...rewriteFindings(path, route), ...trafficFindings(path, route)];
}
