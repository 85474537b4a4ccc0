import { withoutIpv6 } from './bind.ts';
import { HandleUdp } from './handle-udp.ts';
import { watchRing } from './open-wire.ts';
import { handleKit } from './socket-handle.ts';
import { socketUdp, type UdpMaker, type UdpSink, type UdpWire } from './udp-wire.ts';

/** The fastest UDP sockets that this version of Node has. */
export const udp: UdpMaker = openUdp();

function openUdp(): UdpMaker {
  if (handleKit === undefined) return socketUdp;
  const made = new HandleUdp(handleKit);
  watchRing(made);
  return made;
}

/**
 * Binds a UDP socket; all interfaces are those of IPv4 where there is no IPv6. Rejects with the system's error when it
 * cannot.
 */
export async function bindUdp(host: string, port: number, sink: UdpSink): Promise<UdpWire> {
  try {
    return await udp.bind(host, port, sink);
  } catch (error) {
    const other = withoutIpv6(host, error as NodeJS.ErrnoException);
    if (other === undefined) throw error;
    return udp.bind(other, port, sink);
  }
}
