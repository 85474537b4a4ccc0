import net from 'node:net';
import { withoutIpv6 } from '../support/bind.ts';
import { watchRing } from '../support/open-wire.ts';
import { type AcceptedSocket, BACKLOG, handleKit, type ListeningHandle } from '../support/socket-handle.ts';
import { type Listening, RingAccept } from './ring-accept.ts';

/**
 * Sockets that one worker listens with on a port it shares. libuv, as the ring, accepts one connection of each at a time, so
 * that this many new ones are in work together, and a turn's system calls and wake-ups are shared by all of them.
 */
const SOCKETS_PER_PORT = 8;

/** On Linux an accepted socket has TCP_NODELAY from the one it was accepted on, which saves a system call for each. */
const inheritsNoDelay = process.platform === 'linux';

/** A port of an address of this machine; 0 for any that is free. */
interface PortTarget {
  readonly host: string;
  readonly port: number;
}

/** What a listener binds to. */
export type BindTarget = PortTarget | { readonly path: string };

/** A bound socket. */
export interface Bound {
  /** The real port; 0 for a Unix socket. */
  readonly port: number;
  /** Stops accepting; connections that were accepted live on. */
  close(): void;
}

/** Who hears of what a listening socket does. */
export interface Acceptor {
  /** A connection came in, for a wire to be made of. */
  onHandle(socket: AcceptedSocket): void;
  /** One could not be accepted, usually for want of file descriptors; `status` is the system's negative number. */
  onAcceptError(status: number): void;
}

/**
 * Binds and accepts. With `reusePort` each worker has its own sockets on the same port and the kernel spreads connections
 * over them. Rejects with the system's error when it cannot bind; all interfaces are those of IPv4 where there is no IPv6.
 */
export async function listen(to: BindTarget, reusePort: boolean, acceptor: Acceptor): Promise<Bound> {
  try {
    return await (reusePort && !('path' in to) ? bindShared(to, acceptor) : bind(to, false, acceptor));
  } catch (error) {
    const host = 'path' in to ? undefined : withoutIpv6(to.host, error as NodeJS.ErrnoException);
    if ('path' in to || host === undefined) throw error;
    return listen({ ...to, host }, reusePort, acceptor);
  }
}

/** Binds all of a worker's sockets on one port, or none. */
async function bindShared(to: PortTarget, acceptor: Acceptor): Promise<Bound> {
  const first = await bind(to, true, acceptor);
  const all = [first];
  const close = () => {
    for (const bound of all) bound.close();
  };
  try {
    while (all.length < SOCKETS_PER_PORT) all.push(await bind({ ...to, port: first.port }, true, acceptor));
  } catch (error) {
    close();
    throw error;
  }
  return { port: first.port, close };
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
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const listening = { handle, close: () => void server.close() };
      resolve({ port, close: 'path' in to ? listening.close : withRing(listening, acceptor) });
    });
  });
}

/** Has the ring of this thread accept, while there is one. Returns how to end it. */
function withRing(listening: Listening, acceptor: Acceptor): () => void {
  if (handleKit === undefined) return listening.close;
  const accept = new RingAccept(handleKit, listening, (socket) => acceptor.onHandle(socket));
  const unwatch = watchRing(accept);
  return () => {
    unwatch();
    accept.close();
  };
}
