import type { RequestHead } from '../http1/request-head.ts';
import { hostOf } from '../http1/request-head.ts';
import type { RequestFacts } from '../route/facts.ts';
import type { HeldBody } from './held-body.ts';

type Held = Pick<HeldBody, 'within'>;

/**
 * What the router asks of a request, read from its head on demand. One instance serves a thread: it is loaded with a head
 * and used up before the next is parsed.
 */
export class HeadFacts implements RequestFacts {
  #head: RequestHead;
  #held: Held | undefined;
  source = '';
  path = '';
  query = '';

  constructor(head: RequestHead) {
    this.#head = head;
  }

  /** Points at the head just parsed; `source` is the address of the client, `held` what is held of its body. */
  load(source: string, held?: Held): this {
    this.#held = held;
    const target = this.#head.originTarget;
    const mark = target.indexOf('?');
    this.source = source;
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? '' : target.slice(mark + 1);
    return this;
  }

  get method(): string {
    return this.#head.method;
  }

  get host(): string {
    return hostOf(this.#head.authority);
  }

  body(limit: number): Uint8Array | null | undefined {
    const head = this.#head;
    if (!head.chunked && head.contentLength <= 0) return null;
    if (head.contentLength > limit) return null;
    const coding = head.get('content-encoding');
    if (coding !== undefined && coding.toLowerCase() !== 'identity') return null;
    return this.#held?.within(limit);
  }

  header(name: string): string | undefined {
    return this.#head.get(name, name === 'cookie' ? '; ' : ', ');
  }
}
