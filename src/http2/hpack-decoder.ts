import type { Buffer } from 'node:buffer';
import { latin1 } from '../support/latin1.ts';
import { type FieldList, HeaderField } from './field.ts';
import { huffmanDecode } from './huffman.ts';
import { ENTRY_BYTES, STATIC_FIELDS, TABLE_BYTES } from './static-table.ts';

/** The entries that everybody knows, each made once. */
const staticFields: readonly HeaderField[] = STATIC_FIELDS.map(([name, value]) => new HeaderField(name, value));
const STATIC_COUNT = staticFields.length;

/** Entries that a table of `TABLE_BYTES` can hold; a power of two. */
const MOST_ENTRIES = TABLE_BYTES / ENTRY_BYTES;

/** Numbers with more octets than this behind their prefix are refused (RFC 7541 §5.1): nothing here is that large. */
const MAX_NUMBER_OCTETS = 4;
/** Changes of the table's size that a block may begin with (RFC 7541 §4.2). */
const MAX_SIZE_UPDATES = 2;

/** Reads the heads of one connection (RFC 7541); its dynamic table is what the peer has said that it is. */
export class HpackDecoder {
  /** The newest entry is behind the others, around the end of the list. */
  readonly #entries: (HeaderField | undefined)[] = [];
  #newest = 0;
  #count = 0;
  #size = 0;
  #maxSize = TABLE_BYTES;
  #bytes!: Buffer;
  #pos = 0;
  #end = 0;
  #bad = false;

  /**
   * Puts the fields of the block in `bytes[pos..end)` into `list`. False when it is none: the table is then not what the peer
   * takes it for, and the connection must end with COMPRESSION_ERROR.
   */
  decode(bytes: Buffer, pos: number, end: number, list: FieldList): boolean {
    list.clear();
    this.#bytes = bytes;
    this.#pos = pos;
    this.#end = end;
    this.#bad = false;
    this.#sizeUpdates();
    while (this.#pos < end && !this.#bad) {
      const first = bytes[this.#pos]!;
      const field = (first & 0x80) !== 0 ? this.#at(this.#number(0x7f)) : this.#literal(first);
      if (field === undefined) return false;
      list.add(field);
    }
    return !this.#bad;
  }

  #sizeUpdates(): void {
    for (let i = 0; this.#pos < this.#end && (this.#bytes[this.#pos]! & 0xe0) === 0x20; i++) {
      const size = this.#number(0x1f);
      if (size > TABLE_BYTES || i === MAX_SIZE_UPDATES) this.#bad = true;
      if (this.#bad) return;
      this.#maxSize = size;
      this.#shrinkTo(size);
    }
  }

  /** A field that is not in a table as it is, and is put there when its first bits say so. */
  #literal(first: number): HeaderField | undefined {
    const indexed = (first & 0x40) !== 0;
    // Changes of the table's size belong to the start of a block.
    if (!indexed && (first & 0x20) !== 0) return undefined;
    const number = this.#number(indexed ? 0x3f : 0x0f);
    const name = number === 0 ? this.#text() : this.#at(number)?.name;
    const value = this.#text();
    if (name === undefined || value === undefined || this.#bad) return undefined;
    const field = new HeaderField(name, value);
    if (indexed) this.#insert(field);
    return field;
  }

  /** The entry with a number of both tables (RFC 7541 §2.3.3). */
  #at(number: number): HeaderField | undefined {
    if (number <= STATIC_COUNT) return number > 0 ? staticFields[number - 1] : undefined;
    const age = number - STATIC_COUNT - 1;
    return age < this.#count ? this.#entries[(this.#newest - age) & (MOST_ENTRIES - 1)] : undefined;
  }

  #insert(field: HeaderField): void {
    if (field.size > this.#maxSize) return this.#shrinkTo(0);
    this.#shrinkTo(this.#maxSize - field.size);
    this.#newest = (this.#newest + 1) & (MOST_ENTRIES - 1);
    this.#entries[this.#newest] = field;
    this.#count++;
    this.#size += field.size;
  }

  /** Lets the oldest entries go until the others fit into `size`. */
  #shrinkTo(size: number): void {
    while (this.#size > size) {
      const oldest = (this.#newest - --this.#count) & (MOST_ENTRIES - 1);
      this.#size -= this.#entries[oldest]!.size;
      this.#entries[oldest] = undefined;
    }
  }

  /** A number whose prefix has the bits of `mask` (RFC 7541 §5.1). */
  #number(mask: number): number {
    const prefix = this.#bytes[this.#pos++]! & mask;
    if (prefix < mask) return prefix;
    let number = mask;
    for (let i = 0; i < MAX_NUMBER_OCTETS && this.#pos < this.#end; i++) {
      const octet = this.#bytes[this.#pos++]!;
      number += (octet & 0x7f) << (7 * i);
      if (octet < 0x80) return number;
    }
    this.#bad = true;
    return 0;
  }

  /** A text, as it is or in Huffman's code (RFC 7541 §5.2). */
  #text(): string | undefined {
    if (this.#pos >= this.#end) return undefined;
    const coded = (this.#bytes[this.#pos]! & 0x80) !== 0;
    const length = this.#number(0x7f);
    const pos = this.#pos;
    const end = pos + length;
    if (this.#bad || end > this.#end) return undefined;
    this.#pos = end;
    return coded ? huffmanDecode(this.#bytes, pos, end) : latin1(this.#bytes, pos, end);
  }
}
