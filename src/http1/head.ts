import type { Buffer } from 'node:buffer';
import { COLON, CR, FIELD_VALUE, LF, SP, TAB, TOKEN } from './chars.ts';
import { Field, type FieldId, fieldId } from './known-fields.ts';

/** What a parser returns when the head is not complete yet. */
export const NEED_MORE = -1;
/** What a parser returns when the head is refused; `head.problem` says why, `head.tooLarge` tells size from form. */
export const REFUSED = -2;

/** More fields than this in one head are refused: no honest message comes near it. */
export const MAX_FIELDS = 256;

/** A head with more than this many members in one Connection field, or nominated by all of them, is refused. */
const MAX_CONNECTION_OPTIONS = 32;

/**
 * The fields of a request or response head, as offsets into its text. One instance serves a whole thread: it is filled
 * by a parser and used up before the next parse, so parsing allocates little more than the text itself.
 */
export class Head {
  /** The whole head as latin1 text, from the start line to the empty line, both with their CRLF. */
  text = '';
  /** Where the first field line begins in `text`. */
  fieldsStart = 0;
  fieldCount = 0;
  /** Why the head was refused, in words. */
  problem = '';
  /** True when it was refused for its size (431) and not for its form (400). */
  tooLarge = false;
  /** Content-Length, or -1 when there is none. */
  contentLength = -1;
  /** True when the body is framed by the chunked coding. */
  chunked = false;
  /** The Connection field named `close`, `keep-alive`, `upgrade`. */
  connectionClose = false;
  connectionKeepAlive = false;
  connectionUpgrade = false;
  /** Names the Connection field nominates beyond those, lower case: fields that end at this hop (RFC 9110 §7.6.1). */
  nominated: string[] | undefined;
  readonly #ids = new Uint8Array(MAX_FIELDS);
  readonly #offsets = new Uint32Array(MAX_FIELDS * 4);

  /** Which known field number `index` is. */
  id(index: number): FieldId {
    return this.#ids[index] as FieldId;
  }

  /** The name of field `index` as it was sent. */
  name(index: number): string {
    return this.text.slice(this.#offsets[index * 4], this.#offsets[index * 4 + 1]);
  }

  /** Where the name of field `index` ends in `text`; it begins at its line's start. */
  nameEnd(index: number): number {
    return this.#offsets[index * 4 + 1]!;
  }

  /** The value of field `index` without the white space around it. */
  value(index: number): string {
    return this.text.slice(this.#offsets[index * 4 + 2], this.#offsets[index * 4 + 3]);
  }

  /** Where the line of field `index` begins in `text`; for `fieldCount`, where the empty line begins. */
  lineStart(index: number): number {
    return index < this.fieldCount ? this.#offsets[index * 4]! : this.text.length - 2;
  }

  /** The first field with this number, or -1. */
  find(id: FieldId): number {
    for (let i = 0; i < this.fieldCount; i++) if (this.#ids[i] === id) return i;
    return -1;
  }

  /** The values of all fields of that lower-case name, joined as RFC 9110 §5.3 allows; `undefined` when there is none. */
  get(name: string, separator = ', '): string | undefined {
    let joined: string | undefined;
    for (let i = 0; i < this.fieldCount; i++) {
      const start = this.#offsets[i * 4]!;
      if (this.#offsets[i * 4 + 1]! - start !== name.length || this.name(i).toLowerCase() !== name) continue;
      joined = joined === undefined ? this.value(i) : joined + separator + this.value(i);
    }
    return joined;
  }

  /** Back to empty, for the next parse. */
  reset(): void {
    this.text = '';
    this.fieldCount = 0;
    this.problem = '';
    this.tooLarge = false;
    this.contentLength = -1;
    this.chunked = false;
    this.connectionClose = false;
    this.connectionKeepAlive = false;
    this.connectionUpgrade = false;
    this.nominated = undefined;
  }

  refuse(problem: string): typeof REFUSED {
    this.problem = problem;
    return REFUSED;
  }

  refuseSize(problem: string): typeof REFUSED {
    this.tooLarge = true;
    return this.refuse(problem);
  }

  /**
   * Reads field lines from `pos` to the empty line (RFC 9112 §5), strictly: no folding, no space before the colon, no
   * bare CR or LF, no control characters. Returns the position behind the empty line, or NEED_MORE or REFUSED.
   */
  parseFields(bytes: Buffer, base: number, pos: number, end: number): number {
    this.fieldsStart = pos - base;
    while (pos < end) {
      if (bytes[pos] === CR) return this.#parseEmptyLine(bytes, pos, end);
      const nameStart = pos;
      while (pos < end && TOKEN[bytes[pos]!] === 1) pos++;
      if (pos === end) return NEED_MORE;
      if (bytes[pos] !== COLON || pos === nameStart) return this.refuse(badName(bytes[pos]!, pos === nameStart));
      const nameEnd = pos++;
      while (pos < end && (bytes[pos] === SP || bytes[pos] === TAB)) pos++;
      const valueStart = pos;
      while (pos < end && FIELD_VALUE[bytes[pos]!] === 1) pos++;
      if (pos === end) return NEED_MORE;
      if (bytes[pos] !== CR) return this.refuse(badByte(bytes[pos]!, 'a field value'));
      if (pos + 1 === end) return NEED_MORE;
      if (bytes[pos + 1] !== LF) return this.refuse('a bare CR in a field value');
      if (this.fieldCount === MAX_FIELDS) return this.refuseSize(`more than ${MAX_FIELDS} fields`);
      let valueEnd = pos;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === TAB)) valueEnd--;
      const slot = this.fieldCount * 4;
      this.#ids[this.fieldCount++] = fieldId(bytes, nameStart, nameEnd);
      this.#offsets[slot] = nameStart - base;
      this.#offsets[slot + 1] = nameEnd - base;
      this.#offsets[slot + 2] = valueStart - base;
      this.#offsets[slot + 3] = valueEnd - base;
      pos += 2;
    }
    return NEED_MORE;
  }

  #parseEmptyLine(bytes: Buffer, pos: number, end: number): number {
    if (pos + 1 === end) return NEED_MORE;
    return bytes[pos + 1] === LF ? pos + 2 : this.refuse('a bare CR at the start of a line');
  }

  /** Takes in one Connection field (RFC 9110 §7.6.1). False when it has too many options. */
  noteConnection(value: string): boolean {
    // What nearly every message says, without taking it apart.
    if (value === 'keep-alive') {
      this.connectionKeepAlive = true;
      return true;
    }
    const options = value.toLowerCase().split(',', MAX_CONNECTION_OPTIONS + 1);
    for (const raw of options) {
      const option = withoutOuterSpace(raw);
      if (option === 'close') this.connectionClose = true;
      else if (option === 'keep-alive') this.connectionKeepAlive = true;
      else if (option === 'upgrade') this.connectionUpgrade = true;
      else if (option !== '') this.#nominate(option);
    }
    return options.length <= MAX_CONNECTION_OPTIONS && (this.nominated?.length ?? 0) <= MAX_CONNECTION_OPTIONS;
  }

  #nominate(option: string): void {
    this.nominated ??= [];
    this.nominated.push(option);
  }

