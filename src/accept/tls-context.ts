import { Buffer } from 'node:buffer';
import { constants } from 'node:crypto';
import tls, { type SecureContext } from 'node:tls';
import type { TlsWireOptions } from '../support/tls-handle.ts';
import { NameTable } from '../support/tls-names.ts';

/** A certificate with its key: text in PEM, read by the control plane. */
export interface TlsCertificate {
  /** The certificate, and behind it the chain up to its authority. */
  readonly cert: string;
  readonly key: string;
  /** The host names it is for, wildcards included. */
  readonly names: readonly string[];
}

/** How a listener ends TLS: plain data, sent from the control plane. */
export interface TlsListenerPlan {
  /** Changes with everything below, so that equal plans can be told without comparing them. */
  readonly id: string;
  /** At least one; the first is for clients that ask for no name, or for one that no certificate has. */
  readonly certificates: readonly TlsCertificate[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Authorities in PEM, one of which must have signed the client's certificate; '' when clients need none. */
  readonly clientCa: string;
  /** Protocols of ALPN, the preferred first. */
  readonly alpn: readonly string[];
  /** What session tickets are sealed with, 48 bytes: the same in all workers, so that any of them takes a ticket of another. */
  readonly ticketKeys: Uint8Array;
  /** Sessions are resumed only where this is the same, so that no ticket is good for a listener with other client authorities. */
  readonly sessionContext: string;
  /** Somebody wants to know the host name that a client asks for. */
  readonly namesWanted: boolean;
  /** How long a handshake may take, in ms. */
  readonly handshakeMs: number;
}

/** How long a session may be resumed after its handshake, in seconds. */
const SESSION_SECONDS = 3600;

/** What a listener's TLS wires are made with. Throws when a certificate or key is not one. */
export function serverOptions(plan: TlsListenerPlan): TlsWireOptions {
  const contexts = plan.certificates.map((certificate) => contextOf(certificate, plan));
  const byName = new NameTable<SecureContext>();
  for (const [index, { names }] of plan.certificates.entries())
    for (const name of names) byName.add(name, contexts[index]!);
  const asksForClient = plan.clientCa !== '';
  return {
    isServer: true,
    secureContext: contexts[0]!,
    requestCert: asksForClient,
    rejectUnauthorized: asksForClient,
    ALPNProtocols: plan.alpn.length === 0 ? undefined : protocolList(plan.alpn),
    SNICallback: contexts.length === 1 ? undefined : (name, done) => done(null, byName.find(name)),
  };
}

/**
 * Protocols as ALPN has them on the wire (RFC 7301 §3.1): each behind its length. Who speaks HTTP/1.1 understands HTTP/1.0,
 * which is a protocol of its own here and all that some clients offer.
 */
function protocolList(listed: readonly string[]): Buffer {
  const protocols = listed.includes('http/1.1') ? [...listed, 'http/1.0'] : listed;
  return Buffer.concat(protocols.map((protocol) => Buffer.from([protocol.length, ...Buffer.from(protocol)])));
}

function contextOf({ cert, key }: TlsCertificate, plan: TlsListenerPlan): SecureContext {
  return tls.createSecureContext({
    cert,
    key,
    ...(plan.clientCa === '' ? {} : { ca: plan.clientCa }),
    minVersion: plan.minVersion,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ticketKeys: Buffer.from(plan.ticketKeys),
    sessionIdContext: plan.sessionContext,
    sessionTimeout: SESSION_SECONDS,
  });
}
