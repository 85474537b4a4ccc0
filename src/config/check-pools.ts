import { isIP } from 'node:net';
import { formatAddress, isWildcard, parseAddress } from '../support/address.ts';
import { type PoolReference, protocolOf } from './check-listeners.ts';
import { type Finding, formatPath, type Path, show } from './problem.ts';
import { entriesOf, get, isObject, itemsOf } from './raw.ts';
import { algorithms, httpHealthKeys, keyedAlgorithms, udpHealthKeys } from './schema-pool.ts';

const keyless = algorithms.filter((name) => !keyedAlgorithms.some((keyed) => keyed === name));

/** What is wrong between the values of a pool. */
export function poolFindings(root: unknown): Finding[] {
  return entriesOf(get(root, 'pools')).flatMap(([name, pool]) => {
    const path = ['pools', name];
    return [
      ...repeatedBackends([...path, 'backends'], get(pool, 'backends')),
      ...healthKeys([...path, 'health'], get(pool, 'health')),
      ...agentHosts(path, pool),
      ...localFamily(path, pool),
      ...settingsAlone([...path, 'balance'], get(pool, 'balance')),
    ];
  });
}

/** What is allowed in pools and yet hardly meant. */
export function poolWarnings(root: unknown, references: readonly PoolReference[]): Finding[] {
  const users = Map.groupBy(references, ({ pool }) => pool);
  return entriesOf(get(root, 'pools')).flatMap(([name, pool]) => {
    const path = ['pools', name];
    const backends = itemsOf(get(pool, 'backends'));
    const used = users.get(name) ?? [];
    const protocols = new Set(used.map((reference) => protocolOf(root, reference)));
    const warnings: Finding[] = [];
    if (used.length === 0) warnings.push({ path, message: 'no listener and no route uses this pool' });
    if (backends.length > 0 && backends.every(([, backend]) => Number(get(backend, 'weight')) === 0)) {
      warnings.push({ path: [...path, 'backends'], message: 'every weight is 0, so no backend gets anything' });
    }
    const queue = uselessQueue(pool, protocols);
    if (queue !== undefined) warnings.push({ path: [...path, 'queue'], message: queue });
    return [...warnings, ...keyOfHttp([...path, 'balance', 'key'], pool, protocols)];
  });
}

/** Listeners that are not of HTTP know of a client its address only. */
function keyOfHttp(path: Path, pool: unknown, protocols: ReadonlySet<unknown>): Finding[] {
  const key = get(get(pool, 'balance'), 'key');
  if (key === undefined || key === 'source' || protocols.size === 0 || protocols.has('http')) return [];
  return [{ path, message: `${show(key)} is of HTTP, and the listeners of this pool hash the address of the client` }];
}

/** Why nobody will wait in a queue. It is for when backends are full, which takes a limit; an agent may set one. */
function uselessQueue(pool: unknown, protocols: ReadonlySet<unknown>): string | undefined {
  if (!(Number(get(get(pool, 'queue'), 'max')) > 0)) return undefined;
  if (protocols.size === 1 && protocols.has('udp')) return 'only udp listeners use this pool, and datagrams never wait';
  const isLimited =
    get(get(pool, 'health'), 'agent') !== undefined ||
    itemsOf(get(pool, 'backends')).some(([, backend]) => Number(get(backend, 'maxConnections')) > 0);
  return isLimited ? undefined : 'no backend has maxConnections, so nobody ever waits';
}

/** The id a backend will have: its name, or its address in one spelling. */
function idOf(backend: unknown): string | undefined {
  const name = get(backend, 'name');
  if (name !== undefined) return typeof name === 'string' ? name : undefined;
  const written = isObject(backend) ? backend['address'] : backend;
  const address = typeof written === 'string' ? parseAddress(written) : '';
  return typeof address === 'string' ? undefined : formatAddress(address);
}

function repeatedBackends(path: Path, backends: unknown): Finding[] {
  const first = new Map<string, Path>();
  return itemsOf(backends).flatMap(([index, backend]) => {
    const id = idOf(backend);
    if (id === undefined) return [];
    const earlier = first.get(id);
    if (!earlier) first.set(id, [...path, index]);
    return earlier
      ? [{ path: [...path, index], message: `${show(id)} is ${formatPath(earlier)} too, expected each backend once` }]
      : [];
  });
}

function healthKeys(path: Path, health: unknown): Finding[] {
  const type = get(health, 'type') ?? 'tcp';
  const alone = (keys: readonly string[], only: string): Finding[] =>
    keys
      .filter((key) => type !== only && get(health, key) !== undefined)
      .map((key) => ({ path: [...path, key], message: `has no meaning with type ${type}, expected type: ${only}` }));
  const findings = [...alone(httpHealthKeys, 'http'), ...alone(udpHealthKeys, 'udp')];
  if (type === 'udp' && get(health, 'send') === undefined)
    findings.push({ path, message: 'says type: udp and not what to send, expected send with a payload' });
  return findings;
}

/** Agents are asked over TCP, on the host of their backend. */
function agentHosts(path: Path, pool: unknown): Finding[] {
  if (get(get(pool, 'health'), 'agent') === undefined) return [];
  return itemsOf(get(pool, 'backends')).flatMap(([index, backend]) => {
    const address = isObject(backend) ? backend['address'] : backend;
    if (typeof address !== 'string' || !address.startsWith('unix:')) return [];
    const message = 'has no host on which an agent could be asked, expected host:port in a pool with health.agent';
    return [{ path: [...path, 'backends', index], message }];
  });
}

/** No connection goes from an address of one family to one of the other. */
function localFamily(path: Path, pool: unknown): Finding[] {
  const local = get(get(pool, 'connect'), 'local');
  const family = typeof local === 'string' && !isWildcard(local) ? isIP(local) : 0;
  if (family === 0) return [];
  const beyond = itemsOf(get(pool, 'backends')).find(([, backend]) => {
    const written = isObject(backend) ? backend['address'] : backend;
    const address = typeof written === 'string' ? parseAddress(written) : '';
    if (typeof address === 'string' || address.kind === 'unix') return false;
    return ![0, family].includes(isIP(address.host));
  });
  if (beyond === undefined) return [];
  const backend = formatPath([...path, 'backends', beyond[0]]);
  const other = family === 4 ? 6 : 4;
  const message = `got ${show(local)}, from which ${backend} cannot be reached, expected IPv${other} here or IPv${family} there`;
  return [{ path: [...path, 'connect', 'local'], part: 'value', message }];
}

/** Settings of `balance` that its algorithm does not go by. */
function settingsAlone(path: Path, balance: unknown): Finding[] {
  const algorithm = get(balance, 'algorithm');
  const findings: Finding[] = [];
  const alone = (key: string, expected: string): void => {
    const message = `has no meaning with ${algorithm}, expected algorithm: ${expected}`;
    if (get(balance, key) !== undefined) findings.push({ path: [...path, key], message });
  };
  if (keyless.some((name) => name === algorithm)) alone('key', 'hash');
  if (algorithms.some((name) => name === algorithm) && algorithm !== 'maglev') alone('loadFactor', 'maglev');
  return findings;
}
