import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/**
 * The IP addresses of this machine's interfaces, without those that need the name of their interface beside them (IPv6
 * link-local ones); none where the system does not tell.
 */
export function localAddresses(): string[] {
  return interfaceAddresses()
    .filter((address) => address.family === 'IPv4' || address.scopeid === 0)
    .map(({ address }) => address);
}

function interfaceAddresses(): NetworkInterfaceInfo[] {
  try {
    return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  } catch {
    return [];
  }
}
