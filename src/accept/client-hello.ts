import { Buffer } from 'node:buffer';

/** What a ClientHello shows to those who do not end the TLS. */
export interface ClientHello {
  /** The host name that is asked for, in lower case; '' for none. */
  readonly serverName: string;
  /** The protocols that are offered, the preferred first, made-up ones (GREASE) left out. */
  readonly alpn: readonly string[];
}

/** What reading the start of a connection gives: `plain` is something else than TLS, `malformed` TLS that cannot be. */
export type HelloParse = ClientHello | 'more' | 'plain' | 'malformed';

/** The longest ClientHello that is read, in bytes, all its records together: post-quantum keys take about two thousand. */
export const LONGEST_HELLO = 16 * 1024;

const RECORD_HEAD = 5;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const LONGEST_RECORD = 2 ** 14;
/** Records have heads too, and a hello may lie in many of them. */
const MOST_BYTES = 2 * LONGEST_HELLO;
const Extension = { serverName: 0, alpn: 16 } as const;

/** Thrown inside this file only, by what reads past an end or finds what cannot be. */
class Malformed extends Error {}

/**
 * Reads the ClientHello at the start of `bytes` (RFC 8446 §4.1.2 and §5.1, RFC 6066 §3, RFC 7301 §3.1), which may lie
 * in several records. Strict in all that it looks at; nothing in `bytes` is changed or kept.
 */
export function parseClientHello(bytes: Buffer): HelloParse {
  if (bytes.length === 0) return 'more';
  if (bytes[0] !== HANDSHAKE || (bytes.length > 1 && bytes[1] !== 3)) return 'plain';
  try {
    const message = collect(bytes);
    if (message !== undefined) return readHello(message);
    return bytes.length > MOST_BYTES ? 'malformed' : 'more';
  } catch (error) {
    if (error instanceof Malformed) return 'malformed';
    throw error;
  }
}

/** The body of the handshake message, put together from its records; undefined while it is not complete. */
function collect(bytes: Buffer): Cursor | undefined {
  const parts: Buffer[] = [];
  let have = 0;
  let wanted = 4;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE || (at + 1 < bytes.length && bytes[at + 1] !== 3)) throw new Malformed();
    if (at + RECORD_HEAD > bytes.length) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > LONGEST_RECORD) throw new Malformed();
    const part = bytes.subarray(at + RECORD_HEAD, Math.min(at + RECORD_HEAD + length, bytes.length));
    parts.push(part);
    have += part.length;
    const first = parts[0]![0];
    if (first !== undefined && first !== CLIENT_HELLO) throw new Malformed();
    if (have >= 4 && wanted === 4) wanted = 4 + sizeIn(parts);
    if (wanted > LONGEST_HELLO) throw new Malformed();
    if (wanted > 4 && have >= wanted) return new Cursor(concat(parts, wanted), 4);
    at += RECORD_HEAD + length;
  }
  return undefined;
}

function sizeIn(parts: readonly Buffer[]): number {
  const head = concat(parts, 4);
  const size = head.readUIntBE(1, 3);
  // A hello has a version, a random, a session id, a cipher suite and a compression method at least.
  if (size < 41) throw new Malformed();
  return size;
}

function concat(parts: readonly Buffer[], length: number): Buffer {
  if (parts.length === 1) return parts[0]!.subarray(0, length);
  return Buffer.concat(parts).subarray(0, length);
}

function readHello(hello: Cursor): ClientHello {
  hello.skip(2 + 32);
  if (hello.vector(1).length > 32) throw new Malformed();
  const suites = hello.vector(2).length;
  if (suites === 0 || suites % 2 !== 0) throw new Malformed();
  if (hello.vector(1).length === 0) throw new Malformed();
  let serverName = '';
  let alpn: readonly string[] = [];
  const seen = new Set<number>();
  const extensions = hello.left === 0 ? new Cursor(hello.bytes, hello.bytes.length) : hello.vector(2);
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = extensions.vector(2);
    if (seen.has(type)) throw new Malformed();
    seen.add(type);
    if (type === Extension.serverName) serverName = readServerName(body);
    if (type === Extension.alpn) alpn = readAlpn(body);
  }
  if (hello.left > 0) throw new Malformed();
  return { serverName, alpn };
}

function readServerName(body: Cursor): string {
  const list = body.vector(2);
  if (body.left > 0 || list.left === 0) throw new Malformed();
  const type = list.number(1);
  const name = list.vector(2);
  // One name of each type may be there, and host_name is the only type that there is.
  if (type !== 0 || list.left > 0) throw new Malformed();
  const text = name.text();
  if (!/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$/.test(text)) throw new Malformed();
  return hostName(text);
}

/** A name as routes have it: in lower case, without the dot at its end that some clients send against RFC 6066 §3. */
export function hostName(text: string): string {
  return (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
}

function readAlpn(body: Cursor): string[] {
  const list = body.vector(2);
  if (body.left > 0 || list.left === 0) throw new Malformed();
  const protocols: string[] = [];
  while (list.left > 0) {
    const protocol = list.vector(1);
    if (protocol.length === 0) throw new Malformed();
    if (!isGrease(protocol)) protocols.push(protocol.text());
  }
  return protocols;
}

/** RFC 8701 §2: two equal bytes that end in A, for servers not to choke on what they do not know. */
function isGrease({ bytes, length }: Cursor): boolean {
  return length === 2 && bytes[0] === bytes[1] && (bytes[0]! & 0x0f) === 0x0a;
}

/** Reads a piece of a message from its start to its end. */
class Cursor {
  readonly bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.#at = at;
  }

  get length(): number {
    return this.bytes.length;
  }

  get left(): number {
    return this.bytes.length - this.#at;
  }

  skip(count: number): void {
    if (count > this.left) throw new Malformed();
    this.#at += count;
  }

  /** A number of `width` bytes. */
  number(width: 1 | 2): number {
    this.skip(width);
    return this.bytes.readUIntBE(this.#at - width, width);
  }

  /** A piece behind its length, which takes `width` bytes. */
  vector(width: 1 | 2): Cursor {
    const length = this.number(width);
    this.skip(length);
    return new Cursor(this.bytes.subarray(this.#at - length, this.#at));
  }

  text(): string {
    return this.bytes.toString('latin1');
  }
}
