import { ENTRY_BYTES } from './static-table.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]|^[\t ]|[\t ]$/;
const TARGET = /^[\x21-\x7e]+$/;

/** Fields of a connection, which a message of HTTP/2 may not have (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** True for a field of the connection, of which HTTP/2 has none. */
export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELDS.has(name);
}

/** True for a name and value that stand for themselves in HTTP/1.1 text too: nothing in them ends a line or begins one. */
export function isPlainField(name: string, value: string): boolean {
  return NAME.test(name) && !BAD_VALUE.test(value);
}

/**
 * What a field is to a request. The pseudo-header fields come first, in an order of their own; `plain` is every field
 * that is passed on without a look.
 */
export const FieldKind = {
  method: 0,
  scheme: 1,
  authority: 2,
  path: 3,
  protocol: 4,
  plain: 5,
  host: 6,
  cookie: 7,
  contentLength: 8,
  te: 9,
  trailer: 10,
  webSocketKey: 11,
  malformed: 12,
} as const;

/** One of `FieldKind`. */
export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** The pseudo-header fields of a request (RFC 9113 §8.3.1, RFC 8441 §4) and how they look; none may be empty. */
const PSEUDO_FIELDS: ReadonlyMap<string, { readonly kind: FieldKind; readonly form: RegExp }> = new Map([
  [':method', { kind: FieldKind.method, form: METHOD }],
  [':scheme', { kind: FieldKind.scheme, form: /^https?$/ }],
  [':authority', { kind: FieldKind.authority, form: TARGET }],
  [':path', { kind: FieldKind.path, form: TARGET }],
  [':protocol', { kind: FieldKind.protocol, form: NAME }],
]);

const KNOWN_FIELDS: ReadonlyMap<string, FieldKind> = new Map([
  ['host', FieldKind.host],
  ['cookie', FieldKind.cookie],
  ['content-length', FieldKind.contentLength],
  ['te', FieldKind.te],
  ['trailer', FieldKind.trailer],
  ['sec-websocket-key', FieldKind.webSocketKey],
]);

function kindOf(name: string, value: string): FieldKind {
  if (name.charCodeAt(0) === 58) {
    const pseudo = PSEUDO_FIELDS.get(name);
    return pseudo?.form.test(value) === true ? pseudo.kind : FieldKind.malformed;
  }
  if (!isPlainField(name, value) || CONNECTION_FIELDS.has(name)) return FieldKind.malformed;
  return KNOWN_FIELDS.get(name) ?? FieldKind.plain;
}

/**
 * A field as it came, and what it is: told once, since one that is in a table of HPACK comes with every request.
 * A malformed one can be in a table too, and makes every request malformed that has it.
 */
export class HeaderField {
  readonly name: string;
  readonly value: string;
  readonly kind: FieldKind;
  /** What it counts for in tables and lists, in bytes (RFC 7541 §4.1). */
  readonly size: number;
  #line: string | undefined;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    this.kind = kindOf(name, value);
    this.size = name.length + value.length + ENTRY_BYTES;
  }

  /** Its line in HTTP/1.1, with the CRLF; only for one that is not malformed. */
  get line(): string {
    this.#line ??= `${this.name}: ${this.value}\r\n`;
    return this.#line;
  }

  /** What is wrong with a malformed one. */
  get problem(): string {
    const { name } = this;
    if (name.charCodeAt(0) === 58) return 'a pseudo-header field that is unknown, repeated or malformed';
    if (CONNECTION_FIELDS.has(name)) return `the connection field ${name}`;
    return `a field ${NAME.test(name) ? 'value' : 'name'} with characters that no ${NAME.test(name) ? 'value' : 'name'} has`;
  }
}

/** The fields of one head, in a place that is used again for the next one. */
export class FieldList {
  readonly fields: HeaderField[] = [];
  count = 0;
  /** There were more, or larger ones, than are taken: some are left out. */
  tooLarge = false;
  readonly #maxFields: number;
  readonly #maxBytes: number;
  #bytes = 0;

  /** `maxBytes` counts as RFC 9113 §6.5.2 has it. */
  constructor(maxFields: number, maxBytes: number) {
    this.#maxFields = maxFields;
    this.#maxBytes = maxBytes;
  }

  add(field: HeaderField): void {
    this.#bytes += field.size;
    if (this.count >= this.#maxFields || this.#bytes > this.#maxBytes) this.tooLarge = true;
    else this.fields[this.count++] = field;
  }

  clear(): void {
    this.count = 0;
    this.#bytes = 0;
    this.tooLarge = false;
  }
}
