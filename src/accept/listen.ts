import net from 'node:net';
import { type SocketHandle, Wire } from '../support/wire.ts';

/** Connections the kernel may hold for one worker before it accepts them; the kernel's own limit may be lower. */
const BACKLOG = 4096;

/** What a listener binds to. */
export type BindTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** A bound socket. */
export interface Bound {
  /** The real port; 0 for a Unix socket. */
  readonly port: number;
  /** Stops accepting; connections that were accepted live on. */
  close(): void;
}

/** The parts of a listening handle that turn node:net's accept into ours. */
interface ListeningHandle {
  onconnection: (status: number, client: (SocketHandle & { setNoDelay?(on: boolean): number }) | undefined) => void;
}

/**
 * Binds and accepts. With `reusePort` each worker has its own socket on the same port and the kernel spreads connections
 * over them. Rejects with the system's error when it cannot bind. `onAcceptError` hears of accepts that failed (no file
 * descriptors left, usually); the listener goes on.
 *
 * Accepted handles are wrapped as `Wire` directly, because a socket that node:net has already wrapped can no longer be
 * given a read buffer.
 */
export function listen(
  to: BindTarget,
  reusePort: boolean,
  onWire: (wire: Wire) => void,
  onAcceptError: (status: number) => void,
): Promise<Bound> {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...to, backlog: BACKLOG, ...('path' in to ? {} : { reusePort }) }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      const handle = (server as unknown as { _handle: ListeningHandle })._handle;
      handle.onconnection = (status, client) => {
        if (client === undefined) return onAcceptError(status);
        client.setNoDelay?.(true);
        onWire(new Wire(client));
      };
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => void server.close(),
      });
    });
  });
}
