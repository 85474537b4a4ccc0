import net from 'node:net';
import { remember } from './opened.ts';
import { RawClient } from './raw-client.ts';

/** A client that comes from that address of the loopback; it is closed after the test. */
export function comeFrom(localAddress: string, address: string): RawClient {
  const port = Number(address.split(':').at(-1));
  const socket = net.connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true });
  remember({ close: async () => void socket.destroy() });
  return new RawClient(socket);
}
