import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ConnectTlsPlan, clientContext, nameProblem, serverNameOf } from '../support/tls-client.ts';
import { tlsCause } from '../support/tls-failure.ts';
import { connectOptions, type Endpoint, probeFailure } from './probe.ts';

/** A connection of a probe, on its way. */
export interface ProbeSocket {
  readonly socket: Socket;
  /** The event by which it says that it is there. */
  readonly ready: 'connect' | 'secureConnect';
  /** The Error to reject with for what went wrong before it was there, or after it. */
  failure(cause: Error): Error;
}

/**
 * Opens the connections of a probe: in the clear, or over TLS as a plan says, asking for `protocols` (ALPN). `lookup` turns
 * names into addresses.
 */
export function opener(
  lookup: LookupFunction,
  tls: ConnectTlsPlan | undefined,
  protocols: readonly string[] = [],
): (to: Endpoint) => ProbeSocket {
  if (tls === undefined) {
    return (to) => ({ socket: connect({ ...connectOptions(to), lookup }), ready: 'connect', failure: probeFailure });
  }
  return (to) => {
    const where = connectOptions(to);
    const name = serverNameOf(tls, 'host' in where ? where.host : undefined);
    const socket = connectTls({
      ...where,
      lookup,
      secureContext: clientContext(tls),
      rejectUnauthorized: tls.verify,
      checkServerIdentity: (_host, certificate) => (tls.verify ? nameProblem(name, certificate) : undefined),
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(protocols.length > 0 ? { ALPNProtocols: [...protocols] } : {}),
    });
    let secure = false;
    socket.once('secureConnect', () => {
      secure = true;
    });
    const failure = (cause: NodeJS.ErrnoException) =>
      secure || cause.syscall === 'connect'
        ? probeFailure(cause)
        : new Error(`no TLS connection: ${tlsCause(cause, name)}`, { cause });
    return { socket, ready: 'secureConnect', failure };
  };
}
