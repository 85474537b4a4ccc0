import { isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { freeUdpPort } from './open-udp.ts';

/**
 * The IP addresses of this machine's interfaces that are up and have a link, without those that need the name of their
 * interface beside them (IPv6 link-local ones). Undefined when the system does not tell, as it takes a descriptor.
 */
export function localAddresses(): string[] | undefined {
  return interfaceAddresses()
    ?.filter((address) => address.family === 'IPv4' || address.scopeid === 0)
    .map(({ address }) => address);
}

function interfaceAddresses(): NetworkInterfaceInfo[] | undefined {
  try {
    return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  } catch {
    return undefined;
  }
}

/** True when an interface has an address of IPv6 from which the machine can come to `to`, or the system does not tell. */
export function reachesIpv6(to: string): boolean {
  const own = interfaceAddresses()?.filter(({ family }) => family === 'IPv6');
  return own === undefined || own.some(({ internal }) => internal === (to === '::1'));
}

/** Addresses that no machine has, by their families (RFC 5737 and 3849). */
const nobodys: Readonly<Record<number, string>> = { 4: '192.0.2.1', 6: '2001:db8::1' };

/**
 * False when this machine has not this IP address, since nobody can listen there. With `ip_nonlocal_bind`, which is used for
 * virtual addresses, one can anywhere, and that tells nothing.
 */
export async function isLocalAddress(address: string): Promise<boolean> {
  return (await canBind(address)) && !(await canBind(nobodys[isIP(address)]!));
}

async function canBind(address: string): Promise<boolean> {
  return freeUdpPort(address, 0).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'EADDRNOTAVAIL',
  );
}
