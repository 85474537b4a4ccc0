import { lookup } from 'node:dns/promises';
import { realpath } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { hostBeforePort, plainHost } from '../support/address.ts';
import type { BindPlan } from './messages.ts';

/** Where a bind is, whatever it is called. */
export interface BindPlace {
  readonly bind: BindPlan;
  /** The IP address that is bound, or the path of a Unix socket without links. */
  readonly where: string;
  /** 0 for a Unix socket, and for any free port. */
  readonly port: number;
}

/** The place of a bind: that of the first address of a name, which is the one that is bound; undefined while it has none. */
export async function placeOf(bind: BindPlan): Promise<BindPlace | undefined> {
  const { to } = bind;
  if ('path' in to) {
    const folder = dirname(to.path);
    return { bind, where: join(await realpath(folder).catch(() => folder), basename(to.path)), port: 0 };
  }
  const where = await boundAddress(to.host).catch(() => undefined);
  return where === undefined ? undefined : { bind, where, port: to.port };
}

/** The address that is bound for a host: the first one of a name. Rejects with the system's error when it has none. */
export async function boundAddress(host: string): Promise<string> {
  return plainHost(isIP(host) === 0 ? (await lookup(host)).address : host);
}

/** True when two binds are for one address. */
export function isSamePlace(a: BindPlace, b: BindPlace): boolean {
  return isSamePort(a, b) && a.where === b.where;
}

/** True when they are, or one is for all interfaces and so for the address of the other too. */
export function isOverlapping(a: BindPlace, b: BindPlace): boolean {
  return isSamePort(a, b) && (isWithin(a.where, b.where) || isWithin(b.where, a.where));
}

/** Ports of UDP are others than those of TCP, and any free port is another one each time. */
function isSamePort(a: BindPlace, b: BindPlace): boolean {
  const isUnix = 'path' in a.bind.to;
  if (isUnix || 'path' in b.bind.to) return isUnix && 'path' in b.bind.to;
  return a.port === b.port && a.port !== 0 && a.bind.isUdp === b.bind.isUdp;
}

/** True when what comes to an address comes to a bind for another one too, since that is the same or for all interfaces. */
export function isWithin(host: string, bound: string): boolean {
  return host === bound || bound === '::' || (bound === '0.0.0.0' && isIP(host) === 4);
}

/** A bind as messages show it. */
export function showBind({ to }: BindPlan): string {
  return 'path' in to ? `unix:${to.path}` : `${hostBeforePort(to.host)}:${to.port}`;
}