  /** Takes in field `index`, a Content-Length (RFC 9112 §6.3). False when it is not one plain number. */
  noteContentLength(index: number): boolean {
    const value = this.#framingValue(index);
    if (this.contentLength !== -1 || value.length === 0 || value.length > 15) return false;
    let length = 0;
    for (let i = 0; i < value.length; i++) {
      const digit = value.charCodeAt(i) - 48;
      if (digit < 0 || digit > 9) return false;
      length = length * 10 + digit;
    }
    this.contentLength = length;
    return true;
  }

  /** Takes in field `index`, a Transfer-Encoding: `chunked` alone is known (RFC 9112 §6.1). False for anything else. */
  noteTransferEncoding(index: number): boolean {
    if (this.chunked || this.#framingValue(index).toLowerCase() !== 'chunked') return false;
    this.chunked = true;
    return true;
  }

  /**
   * The value of a field that says where the body ends; '' when there is a tab around it, which some parsers take for
   * white space and others for a part of the value: they would read different messages.
   */
  #framingValue(index: number): string {
    const { text } = this;
    const slot = index * 4;
    const valueStart = this.#offsets[slot + 2]!;
    const valueEnd = this.#offsets[slot + 3]!;
    for (let pos = this.#offsets[slot + 1]! + 1; pos < valueStart; pos++) if (text.charCodeAt(pos) === TAB) return '';
    for (let pos = valueEnd; text.charCodeAt(pos) !== CR; pos++) if (text.charCodeAt(pos) === TAB) return '';
    return text.slice(valueStart, valueEnd);
  }

  /**
   * True when field `index` ends at this hop and goes no further (RFC 9110 §7.6.1). Nominating a field that says where a
   * request goes or where a body ends has no effect, or a client could have the two sides read different requests.
   */
  isHopByHop(index: number): boolean {
    switch (this.#ids[index]) {
      case Field.connection:
      case Field.keepAlive:
      case Field.proxyConnection:
      case Field.upgrade:
      case Field.te:
      case Field.http2Settings:
        return true;
      case Field.host:
      case Field.contentLength:
      case Field.transferEncoding:
        return false;
      default:
        return this.nominated?.includes(this.name(index).toLowerCase()) ?? false;
    }
  }
}

/** The text without HTTP's white space around it, in one pass however much there is; `trim` would take a no-break space too. */
function withoutOuterSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === SP || code === TAB;
}

function badName(byte: number, empty: boolean): string {
  if (empty && (byte === SP || byte === TAB)) return 'a field line that begins with white space (obsolete folding)';
  if (byte === SP || byte === TAB) return 'white space between a field name and its colon';
  return empty && byte === COLON ? 'a field without a name' : badByte(byte, 'a field name');
}

/** Says what is wrong with a byte that may not stand where it does. */
export function badByte(byte: number, where: string): string {
  if (byte === LF) return `a bare LF in ${where}`;
  if (byte === CR) return `a bare CR in ${where}`;
  return `byte 0x${byte.toString(16).padStart(2, '0')} in ${where}`;
}
