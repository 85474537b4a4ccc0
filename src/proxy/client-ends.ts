import { Buffer } from 'node:buffer';
import { isIPv4 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { proxyHeader, tlsPart } from '../connect/proxy-header.ts';
import { type Ends, type Proxied, unmapped } from '../support/proxied.ts';
import type { Wire } from '../support/wire.ts';
import type { ConnectPlan } from './deps.ts';

/** The header that tells a backend of the client on this wire, if there is one; undefined when the pool wants none. */
export function headerFor({ proxyProtocol }: ConnectPlan, client: Wire | undefined): Buffer | undefined {
  if (proxyProtocol === 'off') return undefined;
  return proxyHeader(proxyProtocol, client === undefined ? { ends: undefined } : proxiedOf(client));
}

/** What is known of a client: what its own PROXY header has said, and what TLS has shown since. */
export function proxiedOf(client: Wire): Proxied {
  const { proxied: said, alpnProtocol, servername } = client.beneath ?? client;
  return {
    ends: endsOf(client),
    alpn: alpnProtocol ? Buffer.from(alpnProtocol, 'latin1') : said?.alpn,
    authority: servername ? Buffer.from(servername, 'latin1') : said?.authority,
    uniqueId: said?.uniqueId,
    tls: endedTls(client.beneath ?? client) ?? said?.tls,
  };
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Wire): Ends | undefined {
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  // Only both of them: a header has room for two addresses of one family.
  const isIpv4 = isIPv4(unmapped(remoteAddress)) && isIPv4(unmapped(localAddress));
  return {
    sourceAddress: isIpv4 ? unmapped(remoteAddress) : remoteAddress,
    sourcePort: remotePort ?? 0,
    localAddress: isIpv4 ? unmapped(localAddress) : localAddress,
    localPort: localPort ?? 0,
  };
}

/** The TLS that Fairlead has ended for this client; undefined for one in the clear. */
function endedTls(client: Wire): Buffer | undefined {
  const socket = client as Partial<Pick<TLSSocket, 'getProtocol' | 'isSessionReused'>>;
  const version = socket.getProtocol?.();
  if (!version) return undefined;
  const hasShown = (client.clientLines ?? '') !== '';
  const certificate = { commonName: client.clientName ?? '', resumed: socket.isSessionReused?.() === true };
  return tlsPart(version, hasShown ? certificate : undefined);
}

/** Makes a wire say which name its client has asked for, in TLS that somebody else ends. */
export function presentName(wire: Wire, name: string): void {
  if (name !== '') Object.defineProperty(wire, 'servername', { value: name });
}

/** Makes a wire say of its ends what its PROXY header has said. */
export function presentAs(wire: Wire, proxied: Proxied): void {
  const { ends } = proxied;
  const said = ends && {
    remoteAddress: ends.sourceAddress,
    remotePort: ends.sourcePort,
    localAddress: ends.localAddress,
    localPort: ends.localPort,
  };
  for (const [name, value] of Object.entries({ proxied, ...said })) Object.defineProperty(wire, name, { value });
}
