import net from 'node:net';
import { hostBeforePort } from '../support/address.ts';
import { bindError, clearStaleSocket, withoutIpv6 } from '../support/bind.ts';
import { bindUdp } from '../support/open-udp.ts';
import type { BindPlan } from './messages.ts';

/**
 * Makes sure that a bind can be had before any worker asks for it. With reusePort a second process on a taken port would
 * not fail but share the traffic with the first; binding once without it tells. A Unix socket that nobody serves any more
 * is removed. Rejects with a sentence that names the listener and the address.
 */
export async function checkBind({ to, listener, isUdp }: BindPlan): Promise<void> {
  if ('path' in to) await clearStaleSocket(to.path);
  try {
    if (isUdp && !('path' in to)) (await bindUdp(to.host, to.port, { onDatagram() {}, onError() {} })).close();
    else await bindOnce(to);
  } catch (error) {
    if (!('path' in to) && withoutIpv6(to.host, error as NodeJS.ErrnoException) !== undefined) return;
    const where = 'path' in to ? `unix:${to.path}` : `${hostBeforePort(to.host)}:${to.port}`;
    throw bindError(`listener ${listener}`, where, error as NodeJS.ErrnoException);
  }
}

function bindOnce(to: BindPlan['to']): Promise<void> {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(to, () => server.close(() => resolve()));
  });
}
