import { isIPv6 } from 'node:net';
import { reachesIpv6 } from '../support/local-addresses.ts';
import { wires } from '../support/open-wire.ts';
import { type Shortage, shortages } from '../support/shortages.ts';
import { TLS_FAILED } from '../support/tls-failure.ts';
import type { DialTarget, Wire, WireSink } from '../support/wire.ts';

/** Different backends that are tried for one L4 connection, or for a datagram, before it is given up. */
export const MAX_DIALS = 3;

/**
 * Starts a connection; `sink.onConnect` or `sink.onClose` follows. `local` is the address to connect from, '' for any.
 * The deadline is the caller's.
 */
export function dial(to: DialTarget, local: string, sink: WireSink): Wire {
  return wires.dial(to, local, sink);
}

/** Why a connection could not be made. */
export type DialFailure =
  | 'connect-refused'
  | 'connect-failed'
  | 'connect-timeout'
  | 'connect-tls'
  | Shortage['outcome'];

/** Sorts the error of a failed connect: refused means that nobody listens there, which is known for sure. */
export function dialFailure(error: NodeJS.ErrnoException | undefined, to: DialTarget | undefined): DialFailure {
  const code = error?.code ?? '';
  if (code === TLS_FAILED) return 'connect-tls';
  if (code === 'ETIMEDOUT') return 'connect-timeout';
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'connect-refused';
  // So Linux puts it too when IPv6 is turned off, where that address will never be reached.
  if (code === 'EADDRNOTAVAIL' && to !== undefined && 'host' in to && isIPv6(to.host) && !reachesIpv6(to.host))
    return 'connect-failed';
  return shortages.get(code)?.outcome ?? 'connect-failed';
}
