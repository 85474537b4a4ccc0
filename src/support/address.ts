import { isIPv4, isIPv6 } from 'node:net';
import { cidrSet } from './cidr.ts';

/**
 * Where a listener listens or a backend is reached: a TCP (or UDP) host and port, or the path of a Unix socket.
 * An IPv6 host has no brackets here. The host `::` is "all interfaces, IPv4 and IPv6".
 */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The longest Unix socket path in bytes that the kernel takes (`sun_path`, with room for its closing NUL). */
export const longestUnixPathBytes = 107;

const allInterfaces = '::';
const loopback = cidrSet(['127.0.0.0/8', '::1']);
const hostName = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Reads `host:port`, `:port` (all interfaces), `[::1]:port` or `unix:/path`; a string says what is wrong with it.
 * Host names are lower-cased, IPv6 addresses come in one spelling. Port 0 is read: a listener may ask for any free port.
 */
export function parseAddress(text: string): Address | string {
  if (text.startsWith('unix:')) return parseUnix(text.slice('unix:'.length));
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'an address has no scheme: leave out everything up to "//"';
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.endsWith(']')) return 'the port is missing';
  const port = parsePort(text.slice(colon + 1));
  if (typeof port === 'string') return port;
  const host = parseHost(text.slice(0, colon));
  return host.ok ? { kind: 'tcp', host: host.host, port } : host.wrong;
}

/** A host as it stands before a port: an IPv6 address in brackets. */
export function hostBeforePort(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Writes an address so that `parseAddress` reads the same one: IPv6 in brackets, all interfaces as `:port`. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  if (address.host === allInterfaces) return `:${address.port}`;
  return `${hostBeforePort(address.host)}:${address.port}`;
}

/** The IPv4 address that an IPv6 address carries (`::ffff:7f00:1`, RFC 4291 §2.5.5.2); any other host as it is. */
export function plainHost(host: string): string {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)?.slice(1);
  if (groups === undefined) return host;
  return [...Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')].join('.');
}

/** Whether a host stands for all interfaces, or for those of IPv4. */
export function isWildcard(host: string): boolean {
  return host === allInterfaces || host === '0.0.0.0';
}

/** Whether only this machine can reach the address: 127.0.0.0/8, `::1`, `localhost` (RFC 6761 §6.3), a Unix socket. */
export function isLoopback(address: Address): boolean {
  return address.kind === 'unix' || address.host === 'localhost' || loopback.has(address.host);
}

function parseUnix(path: string): Address | string {
  if (!path.startsWith('/')) return 'the path of a Unix socket starts with "/"';
  if (path.includes('\0')) return 'the path of a Unix socket has no NUL';
  if (Buffer.byteLength(path) > longestUnixPathBytes) {
    return `the path of a Unix socket has at most ${longestUnixPathBytes} bytes`;
  }
  return { kind: 'unix', path };
}

function parsePort(text: string): number | string {
  if (text === '') return 'the port is missing';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  return port <= 65_535 ? port : `"${text}" is not a port from 0 to 65535`;
}

/** The one spelling of RFC 5952, lower case and as short as can be; the zone of a link-local address stays as it is. */
function canonical(ip: string): string {
  const [address, ...zone] = ip.split('%');
  return [new URL(`http://[${address}]`).hostname.slice(1, -1), ...zone].join('%');
}

type Host = { readonly ok: true; readonly host: string } | { readonly ok: false; readonly wrong: string };

function parseHost(text: string): Host {
  if (text === '') return { ok: true, host: allInterfaces };
  if (text === '*') return { ok: false, wrong: 'all interfaces are written ":port", without the "*"' };
  if (text.startsWith('[') && text.endsWith(']')) {
    const inner = text.slice(1, -1);
    return isIPv6(inner)
      ? { ok: true, host: canonical(inner) }
      : { ok: false, wrong: `"${inner}" is not an IPv6 address` };
  }
  if (text.includes(':')) return { ok: false, wrong: 'an IPv6 address is written in brackets, as in "[::1]:80"' };
  const host = text.toLowerCase();
  // A name whose last label is a number is never a name (RFC 1123 §2.1 as browsers read it): it is a mistyped IPv4.
  const looksLikeIpv4 = /(?:^|\.)\d+$/.test(host);
  if (looksLikeIpv4 && !isIPv4(host)) return { ok: false, wrong: `"${text}" is not an IPv4 address` };
  return hostName.test(host) ? { ok: true, host } : { ok: false, wrong: `"${text}" is not a host name` };
}
