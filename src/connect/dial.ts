import { wires } from '../support/open-wire.ts';
import { shortages } from '../support/shortages.ts';
import { TLS_FAILED } from '../support/tls-failure.ts';
import type { DialTarget, Wire, WireSink } from '../support/wire.ts';

/**
 * Starts a connection; `sink.onConnect` or `sink.onClose` follows. `local` is the address to connect from, '' for any.
 * The deadline is the caller's.
 */
export function dial(to: DialTarget, local: string, sink: WireSink): Wire {
  return wires.dial(to, local, sink);
}

/** Why a connection could not be made; `out-of-files` when this side has no descriptor or memory for it. */
export type DialFailure = 'connect-refused' | 'connect-failed' | 'connect-timeout' | 'connect-tls' | 'out-of-files';

/** Sorts the error of a failed connect: refused means that nobody listens there, which is known for sure. */
export function dialFailure(error: NodeJS.ErrnoException | undefined): DialFailure {
  if (error?.code === TLS_FAILED) return 'connect-tls';
  if (error?.code === 'ETIMEDOUT') return 'connect-timeout';
  if (shortages.has(error?.code ?? '')) return 'out-of-files';
  return error?.code === 'ECONNREFUSED' || error?.code === 'ENOENT' ? 'connect-refused' : 'connect-failed';
}
