import net from 'node:net';
import { withoutIpv6 } from '../support/bind.ts';

/** Connections the kernel may hold for one worker before it accepts them; the kernel's own limit may be lower. */
const BACKLOG = 4096;

/** On Linux an accepted socket has TCP_NODELAY from the one it was accepted on, which saves a system call for each. */
const inheritsNoDelay = process.platform === 'linux';

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
  onconnection: (status: number, client: { setNoDelay?(on: boolean): number } | undefined) => void;
  setNoDelay?(on: boolean): number;
}

/** Who hears of what a listening socket does. */
export interface Acceptor {
  /** A connection came in: its handle, for a wire to be made of. */
  onHandle(handle: object): void;
  /** One could not be accepted, usually for want of file descriptors; `status` is the system's negative number. */
  onAcceptError(status: number): void;
}

/**
 * Binds and accepts. With `reusePort` each worker has its own socket on the same port and the kernel spreads connections
 * over them. Rejects with the system's error when it cannot bind; all interfaces are those of IPv4 where there is no IPv6.
 */
export async function listen(to: BindTarget, reusePort: boolean, acceptor: Acceptor): Promise<Bound> {
  try {
    return await bind(to, reusePort, acceptor);
  } catch (error) {
    const host = 'path' in to ? undefined : withoutIpv6(to.host, error as NodeJS.ErrnoException);
    if ('path' in to || host === undefined) throw error;
    return bind({ ...to, host }, reusePort, acceptor);
  }
}

/**
 * Accepted handles are passed on as they are, because a socket that node:net has already wrapped can no longer be given a
 * read buffer.
 */
function bind(to: BindTarget, reusePort: boolean, acceptor: Acceptor): Promise<Bound> {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...to, backlog: BACKLOG, ...('path' in to ? {} : { reusePort }) }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      const handle = (server as unknown as { _handle: ListeningHandle })._handle;
      handle.setNoDelay?.(true);
      handle.onconnection = (status, client) => {
        if (client === undefined) return acceptor.onAcceptError(status);
        if (!inheritsNoDelay) client.setNoDelay?.(true);
        acceptor.onHandle(client);
      };
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => void server.close(),
      });
    });
  });
}
