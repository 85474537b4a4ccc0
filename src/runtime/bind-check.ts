import net, { isIP } from 'node:net';
import { bindError, clearStaleSocket, withoutIpv6 } from '../support/bind.ts';
import { freeUdpPort } from '../support/open-udp.ts';
import { type HandleKit, handleKit } from '../support/socket-handle.ts';
import { systemError } from '../support/system-error.ts';
import { type BindPlace, isOverlapping, isSamePlace, placeOf, showBind } from './bind-place.ts';
import type { BindPlan, WorkerPlan } from './messages.ts';

type Binds = Pick<WorkerPlan, 'binds'>;

/** Makes sure of all binds of a plan that the one in force has not, as `checkBind` does; no two may be at one place. */
export async function checkNewBinds({ binds }: Binds, inForce: Binds | undefined): Promise<void> {
  const kept = new Set(inForce?.binds.map(({ key }) => key));
  const fresh = binds.filter(({ key }) => !kept.has(key));
  if (fresh.length === 0) return;
  const held = await placesOf(inForce?.binds ?? []);
  const places = await placesOf(binds);
  for (const bind of fresh) {
    const place = places.find((each) => each.bind === bind);
    const twin = place && places.find((other) => other !== place && isSamePlace(place, other));
    if (twin !== undefined) throw twinError(bind, twin.bind);
    await checkBind(bind, place && held.find((other) => isOverlapping(place, other))?.bind);
  }
}

async function placesOf(binds: readonly BindPlan[]): Promise<BindPlace[]> {
  const places = await Promise.all(binds.map(placeOf));
  return places.filter((place) => place !== undefined);
}

function twinError(bind: BindPlan, twin: BindPlan): Error {
  const why = `listener ${twin.listener} has ${showBind(twin)}, which is the same address`;
  return new Error(`listener ${bind.listener} cannot listen on ${showBind(bind)}: ${why}`);
}

/**
 * Makes sure that a bind can be had before any worker asks for it; one of UDP is left to the one worker that has it, which
 * may have its socket still. With reusePort a second process on a taken port would not fail but share the traffic with the
 * first; binding once without it tells. Where the port is taken by this process itself, by the bind `own` for the same
 * address among others, both share it until `own` is closed, if they can. A Unix socket that nobody serves any more is
 * removed. Rejects with a sentence that names the listener and the address.
 */
export async function checkBind(bind: BindPlan, own?: BindPlan): Promise<void> {
  const { to, listener, shared, isUdp } = bind;
  const isBeside = own?.shared === true && shared;
  if (isUdp && (own === undefined || isBeside)) return;
  if ('path' in to) await clearStaleSocket(to.path);
  try {
    await tryBind(bind, isBeside);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    if (!('path' in to) && withoutIpv6(to.host, error) !== undefined) return;
    if (own === undefined || isBeside || error.code !== 'EADDRINUSE')
      throw bindError(`listener ${listener}`, showBind(bind), error);
    const why = `Fairlead itself has ${showBind(own)}, which a reload before this one must take away`;
    throw new Error(`listener ${listener} cannot listen on ${showBind(bind)}: ${why}`, { cause });
  }
}

/** Listening is left out where it can be, since whoever connected meanwhile would be dropped. */
async function tryBind({ to, isUdp }: BindPlan, isBeside: boolean): Promise<void> {
  if ('path' in to) return listenOnce(to);
  if (isUdp) return void (await freeUdpPort(to.host, to.port));
  if (handleKit !== undefined && isIP(to.host) !== 0) return bindOnce(handleKit, to.host, to.port, isBeside);
  if (!isBeside) await listenOnce(to);
}

/** Binds without listening. libuv tells of a port in use only when it is asked for the name of the socket. */
async function bindOnce(kit: HandleKit, host: string, port: number, isBeside: boolean): Promise<void> {
  const handle = kit.newTcp();
  const flags = isBeside ? kit.reusePort : 0;
  const bound = isIP(host) === 6 ? handle.bind6(host, port, flags) : handle.bind(host, port, flags);
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
