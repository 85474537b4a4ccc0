import { isIPv4 } from 'node:net';
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

/** Stands in the first half of what was an IPv4 address. */
const IPV4 = -1;
const TWO_BYTES = 0x1_0000;

/** A network of `networkOf` as two numbers; undefined for text that is no IP address. */
export function packNetwork(network: string): { readonly high: number; readonly low: number } | undefined {
  if (isIPv4(network)) {
    const low = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    return { high: IPV4, low };
  }
  const groups = network.split(':').map((group) => (/^[\da-f]{1,4}$/.test(group) ? Number.parseInt(group, 16) : -1));
  if (groups.length !== NETWORK_GROUPS || groups.includes(-1)) return undefined;
  const [a, b, c, d] = groups as [number, number, number, number];
  return { high: a * TWO_BYTES + b, low: c * TWO_BYTES + d };
}

/** A network of `networkOf` as people write it; text that is no IP address stays as it is. */
export function shownNetwork(network: string): string {
  const packed = packNetwork(network);
  return packed === undefined ? network : unpackNetwork(packed.high, packed.low);
}

/** What `packNetwork` has packed, as people write it: `192.0.2.1`, `2001:db8:0:1::/64`. */
export function unpackNetwork(high: number, low: number): string {
  if (high === IPV4) return [24, 16, 8, 0].map((shift) => (low >>> shift) & 255).join('.');
  const groups = [high, low].flatMap((half) => [Math.floor(half / TWO_BYTES), half % TWO_BYTES]);
  while (groups.at(-1) === 0) groups.pop();
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`;
}
