import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import { withoutIpv6 } from '../support/bind.ts';

/** Datagrams that wait in this process because the kernel takes no more, in bytes for each socket: what exceeds them is lost. */
export const MOST_QUEUED_BYTES = 1024 * 1024;

/** Every address is one already, and an answer at once saves a turn of the event loop for each datagram. */
export function lookupNothing(
  host: string,
  options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  const tell = (typeof options === 'function' ? options : done) as typeof done;
  tell(null, host, isIPv6(host) ? 6 : 4);
}

/** A socket for addresses of the family of `host`. */
export function udpSocket(host: string): dgram.Socket {
  return dgram.createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', lookup: lookupNothing as never });
}

/**
 * Binds a UDP socket; all interfaces are those of IPv4 where there is no IPv6. Rejects with the system's error when it
 * cannot. Nothing that arrives before the caller listens for `message` is kept.
 */
export async function bindUdp(host: string, port: number): Promise<dgram.Socket> {
  try {
    return await bind(host, port);
  } catch (error) {
    const other = withoutIpv6(host, error as NodeJS.ErrnoException);
    if (other === undefined) throw error;
    return bind(other, port);
  }
}

function bind(host: string, port: number): Promise<dgram.Socket> {
  const socket = udpSocket(host);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off('error', reject);
      // What a datagram could not be sent for is told for each by itself.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
