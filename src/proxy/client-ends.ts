import { Buffer } from 'node:buffer';
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
  return {
    sourceAddress: unmapped(remoteAddress),
    sourcePort: remotePort ?? 0,
    localAddress: unmapped(localAddress),
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
