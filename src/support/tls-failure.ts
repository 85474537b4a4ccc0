/** The code of an error that says why there is no TLS connection, in words. */
export const TLS_FAILED = 'TLS_FAILED';

const causes: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is from an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is from an unknown authority, or its chain is incomplete',
  CERT_SIGNATURE_FAILURE: 'its certificate has a false signature',
  INVALID_CA: 'its certificate is signed by one that may not sign',
  INVALID_PURPOSE: 'its certificate is not for servers',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'it does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks only old versions of TLS',
  ECONNRESET: 'it closed the connection during the handshake',
  EPIPE: 'it closed the connection during the handshake',
};

/** Alerts by which a server refuses what a client has shown of itself, or the handshake as a whole. */
const refusal = /certificate|^(?:unknown ca|access denied|decrypt error|handshake failure)$/;

/**
 * True for an alert by which a server refuses the handshake. In TLS 1.3 it can come when the client's part is done, since a
 * client shows its certificate last (RFC 8446 §4.4.2).
 */
export function refusesHandshake(error: NodeJS.ErrnoException): boolean {
  return refusal.test(alertIn(reasonIn(error)) ?? '');
}

/** What OpenSSL has against a connection; undefined for what others have. */
function reasonIn({ code = '', message }: NodeJS.ErrnoException): string | undefined {
  if (code.startsWith('ERR_SSL_')) return code.slice(8).toLowerCase().replaceAll('_', ' ');
  return /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1];
}

function alertIn(reason: string | undefined): string | undefined {
  return /^(?:tlsv1|sslv3|tlsv13|ssl\/tls) alert (.+)$/.exec(reason ?? '')?.[1];
}

/** What an error is called at most, in characters: certificates may hold any number of names. */
const LONGEST_CAUSE = 200;

/** Why there is no TLS connection to a backend that should be `name`, as the second half of a sentence about it. */
export function tlsCause(error: NodeJS.ErrnoException | undefined, name: string): string {
  const { code = '', message = 'it failed' } = error ?? {};
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { cert } = error as { cert?: { subjectaltname?: string } };
    return printable(`its certificate is for ${cert?.subjectaltname ?? 'no name'}, not for ${name}`);
  }
  const known = causes[code];
  if (known !== undefined) return known;
  const reason = error && reasonIn(error);
  const alert = alertIn(reason);
  if (alert !== undefined) return `it refused the handshake: ${alert}`;
  return printable(`the handshake failed: ${reason ?? /:([^:]+):[^:]*$/.exec(message)?.[1] ?? message}`);
}

/** What a backend has sent stays on one line. */
function printable(text: string): string {
  const line = text.replace(/[^\x20-\x7e]+/g, '?');
  return line.length > LONGEST_CAUSE ? `${line.slice(0, LONGEST_CAUSE)}…` : line;
}
