import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remember } from './opened.ts';

/** A certificate with its key, in PEM, and as files. */
export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
  /** Paths of the files, as a config has them. */
  readonly files: { readonly cert: string; readonly key: string };
}

/** What a certificate says. */
export interface CertificateForm {
  /** Distinguished name as pairs, like `{ O: 'Example', CN: 'alice' }`. */
  readonly subject: Readonly<Record<string, string>>;
  /** Host names and IP addresses it is for. */
  readonly names?: readonly string[];
  /** Days from now, negative ones lie in the past. */
  readonly validFrom?: number;
  readonly validTo?: number;
}

const nameOids: Readonly<Record<string, string>> = { CN: '2.5.4.3', C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11' };

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const bits = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes);

function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  const septets = rest.flatMap((value) => {
    const digits = [value & 127];
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    return digits;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...septets]));
}

function distinguished(subject: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(subject).map(([kind, value]) =>
    der(0x31, sequence(oid(nameOids[kind]!), der(0x0c, Buffer.from(value)))),
  );
  return sequence(...parts);
}

function moment(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}

function alternativeName(name: string): Buffer {
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split('.').map(Number)));
  if (name === '::1') return der(0x87, Buffer.from([...new Array(15).fill(0), 1]));
  return der(0x82, Buffer.from(name));
}

function extensions(form: CertificateForm, isAuthority: boolean): Buffer {
  const basic = sequence(
    oid('2.5.29.19'),
    der(0x01, Buffer.from([255])),
    der(0x04, sequence(der(0x01, Buffer.from([255])))),
  );
  const names = form.names ?? [];
  const alternatives = sequence(oid('2.5.29.17'), der(0x04, sequence(...names.map(alternativeName))));
  const all = [...(isAuthority ? [basic] : []), ...(names.length > 0 ? [alternatives] : [])];
  return all.length === 0 ? Buffer.alloc(0) : der(0xa3, sequence(...all));
}

const signedWith = sequence(oid('1.2.840.10045.4.3.2'));

function pem(kind: string, bytes: Buffer): string {
  return `-----BEGIN ${kind}-----\n${bytes
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END ${kind}-----\n`;
}

/** Makes certificates for a test, as files in a folder that goes away with the test. */
export class TestAuthority {
  readonly folder: string;
  /** The authority's own certificate. */
  readonly root: Issued;
  readonly #subject: Readonly<Record<string, string>>;
  readonly #key: KeyObject;

  constructor(commonName = 'Test Authority') {
    this.folder = mkdtempSync(join(tmpdir(), 'fairlead-tls-'));
    remember({ close: () => rmSync(this.folder, { recursive: true, force: true }) });
    this.#subject = { CN: commonName };
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.root = this.#make('root', { subject: this.#subject }, { publicKey, privateKey, isAuthority: true });
  }

  /** The files of a certificate for host names and addresses, as `tls` of a config takes them. */
  for(...names: readonly [string, ...string[]]): Issued['files'] {
    return this.issue(names[0].replaceAll('*', 'any'), { subject: { CN: names[0] }, names }).files;
  }

  /** A certificate as the form says, in the files `FILE.pem` and `FILE.key`, which are written over if they are there. */
  issue(file: string, form: CertificateForm): Issued {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return this.#make(file, form, { publicKey, privateKey, isAuthority: false });
  }

  #make(
    file: string,
    form: CertificateForm,
    about: { publicKey: KeyObject; privateKey: KeyObject; isAuthority: boolean },
  ): Issued {
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([1]), randomBytes(8)),
      signedWith,
      distinguished(this.#subject),
      sequence(moment(form.validFrom ?? -1), moment(form.validTo ?? 30)),
      distinguished(form.subject),
      about.publicKey.export({ type: 'spki', format: 'der' }),
      extensions(form, about.isAuthority),
    );
    const certificate = sequence(body, signedWith, bits(sign('sha256', body, this.#key)));
    const certPem = pem('CERTIFICATE', certificate);
    const keyPem = about.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    mkdirSync(this.folder, { recursive: true });
    const [cert, key] = [join(this.folder, `${file}.pem`), join(this.folder, `${file}.key`)];
    writeFileSync(cert, certPem);
    writeFileSync(key, keyPem);
    return { certPem, keyPem, files: { cert, key } };
  }
}
