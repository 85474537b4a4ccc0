import type { Head } from '../http1/head.ts';
import { Field } from '../http1/known-fields.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { isConnectionField } from './field.ts';
import { FIELD_OVERHEAD_BYTES, type HpackEncoder } from './hpack-encoder.ts';
import type { FieldSource } from './session-out.ts';

/** True for a field of an HTTP/1 head that HTTP/2 has not. */
function endsWithConnection(head: Head, index: number): boolean {
  switch (head.id(index)) {
    case Field.connection:
    case Field.keepAlive:
    case Field.proxyConnection:
    case Field.transferEncoding:
    case Field.upgrade:
    case Field.http2Settings:
      return true;
    default:
      return false;
  }
}

/** The head of an answer of HTTP/1.1, as HTTP/2 has it. Used up at once, so one serves all streams of the thread. */
export class AnswerFields implements FieldSource {
  readonly #head: ResponseHead;
  /** The answer to the handshake of a WebSocket, which HTTP/2 gives in another way (RFC 8441 §5). */
  switches = false;

  constructor(head: ResponseHead) {
    this.#head = head;
  }

  get bound(): number {
    const { text, fieldCount } = this.#head;
    return text.length + (fieldCount + 2) * FIELD_OVERHEAD_BYTES;
  }

  put(encoder: HpackEncoder, into: Uint8Array, at: number): number {
    const head = this.#head;
    at = encoder.status(into, at, this.switches ? 200 : head.status);
    for (let i = 0; i < head.fieldCount; i++) {
      if (endsWithConnection(head, i) || (this.switches && this.#isOfSwitch(i))) continue;
      at = encoder.field(into, at, head.name(i), head.value(i));
    }
    return at;
  }

  #isOfSwitch(index: number): boolean {
    const head = this.#head;
    return head.id(index) === Field.contentLength || head.name(index).toLowerCase() === 'sec-websocket-accept';
  }
}

/** Names and values in turn as fields to be sent. */
export class PairFields implements FieldSource {
  readonly #pairs: readonly string[];

  constructor(pairs: readonly string[]) {
    this.#pairs = pairs;
  }

  get bound(): number {
    return this.#pairs.reduce((sum, text) => sum + text.length + FIELD_OVERHEAD_BYTES, FIELD_OVERHEAD_BYTES);
  }

  put(encoder: HpackEncoder, into: Uint8Array, at: number): number {
    for (let i = 0; i < this.#pairs.length; i += 2) at = encoder.field(into, at, this.#pairs[i]!, this.#pairs[i + 1]!);
    return at;
  }
}

/** A trailer section of HTTP/1.1, checked before, as names in lower case and values in turn; `undefined` when it is empty. */
export function trailersOut(text: string): string[] | undefined {
  const pairs: string[] = [];
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
    if (!isConnectionField(name)) pairs.push(name, value);
  }
  return pairs.length === 0 ? undefined : pairs;
}

/** Names and values in turn as an object, which some calls of node:http2 want; values of one name become a list. */
export function asObject(pairs: readonly string[]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i]!;
    const value = pairs[i + 1]!;
    const before = object[name];
    if (before === undefined) object[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else object[name] = [before, value];
  }
  return object;
}
