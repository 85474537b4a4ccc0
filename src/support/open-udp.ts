import { withoutIpv6 } from './bind.ts';
import { HandleUdp } from './handle-udp.ts';
import { watchRing } from './open-wire.ts';
import { handleKit } from './socket-handle.ts';
import { socketUdp, type UdpBind, type UdpMaker, type UdpSink, type UdpWire } from './udp-wire.ts';

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
export async function bindUdp(to: UdpBind, sink: UdpSink, maker = udp): Promise<UdpWire> {
  try {
    return await maker.bind(to, sink);
  } catch (error) {
    const host = withoutIpv6(to.host, error as NodeJS.ErrnoException);
    if (host === undefined) throw error;
    return maker.bind({ ...to, host }, sink);
  }
}

/** Rejects with the system's error when nobody can listen there, also where a socket is that would share its port. */
export async function checkUdpFree({ host, port }: Pick<UdpBind, 'host' | 'port'>): Promise<void> {
  // A ring would not let go of it at once.
  (await bindUdp({ host, port, reusePort: false }, { onDatagram() {}, onError() {} }, socketUdp)).close();
}
