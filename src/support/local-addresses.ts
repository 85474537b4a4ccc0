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

/** False when this machine has not this IP address: nobody can listen there. */
export async function isLocalAddress(address: string): Promise<boolean> {
  return freeUdpPort(address, 0).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'EADDRNOTAVAIL',
  );
}
