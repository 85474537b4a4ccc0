import { SocketWire } from '../support/socket-wire.ts';
import type { Wire, WireSink } from '../support/wire.ts';

/** An address that can be dialled without asking a resolver: an IP address and port, or a Unix path. */
export type DialTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Starts a connection; `sink.onConnect` or `sink.onClose` follows. `local` is the address to connect from, '' for any.
 * The deadline is the caller's.
 */
export function dial(to: DialTarget, local: string, sink: WireSink): Wire {
  const wire = new SocketWire();
  wire.sink = sink;
  if ('path' in to) wire.connect({ path: to.path });
  else wire.connect({ host: to.host, port: to.port, ...(local === '' ? {} : { localAddress: local }) });
  return wire;
}

/** Why a connection could not be made. */
export type DialFailure = 'connect-refused' | 'connect-failed';

/** Sorts the error of a failed connect: refused means that nobody listens there, which is known for sure. */
export function dialFailure(error: NodeJS.ErrnoException | undefined): DialFailure {
  return error?.code === 'ECONNREFUSED' || error?.code === 'ENOENT' ? 'connect-refused' : 'connect-failed';
}
