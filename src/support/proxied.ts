import type { Buffer } from 'node:buffer';

/** Both ends of a connection as the client has made it; IP addresses of one family. */
export interface Ends {
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** What a PROXY header says of a connection; all of it is what the sender claims. */
export interface Proxied {
  /** Undefined when the sender does not say, or speaks for itself: the ends of the connection it came on hold. */
  readonly ends: Ends | undefined;
  /** The protocol that ALPN has settled on, as bytes. */
  readonly alpn?: Buffer | undefined;
  /** The host name that the client asked for: SNI, as bytes. */
  readonly authority?: Buffer | undefined;
  readonly uniqueId?: Buffer | undefined;
  /** The TLS part as it was sent: flags, verification result and what is inside. */
  readonly tls?: Buffer | undefined;
}

/** An IPv4 address without the `::ffff:` that a dual-stack socket puts before it. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
