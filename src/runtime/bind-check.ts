import net, { isIP } from 'node:net';
import { hostBeforePort } from '../support/address.ts';
import { bindError, clearStaleSocket, withoutIpv6 } from '../support/bind.ts';
import { bindUdp } from '../support/open-udp.ts';
import { type HandleKit, handleKit } from '../support/socket-handle.ts';
import { systemError } from '../support/system-error.ts';
import type { BindPlan } from './messages.ts';

/**
 * Makes sure that a bind can be had before any worker asks for it. With reusePort a second process on a taken port would
 * not fail but share the traffic with the first; binding once without it tells. Listening is left out where it can be, since
 * whoever connected meanwhile would be dropped. A Unix socket that nobody serves any more is removed. Rejects with a
 * sentence that names the listener and the address.
 */
export async function checkBind({ to, listener, isUdp }: BindPlan): Promise<void> {
  if ('path' in to) await clearStaleSocket(to.path);
  try {
    if (isUdp && !('path' in to)) (await bindUdp(to.host, to.port, { onDatagram() {}, onError() {} })).close();
    else if (handleKit === undefined || 'path' in to || isIP(to.host) === 0) await listenOnce(to);
    else await bindOnce(handleKit, to.host, to.port);
  } catch (error) {
    if (!('path' in to) && withoutIpv6(to.host, error as NodeJS.ErrnoException) !== undefined) return;
    const where = 'path' in to ? `unix:${to.path}` : `${hostBeforePort(to.host)}:${to.port}`;
    throw bindError(`listener ${listener}`, where, error as NodeJS.ErrnoException);
  }
}

/** Binds without listening. libuv tells of a port in use only when it is asked for the name of the socket. */
async function bindOnce(kit: HandleKit, host: string, port: number): Promise<void> {
  const handle = kit.newTcp();
  const bound = isIP(host) === 6 ? handle.bind6(host, port, 0) : handle.bind(host, port);
  const status = bound === 0 ? handle.getsockname!({}) : bound;
  await new Promise<void>((closed) => handle.close(closed));
  if (status !== 0) throw systemError(status, 'bind');
}

function listenOnce(to: BindPlan['to']): Promise<void> {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(to, () => server.close(() => resolve()));
  });
}
