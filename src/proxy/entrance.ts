import type { TlsDoor } from '../accept/tls-door.ts';
import { wires } from '../support/open-wire.ts';
import { handleOf } from '../support/ring-handle.ts';
import type { AcceptedSocket } from '../support/socket-handle.ts';
import type { HttpSite } from './http-site.ts';
import { enterProxied } from './proxy-entrance.ts';
import { resetHandle, sourceOf } from './source-gate.ts';
import { TcpSite } from './tcp-site.ts';

/**
 * Lets a connection in that a listener has accepted, or refuses it: for its source, for want of files, of time, or of a place. `door`
 * is undefined when the listener does not end TLS.
 */
export function enter(site: HttpSite | TcpSite, door: TlsDoor | undefined, socket: AcceptedSocket): void {
  if (site.deps.files.refuses(socket.fd, site.name)) {
    site.meters.refused('out-of-files');
    return resetHandle(socket);
  }
  if (site.guard?.bars(sourceOf(socket)) === true) {
    site.meters.refused('banned');
    return resetHandle(socket);
  }
  // Requests are answered; what is dear to begin with, or has no words for a refusal, is reset.
  if ((door !== undefined || site instanceof TcpSite) && site.deps.pressure.sheds()) {
    site.meters.refused('overload');
    return resetHandle(socket);
  }
  // TLS is Node's, on a handle.
  const handle = door === undefined ? socket : handleOf(socket);
  if (site.expectsProxyHeader) return enterProxied(site, handle, door);
  const refusal = site.gate?.enter(sourceOf(handle), handle);
  if (refusal !== undefined) site.bar(wires.accepted(handle), refusal);
  else if (door === undefined) site.accept(wires.accepted(handle));
  else if (!site.entrance.enter(handle, door)) resetHandle(handle);
}
