import type { Doubtful } from './bounded-regex.ts';
import { MAX_COOKIES, parseCookies } from './cookies.ts';
import type { RequestFacts } from './facts.ts';
import { NamedValues } from './named-values.ts';
import { isPlainPath, readPath } from './path-reading.ts';
import { MAX_PARAMETERS, parseQuery } from './query.ts';

const nobody: RequestFacts = { method: '', host: '', path: '/', query: '', source: '', header: () => undefined };
const none = new NamedValues();

/**
 * A request as conditions see it: the facts, and what has to be parsed out of them, parsed when the first condition
 * asks. One view serves a router for ever, since routing never waits; so routing allocates only when it must parse.
 */
export class RequestView implements Doubtful {
  facts: RequestFacts = nobody;
  doubt = '';
  #host: string | undefined;
  #path: string | undefined;
  #otherPath: string | undefined;
  #cookies: NamedValues | undefined;
  #query: NamedValues | undefined;
  readonly #cookieNames: ReadonlySet<string>;
  readonly #queryNames: ReadonlySet<string>;

  /** Only the named cookies and query parameters can be asked for. */
  constructor(cookieNames: ReadonlySet<string>, queryNames: ReadonlySet<string>) {
    this.#cookieNames = cookieNames;
    this.#queryNames = queryNames;
  }

  /** Turns to a request. */
  begin(facts: RequestFacts): void {
    this.facts = facts;
    this.doubt = '';
    this.#host = undefined;
    this.#path = undefined;
    this.#otherPath = undefined;
    this.#cookies = undefined;
    this.#query = undefined;
  }

  /** Lets go of the request, so that nothing of it is kept alive. */
  end(): void {
    this.begin(nobody);
  }

  /** The host of the facts, which may have to be cut out of a head, asked for once. */
  get host(): string {
    this.#host ??= this.facts.host;
    return this.#host;
  }

  /** The path in the reading that is on; asking for it leaves a doubt when no reading may be trusted. */
  get path(): string {
    this.#path ??= isPlainPath(this.facts.path) ? this.facts.path : this.#readPath();
    return this.#path;
  }

  /** Turns to the other reading of the path; false when the path was not asked for, or has none. */
  turnToOtherPath(): boolean {
    if (this.#otherPath === undefined) return false;
    this.#path = this.#otherPath;
    this.#otherPath = undefined;
    return true;
  }

  /** The values of a cookie, `undefined` when it was not sent. */
  cookie(name: string): readonly string[] | undefined {
    this.#cookies ??= this.#parseCookies();
    return this.#cookies.get(name);
  }

  /** The decoded values of a query parameter, `undefined` when it was not sent. */
  query(name: string): readonly string[] | undefined {
    this.#query ??= this.#parseQuery();
    return this.#query.get(name);
  }

  #readPath(): string {
    const reading = readPath(this.facts.path);
    this.doubt ||= reading.doubt;
    if (reading.other !== reading.normal) this.#otherPath = reading.other;
    return reading.normal;
  }

  #parseCookies(): NamedValues {
    const text = this.facts.header('cookie');
    if (text === undefined) return none;
    const found = parseCookies(text, this.#cookieNames);
    if (!found) this.doubt = `it has more than ${MAX_COOKIES} cookies`;
    return found ?? none;
  }

  #parseQuery(): NamedValues {
    if (this.facts.query === '') return none;
    const found = parseQuery(this.facts.query, this.#queryNames);
    if (!found) this.doubt = `it has more than ${MAX_PARAMETERS} query parameters`;
    return found ?? none;
  }
}
