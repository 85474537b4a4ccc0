import { type PoolReference, protocolOf } from './check-listeners.ts';
import type { Finding, Path } from './problem.ts';
import { entriesOf, get } from './raw.ts';

const isOn = (value: unknown): boolean => value === true || value === 'true';

/** What does not go together with HTTP/2 to the backends of a pool. */
export function http2Findings(root: unknown, references: readonly PoolReference[]): Finding[] {
  return entriesOf(get(root, 'pools')).flatMap(([name, pool]) => {
    const connect = get(pool, 'connect');
    if (!isOn(get(connect, 'http2'))) return [];
    const path: Path = ['pools', name, 'connect', 'http2'];
    const findings: Finding[] = [];
    const proxyProtocol = get(connect, 'proxyProtocol') ?? 'off';
    if (proxyProtocol !== 'off' && proxyProtocol !== false) {
      const message =
        'not with proxyProtocol, since all clients share the connections of HTTP/2; expected one of the two';
      findings.push({ path, message });
    }
    const user = references.find((reference) => reference.pool === name && protocolOf(root, reference) !== 'http');
    if (user !== undefined) {
      const message = `not with listener ${user.path[1]}, which passes on bytes; expected http listeners only`;
      findings.push({ path, message });
    }
    return findings;
  });
}
