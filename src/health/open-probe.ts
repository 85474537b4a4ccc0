import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Ends } from '../support/proxied.ts';
import { clientContext, nameProblem, serverNameOf } from '../support/tls-client.ts';
import { refusesHandshake, tlsCause } from '../support/tls-failure.ts';
import type { ProbeConnect } from './policy.ts';
import { connectOptions, connectOptionsFrom, type Endpoint, probeFailure } from './probe.ts';

/** A connection of a probe, on its way. */
export interface ProbeSocket {
  readonly socket: Socket;
  /** The event by which it says that it is there. */
  readonly ready: 'connect' | 'secureConnect';
  /** The Error to reject with for what went wrong before it was there, or after it. */
  failure(cause: Error): Error;
}

/**
 * Opens the connections of a probe: in the clear, or over TLS as a plan says, asking for `protocols` (ALPN), behind their
 * opening if they have one, from the address they are to come from. `lookup` turns names into addresses.
 */
export function opener(
  lookup: LookupFunction,
  { tls, opening, local = '' }: ProbeConnect,
  protocols: readonly string[] = [],
): (to: Endpoint) => ProbeSocket {
  const open = (to: Endpoint): Socket => {
    const socket = connect(connectOptionsFrom(local, to, lookup));
    if (opening !== undefined) socket.once('connect', () => socket.write(opening(endsOf(socket))));
    return socket;
  };
  if (tls === undefined) return (to) => ({ socket: open(to), ready: 'connect', failure: probeFailure });
  return (to) => {
    const where = connectOptions(to);
    const name = serverNameOf(tls, 'host' in where ? where.host : undefined);
    const raw = opening && open(to);
    const socket = connectTls({
      ...(raw === undefined ? connectOptionsFrom(local, to, lookup) : { socket: raw }),
      secureContext: clientContext(tls),
      rejectUnauthorized: tls.verify,
      checkServerIdentity: (_host, certificate) => (tls.verify ? nameProblem(name, certificate) : undefined),
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(protocols.length > 0 ? { ALPNProtocols: [...protocols] } : {}),
    });
    raw?.on('error', (error) => socket.destroy(error));
    socket.on('close', () => raw?.destroy());
    let secure = false;
    socket.once('secureConnect', () => {
      secure = true;
    });
    const failure = (cause: NodeJS.ErrnoException) =>
      (secure && !refusesHandshake(cause)) || cause.syscall === 'connect'
        ? probeFailure(cause)
        : new Error(`no TLS connection: ${tlsCause(cause, name)}`, { cause });
    return { socket, ready: 'secureConnect', failure };
  };
}

/** The ends of a connection as its client has it; undefined over a Unix socket. */
function endsOf({ localAddress, localPort = 0, remoteAddress, remotePort = 0 }: Socket): Ends | undefined {
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  return { sourceAddress: localAddress, sourcePort: localPort, localAddress: remoteAddress, localPort: remotePort };
}
