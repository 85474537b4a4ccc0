import { lookup } from 'node:dns/promises';
import { realpath } from 'node:fs/promises';
import net, { isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { hostBeforePort, plainHost } from '../support/address.ts';
import { bindError, clearStaleSocket, withoutIpv6 } from '../support/bind.ts';
import { bindUdp } from '../support/open-udp.ts';
import { type HandleKit, handleKit } from '../support/socket-handle.ts';
import { systemError } from '../support/system-error.ts';
import type { BindPlan, WorkerPlan } from './messages.ts';

type Binds = Pick<WorkerPlan, 'binds'>;

/** Makes sure of all binds of a plan that the one before it has not, as `checkBind` does; no two may be at one place. */
export async function checkNewBinds({ binds }: Binds, before: Binds | undefined): Promise<void> {
  const held = new Set(before?.binds.map(({ key }) => key));
  const places = await Promise.all(binds.map(placeOf));
  for (const [index, bind] of binds.entries()) {
    const place = places[index];
    if (held.has(bind.key)) continue;
    const twin = place === undefined ? undefined : binds.find((other, at) => other !== bind && places[at] === place);
    if (twin !== undefined) throw twinError(bind, twin);
    await checkBind(bind);
  }
}

function twinError(bind: BindPlan, twin: BindPlan): Error {
  const why = `listener ${twin.listener} has ${whereOf(twin)}, which is the same address`;
  return new Error(`listener ${bind.listener} cannot listen on ${whereOf(bind)}: ${why}`);
}

/**
 * One text for all names of a place: the first address of a host, which is the one that is bound; `undefined` for any
 * free port, and for what cannot be bound for want of an address.
 */
async function placeOf({ to, isUdp }: BindPlan): Promise<string | undefined> {
  if ('path' in to) {
    const folder = dirname(to.path);
    return join(await realpath(folder).catch(() => folder), basename(to.path));
  }
  if (to.port === 0) return undefined;
  const host =
    isIP(to.host) === 0
      ? await lookup(to.host).then(
          ({ address }) => address,
          () => undefined,
        )
      : to.host;
  if (host === undefined) return undefined;
  // Ports of UDP are others than those of TCP.
  return `${isUdp ? 'udp ' : ''}${hostBeforePort(plainHost(host))}:${to.port}`;
}

function whereOf({ to }: BindPlan): string {
  return 'path' in to ? `unix:${to.path}` : `${hostBeforePort(to.host)}:${to.port}`;
}

/**
 * Makes sure that a bind can be had before any worker asks for it. With reusePort a second process on a taken port would
 * not fail but share the traffic with the first; binding once without it tells. Listening is left out where it can be, since
 * whoever connected meanwhile would be dropped. A Unix socket that nobody serves any more is removed. Rejects with a
 * sentence that names the listener and the address.
 */
export async function checkBind(bind: BindPlan): Promise<void> {
  const { to, listener, isUdp } = bind;
  if ('path' in to) await clearStaleSocket(to.path);
  try {
    if (isUdp && !('path' in to)) (await bindUdp(to.host, to.port, { onDatagram() {}, onError() {} })).close();
    else if (handleKit === undefined || 'path' in to || isIP(to.host) === 0) await listenOnce(to);
    else await bindOnce(handleKit, to.host, to.port);
  } catch (error) {
    if (!('path' in to) && withoutIpv6(to.host, error as NodeJS.ErrnoException) !== undefined) return;
    throw bindError(`listener ${listener}`, whereOf(bind), error as NodeJS.ErrnoException);
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
