import { Buffer } from 'node:buffer';
import { latin1 } from '../support/latin1.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { ENTRY_BYTES, STATIC_FIELDS, STATIC_NAMES, TABLE_BYTES } from './static-table.ts';

/** What a field takes beyond its name and value at most: two lengths, or a number and a length. */
export const FIELD_OVERHEAD_BYTES = 12;

const STATIC_COUNT = STATIC_FIELDS.length;

/** How what follows begins (RFC 7541 §5.2 and §6): the bits of its first octet, and below them those that a number has there. */
const Prefix = {
  indexed: 0x807f,
  inserted: 0x403f,
  size: 0x201f,
  literal: 0x000f,
  text: 0x007f,
  coded: 0x807f,
} as const;

/** Statuses of their own in the static table, to their numbers. */
const STATIC_STATUSES: ReadonlyMap<number, number> = new Map(
  STATIC_FIELDS.flatMap(([name, value], i) => (name === ':status' ? [[Number(value), i + 1] as const] : [])),
);
const STATUS_NAME = STATIC_NAMES.get(':status')!;

/**
 * Fields that stay out of the table: their values hardly ever come again, so that it would only forget others for them, or
 * are secrets that nobody should be able to guess by what they cost (RFC 7541 §7.1).
 */
const NOT_INDEXED: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'content-range',
  'etag',
  'last-modified',
  'location',
  'set-cookie',
  'x-request-id',
]);

/** Names and values that the thread remembers. Backends choose them, so there must be an end. */
const MOST_NAMES = 512;
const VALUES_OF_NAME = 4;
const LONGEST_VALUE = 256;

const scratch = Buffer.allocUnsafeSlow(LONGEST_VALUE);

/** A text of its own: a slice would keep all of the text alive that it was cut from. */
function ofItsOwn(text: string): string {
  if (text.length > LONGEST_VALUE) return latin1(Buffer.from(text, 'latin1'), 0, text.length);
  return latin1(scratch, 0, scratch.write(text, 0, 'latin1'));
}

/** The length and the bytes of a text, in Huffman's code where that is shorter (RFC 7541 §5.2). */
function encodedText(text: string): Uint8Array {
  const coded = huffmanLength(text);
  const bytes = new Uint8Array(text.length + 6);
  if (coded >= text.length) return bytes.subarray(0, putText(bytes, 0, text));
  const at = putNumber(bytes, 0, Prefix.coded, coded);
  return bytes.subarray(0, huffmanEncode(text, bytes, at));
}

/** A field that has come more than once, with what it is in a block. */
class Recurring {
  readonly value: string;
  readonly size: number;
  #bytes: Uint8Array | undefined;

  constructor(name: string, value: string) {
    this.value = ofItsOwn(value);
    this.size = name.length + value.length + ENTRY_BYTES;
  }

  /** The value as a block has it. */
  get bytes(): Uint8Array {
    this.#bytes ??= encodedText(this.value);
    return this.#bytes;
  }
}

/** A field name of answers, and the values it had of late. */
class KnownName {
  readonly name: string;
  /** Its number in the static table; 0 for none. */
  readonly number: number;
  /** Without a number: the name as a block has it. */
  readonly bytes: Uint8Array;
  readonly #indexed: boolean;
  readonly #values: Recurring[] = [];
  #next = 0;

  constructor(name: string) {
    this.name = name;
    this.number = STATIC_NAMES.get(name) ?? 0;
    this.bytes = this.number === 0 ? encodedText(name) : new Uint8Array(0);
    this.#indexed = !NOT_INDEXED.has(name);
  }

