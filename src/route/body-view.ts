import { Buffer } from 'node:buffer';
import type { NamedValues } from './named-values.ts';
import { parseQuery } from './query.ts';

/** A body as conditions see it, each reading of it made when the first of them asks. */
export class BodyView {
  readonly bytes: Buffer;
  #json: { readonly value: unknown } | undefined;
  #exactJson: { readonly value: unknown } | undefined;
  #form: { readonly fields: NamedValues | undefined } | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** As JSON (RFC 8259); `undefined` when it is none. */
  get json(): unknown {
    this.#json ??= { value: parsed(this.#text) };
    return this.#json.value;
  }

  /** As JSON with every number as the text it was written as; `undefined` too when it is nested too deeply for that. */
  get exactJson(): unknown {
    this.#exactJson ??= { value: parsed(this.#text, asWritten) };
    return this.#exactJson.value;
  }

  /** The wanted fields of a form; `undefined` when there are too many fields. */
  form(wanted: ReadonlySet<string>): NamedValues | undefined {
    // Bytes that should have been escaped are taken as if they were, as browsers and servers do.
    const escaped = this.bytes.toString('latin1').replace(/[^\0-\x7f]/g, escapeByte);
    this.#form ??= { fields: parseQuery(escaped, wanted) };
    return this.#form.fields;
  }

  get #text(): string {
    const text = this.bytes.toString('utf8');
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

const asWritten: Reviver = (_key, value, { source }) => (typeof value === 'number' ? source : value);

function parsed(text: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]);
  } catch {
    return undefined;
  }
}

function escapeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16)}`;
}

/** Whether a body with this Content-Type is a form; one that does not say what it is may be. */
export function isForm(contentType: string | undefined): boolean {
  return contentType === undefined || /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
}
