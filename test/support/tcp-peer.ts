import { once } from 'node:events';
import net from 'node:net';
import { retire } from './kept-ports.ts';
import { remember } from './opened.ts';
import { eventually } from './patience.ts';

const LOOK_MS = 5;

/** A TCP backend that does what the test says with each connection. */
export interface Peer {
  /** `host:port`, or `unix:/path`. */
  readonly address: string;
  /** Connections that are open. */
  readonly open: number;
  /** Connections taken so far. */
  readonly taken: number;
  /** How those that are over ended, in that order. */
  readonly endings: readonly ('fin' | 'reset')[];
  /** Waits until this holds. */
  until(holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** How a peer behaves. */
export interface PeerOptions {
  /** Where it listens; a free port of 127.0.0.1 unless said otherwise. */
  readonly where?: net.ListenOptions;
  /** Keeps its side open when the other side has sent its FIN. */
  readonly halfOpen?: boolean;
}

/** Starts a peer that answers a FIN with a FIN unless told otherwise. */
export async function startPeer(
  onConnection: (socket: net.Socket) => unknown,
  { where = { host: '127.0.0.1', port: 0 }, halfOpen = false }: PeerOptions = {},
): Promise<Peer> {
  const sockets = new Set<net.Socket>();
  const endings: ('fin' | 'reset')[] = [];
  let taken = 0;
  const listener = net.createServer({ allowHalfOpen: halfOpen }, (socket) => {
    sockets.add(socket);
    taken++;
    let ending: 'fin' | 'reset' = 'fin';
    socket.on('error', () => {
      ending = 'reset';
    });
    socket.on('close', () => {
      sockets.delete(socket);
      endings.push(ending);
    });
    onConnection(socket);
  });
  listener.listen(where);
  await once(listener, 'listening');
  const bound = listener.address();
  const host = typeof bound === 'object' && bound?.family === 'IPv6' ? `[${bound.address}]` : '127.0.0.1';
  return remember({
    address: typeof bound === 'string' ? `unix:${bound}` : `${host}:${bound!.port}`,
    get open() {
      return sockets.size;
    },
    get taken() {
      return taken;
    },
    endings,
    async until(holds: () => boolean) {
      await eventually(holds, 'what the peer waited for', LOOK_MS);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await retire(listener);
    },
  });
}
