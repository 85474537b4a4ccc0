import { HandleUdp } from './handle-udp.ts';
import { watchRing } from './open-wire.ts';
import { handleKit } from './socket-handle.ts';
import { socketUdp, type UdpMaker } from './udp-wire.ts';

/** The fastest UDP sockets that this version of Node has. */
export const udp: UdpMaker = openUdp();

function openUdp(): UdpMaker {
  if (handleKit === undefined) return socketUdp;
  const made = new HandleUdp(handleKit);
  watchRing(made);
  return made;
}

/**
 * Returns the port, or a free one in the place of 0, when nobody has a socket there, not even one that would share it.
 * Rejects with the system's error otherwise.
 */
export async function freeUdpPort(host: string, port: number): Promise<number> {
  // A ring would not let go of it at once.
  const wire = await socketUdp.bind({ host, port, reusePort: false }, { onDatagram() {}, onError() {} });
  const { localPort } = wire;
  wire.close();
  return localPort;
}
