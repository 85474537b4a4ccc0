import { isIP } from 'node:net';

/** A URL as it was written, cut into the parts that decide where its request goes. */
export interface Target {
  /** What speaks over the connection. */
  readonly kind: 'http' | 'tcp' | 'udp';
  /** The client begins with TLS. */
  readonly tls: boolean;
  /** Host and port as written; '' when the URL is a path alone. */
  readonly authority: string;
  /** Lower case, without brackets. */
  readonly host: string;
  /** Undefined when the URL has none. */
  readonly port: number | undefined;
  /** Path and query, neither decoded nor normalised, letters outside ASCII escaped; for HTTP. */
  readonly path: string;
}

const schemes: Readonly<Record<string, Pick<Target, 'kind' | 'tls'>>> = {
  http: { kind: 'http', tls: false },
  https: { kind: 'http', tls: true },
  ws: { kind: 'http', tls: false },
  wss: { kind: 'http', tls: true },
  tcp: { kind: 'tcp', tls: false },
  tls: { kind: 'tcp', tls: true },
  udp: { kind: 'udp', tls: false },
};

const form = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/i;
const authorityForm = /^(?:\[([0-9a-f:.]+)\]|([^[\]:@\s]*))(?::(\d{1,5}))?$/i;

/** Reads a URL; a string says what is wrong with it. Unlike `new URL` it changes nothing in the path. */
export function readTarget(url: string): Target | string {
  if (/[\0-\x20\x7f]/.test(url)) return 'it has a space or a control character';
  const [, scheme = 'http', authority = '', rest = ''] = form.exec(url)!;
  const known = schemes[scheme.toLowerCase()];
  if (known === undefined) return `the scheme ${scheme} is none of ${Object.keys(schemes).join(', ')}`;
  if (authority.includes('@')) return 'leave the user and the password out, and give an Authorization header';
  const parts = authorityForm.exec(authority);
  if (parts === null || (parts[1] !== undefined && isIP(parts[1]) !== 6))
    return `"${authority}" is not a host, or a host and a port`;
  const [, ipv6, name = '', port] = parts;
  if (Number(port ?? 0) > 65_535) return `${port} is not a port`;
  if (known.kind !== 'http' && port === undefined)
    return `a ${scheme} URL needs a port, as in ${scheme}://127.0.0.1:5432`;
  if (known.kind !== 'http' && !/^\/?$/.test(rest)) return `a ${scheme} URL has no path`;
  const path = rest.startsWith('?') || rest === '' ? `/${rest}` : rest;
  return {
    ...known,
    authority: ipv6 === undefined && name === '' ? '' : authority,
    host: (ipv6 ?? name).toLowerCase(),
    port: port === undefined ? undefined : Number(port),
    path: path.replace(/[^\0-\x7f]+/g, encodeURIComponent),
  };
}
