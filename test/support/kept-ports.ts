import { once } from 'node:events';
import net from 'node:net';
import { remember } from './opened.ts';

/**
 * Ports that nobody listens on and that nobody is given who asks for any: a port that was free a moment ago may be
 * another test's now. Each is kept by a socket that is connected to itself, which TCP allows (RFC 9293, section 3.5:
 * simultaneous open). Others are refused there, and who asks for that port by number can listen on it.
 */
const kept = new Set<string>();

async function keepPort(host: string, port: number): Promise<void> {
  const name = `${host} ${port}`;
  if (kept.has(name)) return;
  const keeper = net.connect({ host, port, localAddress: host, localPort: port });
  await once(keeper, 'connect');
  keeper.unref().on('error', () => {});
  kept.add(name);
  remember({
    close() {
      kept.delete(name);
      keeper.resetAndDestroy();
    },
  });
}

/** Closes a server, and keeps its port if it has one. Settles when all its connections are over. */
export async function retire(server: net.Server): Promise<void> {
  if (!server.listening) return;
  const bound = server.address() as net.AddressInfo | string;
  const closed = once(server, 'close');
  server.close();
  if (typeof bound === 'object') await keepPort(bound.address, bound.port);
  await closed;
}

/** A port for a server that cannot be told to take any. Connections to it are refused until it listens. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await retire(server);
  return port;
}

/** `host:port` that refuses connections. */
export async function deadAddress(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}
