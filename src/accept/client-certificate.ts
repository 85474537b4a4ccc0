import type { X509Certificate } from 'node:crypto';

/** The fields that tell a backend whose certificate the client has shown; no client can send them itself. */
export const CLIENT_CERTIFICATE_FIELDS = ['X-Client-Cert-Subject', 'X-Client-Cert-Fingerprint'] as const;

/** A subject longer than this, in characters, is cut: authorities put no limit on them. */
const LONGEST_SUBJECT = 1024;

/** The field lines for a verified certificate, each with its CRLF. */
export function clientCertificateLines({ subject, fingerprint256 }: X509Certificate): string {
  const [subjectField, fingerprintField] = CLIENT_CERTIFICATE_FIELDS;
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
  return `${subjectField}: ${subjectText(subject)}\r\n${fingerprintField}: ${fingerprint}\r\n`;
}

/** The first common name of a certificate's subject, as it stands there; '' when it has none. */
export function commonName(certificate: X509Certificate): string {
  const { CN = '' } = certificate.toLegacyObject().subject as { readonly CN?: string | readonly string[] };
  return typeof CN === 'string' ? CN : CN[0]!;
}

/**
 * A distinguished name on one line, in the order of the certificate: `O=Example, CN=alice`. Node has it in lines, with
 * backslashes as in RFC 4514, which are taken out. Whatever is not printable ASCII is written as the bytes of its UTF-8,
 * `%C3%A9`, as are `%`, `,`, `+` and the spaces at the ends of a value, so that a name can neither break out of the field
 * nor pass for two, or for another.
 */
export function subjectText(subject: string | undefined): string {
  const parts = (subject ?? '').split('\n').filter((part) => part !== '');
  return parts.map(escaped).join(', ').slice(0, LONGEST_SUBJECT);
}

/** A backslash stands before two digits for a byte, before a space at an end, or before a character that would mean something. */
const special = /\\(?:([0-9A-F]{2})|([ +,])|(.))|[^\x20-\x24\x26-\x2b\x2d-\x7e]+/gsu;

function escaped(part: string): string {
  return part.replace(special, (all, digits?: string, kept?: string, plain?: string) =>
    digits === undefined ? (plain ?? percent(kept ?? all)) : `%${digits}`,
  );
}

function percent(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
