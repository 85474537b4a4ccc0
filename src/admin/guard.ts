import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { type Address, isWildcard } from '../support/address.ts';
import type { TokenAttempts } from './attempts.ts';

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403 | 429;
  readonly error: 'unauthorized' | 'too-many-attempts' | 'foreign-host' | 'foreign-origin';
  readonly message: string;
}

/** What the guard looks at. */
export interface GuardedRequest {
  /** The host of the target when it names one (RFC 9112 §3.2.2), otherwise the Host field. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** Where it comes from: an IP address, or '' for a Unix socket. */
  readonly source: string;
  /** The port it came in on; undefined for a Unix socket. */
  readonly localPort: number | undefined;
}

/** Refusal of a request, or undefined. `open` endpoints are answered without the token. */
export type Guard = (request: GuardedRequest, open: boolean) => Refusal | undefined;

const hostSyntax = /^(?:\[([0-9a-f:.]+(?:%[\w.~-]+)?)\]|([^[\]:/?#@\\\s]+))(?::(\d{1,5}))?$/i;
const bearerSyntax = /^Bearer +(\S+) *$/i;
const HTTP_PORT = 80;

/** One spelling of each. The zone of a link-local address is left out: to browsers it is no part of the Host (RFC 6874 §3). */
function canonicalName(name: string): string {
  if (!isIPv6(name)) return name.toLowerCase();
  const [address] = name.split('%');
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/**
 * Whether a Host names this admin server. A page that rebinds its own name to our address (DNS rebinding) is known by
 * that name: so only 'localhost', the loopback addresses and the hosts of `bind` are taken, with the port the request
 * came in on; no port means 80 (RFC 9110 §4.2.1). On a wildcard bind one cannot know by which address and, behind a
 * port mapping, by which port one is reached: any IP literal and any name without a dot ('localhost', the name of a
 * container) will do, for nobody outside can rebind those.
 */
function hostRule(bind: readonly Address[]): (request: GuardedRequest) => boolean {
  const hosts = bind.flatMap((address) => (address.kind === 'tcp' ? [canonicalName(address.host)] : []));
  const names = new Set(['localhost', '127.0.0.1', '::1', ...hosts]);
  const wildcard = hosts.some(isWildcard);
  return ({ host, localPort }) => {
    if (localPort === undefined) return true;
    const parts = hostSyntax.exec(host ?? '');
    if (parts === null || (parts[1] !== undefined && !isIPv6(parts[1]))) return false;
    const name = canonicalName(parts[1] ?? parts[2]!);
    if (wildcard && (isIP(name) !== 0 || !name.includes('.'))) return true;
    return names.has(name) && Number(parts[3] ?? HTTP_PORT) === localPort;
  };
}

/** Whether an Origin is that of a page this very server has given out; https too, for one behind a TLS proxy. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const syntax = /^(https?):\/\/[^/]+$/i.exec(origin);
  if (syntax === null) return false;
  const own = URL.parse(`${syntax[1]}://${host}`);
  return own !== null && own.origin === URL.parse(origin)?.origin;
}

/** Compares digests, so that the time taken tells neither a matching beginning nor the length. */
function tokenRule(token: string): (authorization: string | undefined) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (authorization) => timingSafeEqual(digest(bearerSyntax.exec(authorization ?? '')?.[1] ?? ''), expected);
}

const tooManyAttempts: Refusal = {
  status: 429,
  error: 'too-many-attempts',
  message: 'too many wrong tokens have come from there: try again in a second',
};

/** The checks every request passes first: Host, then Origin, then, unless `token` is '', the token. */
export function createGuard(bind: readonly Address[], token: string, attempts: TokenAttempts): Guard {
  const isOwnHost = hostRule(bind);
  const hasToken = tokenRule(token);
  return (request, open) => {
    if (!isOwnHost(request))
      return { status: 403, error: 'foreign-host', message: 'the Host field is not an address of the admin server' };
    if (request.origin !== undefined && !isOwnOrigin(request.origin, request.host))
      return { status: 403, error: 'foreign-origin', message: 'requests from pages of other origins are refused' };
    if (token === '' || open) return undefined;
    const { authorization, source } = request;
    if (authorization !== undefined && attempts.barred(source)) return tooManyAttempts;
    if (hasToken(authorization)) return undefined;
    // Who sends none does not guess.
    if (authorization !== undefined) attempts.failed(source);
    return { status: 401, error: 'unauthorized', message: 'an Authorization: Bearer field with the token is needed' };
  };
}
