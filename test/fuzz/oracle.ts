import { HTTPParser, methods } from 'node:_http_common';
import { Buffer } from 'node:buffer';
import type { Message, Reading } from './reading.ts';

type HeadArguments = [
  major: number,
  minor: number,
  fields: string[] | undefined,
  method: number | undefined,
  target: string | undefined,
  status: number | undefined,
  reason: string | undefined,
  upgrade: boolean,
  keepAlive: boolean,
];

type Mutable = { -readonly [Key in keyof Message]: Message[Key] };

/** After a message that ends the connection Node refuses further bytes by this name: that is an end, not a refusal. */
const CLOSED = 'HPE_CLOSED_CONNECTION';

/** Node's own parser, strict as `node:http` runs it by default, on bytes in memory. */
export class Oracle {
  readonly #parser = new HTTPParser();
  #messages: Mutable[] = [];
  /** Fields that came before the head was complete, as Node hands them out in portions. */
  #fields: string[] = [];
  #target = '';
  /** The method of the request that a response answers; '' while requests are read. */
  #answered = '';

  constructor() {
    this.#parser[HTTPParser.kOnMessageBegin] = () => {
      this.#fields = [];
      this.#target = '';
    };
    this.#parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
      // Trailers come this way too, behind the head.
      this.#fields.push(...fields);
      this.#target += target;
    };
    this.#parser[HTTPParser.kOnHeadersComplete] = (...head: HeadArguments) => this.#begin(head);
    this.#parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
      this.#messages.at(-1)!.data += bytes.toString('latin1');
    };
    this.#parser[HTTPParser.kOnMessageComplete] = () => {
      const message = this.#messages.at(-1);
      if (message !== undefined) message.complete = true;
    };
  }

  #begin([, minor, fields, method, target, status, , , keepAlive]: HeadArguments): number {
    const all = fields === undefined ? this.#fields : [...this.#fields, ...fields];
    // It takes a HEAD's answer without a length for one that ends with the connection.
    const answersHead = this.#answered === 'HEAD';
    const line =
      this.#answered === '' ? `${methods[method!]} ${target ?? this.#target} ${minor}` : `${status} ${minor}`;
    this.#messages.push({ line, fields: all, data: '', complete: false, persistent: keepAlive || answersHead });
    this.#fields = [];
    return answersHead ? 1 : 0;
  }

  /** Reads requests that follow one another. */
  requests(text: string): Reading {
    this.#answered = '';
    return this.#read(HTTPParser.REQUEST, Buffer.from(text, 'latin1'), false);
  }

  /** Reads the responses to one request; behind them the connection ends when `ended`. */
  responses(text: string, method: string, ended: boolean): Reading {
    this.#answered = method;
    return this.#read(HTTPParser.RESPONSE, Buffer.from(text, 'latin1'), ended);
  }

  #read(type: 1 | 2, bytes: Buffer, ended: boolean): Reading {
    this.#messages = [];
    const parser = this.#parser;
    parser.initialize(type, {}, 0, 0);
    let refused = '';
    for (let pos = 0; pos < bytes.length && refused === ''; ) {
      // It stops behind a request to upgrade, which here is one that the server has declined.
      const used = parser.execute(bytes.subarray(pos));
      if (typeof used !== 'number') refused = used.code;
      else if (used === 0) break;
      else pos += used;
    }
    if (ended && refused === '') refused = parser.finish()?.code ?? '';
    return { messages: this.#messages, refused: refused === CLOSED ? '' : refused };
  }
}