  /** The field with this value, when it came before; from now on it did. */
  recall(value: string): Recurring | undefined {
    if (!this.#indexed || value.length > LONGEST_VALUE) return undefined;
    for (let i = 0; i < this.#values.length; i++) {
      const known = this.#values[i]!;
      if (known.value === value) return known;
    }
    this.#values[this.#next] = new Recurring(this.name, value);
    this.#next = (this.#next + 1) % VALUES_OF_NAME;
    return undefined;
  }
}

/** By the name as backends write it. */
const names = new Map<string, KnownName>();

function known(name: string): KnownName {
  const found = names.get(name);
  if (found !== undefined) return found;
  const made = new KnownName(ofItsOwn(name.toLowerCase()));
  if (names.size < MOST_NAMES) names.set(ofItsOwn(name), made);
  return made;
}

/**
 * Writes the heads of one connection (RFC 7541). Fields that answers have again and again, as `server` or `content-type`, go
 * into the table of the connection and are a byte or two from then on; whether they do is noticed once for all connections
 * of the thread. All others are written as they are. The caller sees to it that there is room.
 */
export class HpackEncoder {
  /** Entries, by when they came; those before `#oldest` are forgotten. */
  readonly #entries = new Map<number, Recurring>();
  readonly #cameAt = new Map<Recurring, number>();
  #oldest = 0;
  #came = 0;
  #size = 0;
  #maxSize = TABLE_BYTES;
  /** The smallest size since the last block, which the peer must be told of; undefined when nothing has changed. */
  #smallest: number | undefined;

  /** The peer's table holds at most so much. */
  resize(bytes: number): void {
    const size = Math.min(bytes, TABLE_BYTES);
    if (size === this.#maxSize && this.#smallest === undefined) return;
    this.#maxSize = size;
    this.#smallest = Math.min(this.#smallest ?? size, size);
    this.#shrinkTo(size);
  }

  /** Begins a block at `at` and returns where it goes on. */
  begin(into: Uint8Array, at: number): number {
    const smallest = this.#smallest;
    if (smallest === undefined) return at;
    this.#smallest = undefined;
    if (smallest < this.#maxSize) at = putNumber(into, at, Prefix.size, smallest);
    return putNumber(into, at, Prefix.size, this.#maxSize);
  }

  /** Writes `:status`. */
  status(into: Uint8Array, at: number, status: number): number {
    const number = STATIC_STATUSES.get(status);
    if (number !== undefined) {
      into[at] = 0x80 | number;
      return at + 1;
    }
    into[at] = STATUS_NAME;
    return putText(into, at + 1, String(status));
  }

  /** Writes a field whose name may have any case. */
  field(into: Uint8Array, at: number, name: string, value: string): number {
    const knownName = known(name);
    const field = knownName.recall(value);
    if (field === undefined || field.size > this.#maxSize) {
      return putText(into, putName(into, at, Prefix.literal, knownName), value);
    }
    const cameAt = this.#cameAt.get(field);
    if (cameAt !== undefined) return putNumber(into, at, Prefix.indexed, STATIC_COUNT + this.#came - cameAt);
    this.#insert(field);
    return putBytes(into, putName(into, at, Prefix.inserted, knownName), field.bytes);
  }

  #insert(field: Recurring): void {
    this.#shrinkTo(this.#maxSize - field.size);
    this.#entries.set(this.#came, field);
    this.#cameAt.set(field, this.#came++);
    this.#size += field.size;
  }

  #shrinkTo(size: number): void {
    while (this.#size > size) {
      const field = this.#entries.get(this.#oldest)!;
      this.#entries.delete(this.#oldest++);
      this.#cameAt.delete(field);
      this.#size -= field.size;
    }
  }
}

/** Writes a number (RFC 7541 §5.1) behind one of `Prefix`. */
function putNumber(into: Uint8Array, at: number, prefix: number, number: number): number {
  const mask = prefix & 0xff;
  const pattern = prefix >>> 8;
  if (number < mask) {
    into[at] = pattern | number;
    return at + 1;
  }
  into[at++] = pattern | mask;
  let left = number - mask;
  for (; left >= 128; left >>>= 7) into[at++] = (left & 0x7f) | 0x80;
  into[at] = left;
  return at + 1;
}

/** Writes the name of a literal, which is inserted into the table or not. */
function putName(into: Uint8Array, at: number, prefix: number, name: KnownName): number {
  if (name.number > 0) return putNumber(into, at, prefix, name.number);
  into[at] = prefix >>> 8;
  return putBytes(into, at + 1, name.bytes);
}

function putBytes(into: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i]!;
  return at + bytes.length;
}

/** Writes a latin1 text as it is, behind its length. */
function putText(into: Uint8Array, at: number, text: string): number {
  at = putNumber(into, at, Prefix.text, text.length);
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  return at + text.length;
}
