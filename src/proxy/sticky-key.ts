import { Buffer } from 'node:buffer';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { parseCookies } from '../route/cookies.ts';
import { parseQuery } from '../route/query.ts';

/** So much of an answer's body is looked at for the key of a session that begins with it, in bytes. */
const MAX_ANNOUNCEMENT_BYTES = 4096;
/** A longer text is no key. */
const MAX_KEY_CHARS = 256;

/** Where a request says which session it is of. */
export interface KeyPlace {
  readonly kind: 'cookie' | 'header' | 'query';
  readonly name: string;
}

/** Reads the key of the session from a request's head; `undefined` when it has none. */
export type ReadKey = (head: RequestHead) => string | undefined;

/** How keys are read at this place. */
export function keyReader({ kind, name }: KeyPlace): ReadKey {
  const wanted = new Set([name]);
  const field = name.toLowerCase();
  const read: ReadKey = {
    cookie: (head: RequestHead) => parseCookies(head.get('cookie', '; ') ?? '', wanted)?.get(name)?.[0],
    header: (head: RequestHead) => head.get(field, ', '),
    query: ({ originTarget }: RequestHead) => {
      const mark = originTarget.indexOf('?');
      return mark < 0 ? undefined : parseQuery(originTarget.slice(mark + 1), wanted)?.get(name)?.[0];
    },
  }[kind];
  return (head) => {
    const key = read(head);
    return key === undefined || key === '' || key.length > MAX_KEY_CHARS ? undefined : key;
  };
}

/** Who looks at an answer as it passes. */
export interface AnswerWatch {
  /** The head of the final answer, or of a 101; it is used up when this returns. */
  onAnswerHead(head: ResponseHead): void;
  /** Bytes of the body, without chunk framing; called before they go to the client. */
  onAnswerBody(bytes: Buffer, start: number, end: number): void;
}

/**
 * Listens for the key of a session that the backend begins: many applications make up the id themselves, and say it in
 * the first answer. It is heard before the client can use it, on whatever connection and worker.
 */
export function keyListener({ kind, name }: KeyPlace, heard: (key: string) => void): AnswerWatch {
  return kind === 'query' ? new MemberListener(name, heard) : new FieldListener(name, heard);
}

/** The key is in a field of the answer that has the name of the request's. */
class FieldListener implements AnswerWatch {
  readonly #name: string;
  readonly #heard: (key: string) => void;

  constructor(name: string, heard: (key: string) => void) {
    this.#name = name.toLowerCase();
    this.#heard = heard;
  }

  onAnswerHead(head: ResponseHead): void {
    const key = head.get(this.#name, ', ');
    if (key !== undefined && key !== '' && key.length <= MAX_KEY_CHARS) this.#heard(key);
  }

  onAnswerBody(): void {}
}

/** The key is a member of the JSON in the body that has the name of the parameter, near its beginning: `"sid":"…"`. */
class MemberListener implements AnswerWatch {
  readonly #member: RegExp;
  readonly #heard: (key: string) => void;
  #text = '';
  #listening = true;

  constructor(name: string, heard: (key: string) => void) {
    this.#member = memberPattern(name);
    this.#heard = heard;
  }

  onAnswerHead(head: ResponseHead): void {
    if (head.status === 101) this.#listening = false;
  }

  onAnswerBody(bytes: Buffer, start: number, end: number): void {
    if (!this.#listening) return;
    const room = MAX_ANNOUNCEMENT_BYTES - this.#text.length;
    this.#text += bytes.toString('latin1', start, Math.min(end, start + room));
    const found = this.#member.exec(this.#text)?.[1];
    if (found !== undefined) this.#heard(Buffer.from(found, 'latin1').toString('utf8'));
    if (found !== undefined || this.#text.length >= MAX_ANNOUNCEMENT_BYTES) {
      this.#listening = false;
      this.#text = '';
    }
  }
}

function memberPattern(name: string): RegExp {
  const quoted = Buffer.from(JSON.stringify(name))
    .toString('latin1')
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`${quoted}\\s{0,8}:\\s{0,8}"([^"\\\\\\x00-\\x1f]{1,${MAX_KEY_CHARS}})"`);
}
