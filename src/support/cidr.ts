/**
 * A range of IP addresses, both ends included. IPv4 ends are uint32 numbers, IPv6 ends are 128-bit bigints.
 * An IPv4-mapped IPv6 address (`::ffff:1.2.3.4`, RFC 4291 §2.5.5.2) is the IPv4 address it carries: a dual-stack
 * socket reports IPv4 clients that way. So `::/0` means real IPv6 addresses only, `0.0.0.0/0` all of IPv4.
 */
export type Cidr =
  | { readonly family: 4; readonly first: number; readonly last: number }
  | { readonly family: 6; readonly first: bigint; readonly last: bigint };

/** A fixed set of addresses to ask quickly. Text that is no IP address is in no set. */
export interface CidrSet {
  /** Whether the address is in one of the ranges; allocates nothing for IPv4, plain or mapped. */
  has(ip: string): boolean;
  /** How many ranges are left after touching ones were joined. */
  readonly size: number;
}

const mappedPrefix = '::ffff:';
const mappedFirst = 0xffff_0000_0000n;
const mappedLast = 0xffff_ffff_ffffn;

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a bare address (itself alone); a string says what is wrong. */
export function parseCidr(text: string): Cidr | string {
  const slash = text.indexOf('/');
  const ip = slash < 0 ? text : text.slice(0, slash);
  const four = parseIpv4(ip, 0);
  const six = four < 0 ? parseIpv6(ip) : undefined;
  if (four < 0 && six === undefined) return `"${ip}" is not an IP address`;
  const widest = four < 0 ? 128 : 32;
  const bits = slash < 0 ? widest : prefixLength(text.slice(slash + 1));
  if (bits > widest) return `"${text.slice(slash + 1)}" is not a prefix length from 0 to ${widest}`;
  if (six === undefined) return rangeOfIpv4(four, bits);
  if (isMapped(six) && bits >= 96) return rangeOfIpv4(Number(six - mappedFirst), bits - 96);
  const host = (1n << BigInt(128 - bits)) - 1n;
  return { family: 6, first: six & ~host, last: six | host };
}

/** Makes a set of CIDR ranges and bare addresses. Throws on text `parseCidr` refuses: validate that first. */
export function cidrSet(list: readonly string[]): CidrSet {
  const four: [number, number][] = [];
  const six: [bigint, bigint][] = [];
  for (const text of list) {
    const cidr = parseCidr(text);
    if (typeof cidr === 'string') throw new TypeError(cidr);
    if (cidr.family === 4) four.push([cidr.first, cidr.last]);
    else six.push([cidr.first, cidr.last]);
  }
  const fourJoined = joined(four, (end) => end + 1);
  const sixJoined = joined(six, (end) => end + 1n);
  return {
    size: fourJoined.length + sixJoined.length,
    has(ip) {
      const value = parseIpv4(ip, ip.startsWith(mappedPrefix) ? mappedPrefix.length : 0);
      if (value >= 0) return within(fourJoined, value);
      const wide = parseIpv6(ip);
      if (wide === undefined) return false;
      return isMapped(wide) ? within(fourJoined, Number(wide - mappedFirst)) : within(sixJoined, wide);
    },
  };
}

function prefixLength(text: string): number {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}

function rangeOfIpv4(ip: number, bits: number): Cidr {
  const size = 2 ** (32 - bits);
  const first = ip - (ip % size);
  return { family: 4, first, last: first + size - 1 };
}

function isMapped(ip: bigint): boolean {
  return ip >= mappedFirst && ip <= mappedLast;
}

/** Sorts ranges and joins those that overlap or touch, so that one binary search answers. */
function joined<T extends number | bigint>(ranges: [T, T][], after: (end: T) => T): [T, T][] {
  const sorted = ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const out: [T, T][] = [];
  for (const [first, last] of sorted) {
    const open = out.at(-1);
    if (open === undefined || first > after(open[1])) out.push([first, last]);
    else if (last > open[1]) open[1] = last;
  }
  return out;
}

function within<T extends number | bigint>(ranges: readonly [T, T][], ip: T): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const [first, last] = ranges[middle]!;
    if (ip < first) high = middle - 1;
    else if (ip > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** The uint32 of dotted IPv4 text from `start` to the end, or -1. Strict: four parts, no leading zero, no spaces. */
function parseIpv4(text: string, start: number): number {
  let ip = 0;
  let part = -1;
  let dots = 0;
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (part < 0 || dots === 3) return -1;
      ip = ip * 256 + part;
      part = -1;
      dots++;
      continue;
    }
    // A second digit after a leading zero would be octal to some readers, so it is no address to us.
    if (code < 0x30 || code > 0x39 || part === 0) return -1;
    part = (part < 0 ? 0 : part * 10) + code - 0x30;
    if (part > 255) return -1;
  }
  return dots === 3 && part >= 0 ? ip * 256 + part : -1;
}

/** The 128-bit value of IPv6 text (RFC 4291 §2.2, a zone such as `%eth0` left aside), or `undefined`. */
function parseIpv6(text: string): bigint | undefined {
  const zone = text.indexOf('%');
  const halves = (zone < 0 ? text : text.slice(0, zone)).split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (!head || !tail) return undefined;
  const gap = 8 - head.length - tail.length;
  if (halves.length === 1 ? gap !== 0 : gap < 1) return undefined;
  let ip = 0n;
  for (const group of [...head, ...Array<number>(gap).fill(0), ...tail]) ip = (ip << 16n) | BigInt(group);
  return ip;
}

/** The 16-bit groups of one side of `::`; dotted IPv4 may only stand at the very end of the address. */
function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else {
      const four = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part, 0) : -1;
      if (four < 0) return undefined;
      groups.push(Math.floor(four / 65_536), four % 65_536);
    }
  }
  return groups;
}
