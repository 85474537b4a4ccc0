import { unmapped } from './proxied.ts';

const IPV6_GROUPS = 8;
/** Groups of an IPv6 address that name the network of one customer: the first 64 bits. */
const NETWORK_GROUPS = 4;

/**
 * Who is counted as one source: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address of a /64
 * has all of them. Text that is no IP address stays as it is.
 */
export function networkOf(address: string): string {
  const plain = unmapped(address);
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain
    .replace(/%.*$/, '')
    .replace(/[^:]*\.[^:]*$/, '0:0')
    .split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, IPV6_GROUPS - first.length - last.length)).fill('0');
  const groups = [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
