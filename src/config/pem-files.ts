import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readText } from './read-text.ts';

/** What a file holds, or what is wrong with it, in words that name the file. */
export type PemResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** A certificate with its key, and what of it others want to know. */
export interface KeyPair {
  /** The certificate and its chain, as text in PEM. */
  readonly cert: string;
  readonly key: string;
  /** The host names it is for, wildcards included. */
  readonly names: readonly string[];
  /** When it begins and ceases to be valid, in ms since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** A pair that is good, or which of its files is not, and why. */
export type PairResult =
  | { readonly ok: true; readonly value: KeyPair }
  | { readonly ok: false; readonly part: 'cert' | 'key'; readonly message: string };

const certificateBlock = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** Reads a certificate and its key and checks that they belong together. Never throws. */
export async function readPair(certPath: string, keyPath: string): Promise<PairResult> {
  const [chain, key] = await Promise.all([readCertificates(certPath), readKey(keyPath)]);
  if (!chain.ok) return { ok: false, part: 'cert', message: chain.message };
  if (!key.ok) return { ok: false, part: 'key', message: key.message };
  const [leaf] = chain.value.certificates as [X509Certificate];
  if (!leaf.checkPrivateKey(key.value.key)) {
    return { ok: false, part: 'key', message: `${keyPath}: this is not the key of the certificate in ${certPath}` };
  }
  return {
    ok: true,
    value: {
      cert: chain.value.text,
      key: key.value.text,
      names: namesOf(leaf),
      validFrom: leaf.validFromDate.getTime(),
      validTo: leaf.validToDate.getTime(),
    },
  };
}

/** Reads the certificates of a file: at least one. Never throws. */
export async function readCertificates(
  path: string,
): Promise<PemResult<{ readonly text: string; readonly certificates: readonly X509Certificate[] }>> {
  const read = await readText(path);
  if (!read.ok) return { ok: false, message: `${path}: ${read.message}` };
  const blocks = read.text.match(certificateBlock);
  if (blocks === null) return { ok: false, message: `${path}: there is no certificate in it, expected one in PEM` };
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    return { ok: true, value: { text: blocks.join('\n'), certificates } };
  } catch {
    return { ok: false, message: `${path}: a certificate in it cannot be read` };
  }
}

async function readKey(path: string): Promise<PemResult<{ readonly text: string; readonly key: KeyObject }>> {
  const read = await readText(path);
  if (!read.ok) return { ok: false, message: `${path}: ${read.message}` };
  const { text } = read;
  if (!text.includes('PRIVATE KEY-----')) {
    return { ok: false, message: `${path}: there is no private key in it, expected one in PEM` };
  }
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return { ok: false, message: `${path}: the key has a passphrase, expected one without` };
  }
  try {
    return { ok: true, value: { text, key: createPrivateKey(text) } };
  } catch {
    // What OpenSSL says could quote the key.
    return { ok: false, message: `${path}: the private key in it cannot be read` };
  }
}

/** The DNS names of a certificate; the common name where there are none (which browsers no longer look at). */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('DNS:'));
  if (alternatives.length > 0) return alternatives.map((name) => name.slice('DNS:'.length));
  const common = /^CN=(.+)$/m.exec(certificate.subject ?? '');
  return common === null ? [] : [common[1]!];
}
