import { resolve } from 'node:path';
import { type Address, formatAddress, parseAddress, plainHost } from '../support/address.ts';
import { type Finding, formatPath, type Path, show } from './problem.ts';
import { entriesOf, get, isObject, oneOrMany } from './raw.ts';
import { defaultAdminBind } from './schema.ts';

interface Bind {
  readonly path: Path;
  readonly written: string;
  readonly address: Address;
  readonly isUdp: boolean;
}

/**
 * Finds addresses that are bound twice, by listeners or the admin server. The kernel would not say so: workers share
 * ports (SO_REUSEPORT), so two listeners on one would each get some of the connections.
 */
export function bindFindings(root: unknown): Finding[] {
  const seen = new Map<string, Bind>();
  const findings: Finding[] = [];
  for (const bind of bindsOf(root)) {
    const place = placeOf(bind);
    const earlier = place === undefined ? undefined : seen.get(place);
    if (earlier) findings.push({ path: bind.path, part: 'value', message: takenBy(bind, earlier) });
    else if (place !== undefined) seen.set(place, bind);
  }
  return findings;
}

function takenBy(bind: Bind, earlier: Bind): string {
  return `got ${show(bind.written)}, which ${formatPath(earlier.path)} binds already, expected another address`;
}

function bindsOf(root: unknown): Bind[] {
  const admin = get(root, 'admin');
  const adminBind = admin === undefined || isObject(admin) ? (get(admin, 'bind') ?? defaultAdminBind) : undefined;
  const holders: [Path, unknown, boolean][] = [
    [['admin', 'bind'], adminBind, false],
    ...entriesOf(get(root, 'listeners')).map(([name, listener]): [Path, unknown, boolean] => [
      ['listeners', name, 'bind'],
      get(listener, 'bind'),
      get(listener, 'protocol') === 'udp',
    ]),
  ];
  return holders.flatMap(([path, value, isUdp]) =>
    oneOrMany(value, path).flatMap((item) => {
      const address = typeof item.value === 'string' ? parseAddress(item.value) : '';
      return typeof address === 'string' ? [] : [{ path: item.path, written: String(item.value), address, isUdp }];
    }),
  );
}

/** Hosts that are bound as another one is. */
const sameHosts: Readonly<Record<string, string>> = { '0.0.0.0': '::', localhost: '127.0.0.1' };

/**
 * One text for all spellings of a place, names aside: what those stand for is seen when they are bound. `undefined` for
 * port 0, which is another port each time.
 */
function placeOf({ address, isUdp }: Bind): string | undefined {
  if (address.kind === 'unix') return formatAddress({ ...address, path: resolve(address.path) });
  if (address.port === 0) return undefined;
  const host = plainHost(address.host);
  const place = formatAddress({ ...address, host: sameHosts[host] ?? host });
  // Ports of UDP are others than those of TCP.
  return isUdp ? `udp ${place}` : place;
}
