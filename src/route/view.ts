import type { Buffer } from 'node:buffer';
import { BodyView, isForm } from './body-view.ts';
import { MAX_COOKIES, parseCookies } from './cookies.ts';
import type { RequestFacts } from './facts.ts';
import { NamedValues } from './named-values.ts';
import { isPlainPath, readPath } from './path-reading.ts';
import { MAX_PARAMETERS, parseQuery } from './query.ts';
import type { Doubtful } from './route-regex.ts';

const nobody: RequestFacts = {
  method: '',
  host: '',
  path: '/',
  query: '',
  source: '',
  header: () => undefined,
  body: () => null,
};
const none = new NamedValues();

/** The names that some condition asks for. */
export interface ViewNames {
  readonly cookies: ReadonlySet<string>;
  readonly query: ReadonlySet<string>;
  readonly form: ReadonlySet<string>;
}

/**
 * A request as conditions see it: the facts, and what has to be parsed out of them, parsed when the first condition
 * asks. One view serves a router for ever, since routing never waits; so routing allocates only when it must parse.
 */
export class RequestView implements Doubtful {
  facts: RequestFacts = nobody;
  doubt = '';
  /** How much of the body has to be there before it can be told; 0 when that is not what it waits for. */
  bodyWanted = 0;
  #host: string | undefined;
  #path: string | undefined;
  #pathDoubt = '';
  #otherPath: string | undefined;
  #cookies: NamedValues | undefined;
  #query: NamedValues | undefined;
  /** What was read of the body, made when somebody asks for the first of it. */
  #body: BodyView | undefined;
  readonly #names: ViewNames;

  /** Only the named cookies, query parameters and form fields can be asked for. */
  constructor(names: ViewNames) {
    this.#names = names;
  }

  /** Turns to a request. */
  begin(facts: RequestFacts): void {
    this.facts = facts;
    this.doubt = '';
    this.#host = undefined;
    this.#path = undefined;
    this.#pathDoubt = '';
    this.#otherPath = undefined;
    this.#cookies = undefined;
    this.#query = undefined;
    this.#body = undefined;
    this.bodyWanted = 0;
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
    const path = this.knownPath;
    if (this.#pathDoubt !== '') this.doubt ||= this.#pathDoubt;
    return path;
  }

  /** The same, without a doubt being left: for a look that decides nothing. */
  get knownPath(): string {
    this.#path ??= isPlainPath(this.facts.path) ? this.facts.path : this.#readPath();
    return this.#path;
  }

  /** Why no reading of the path may be trusted, once it is known; '' when one may. */
  get pathDoubt(): string {
    return this.#pathDoubt;
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

  /**
   * The body, when there is one of at most `limit` bytes that can be looked at. Asking for one that has not come yet
   * leaves a doubt, and says in `bodyWanted` what it waits for.
   */
  body(limit: number): Buffer | undefined {
    const bytes = this.facts.body(limit);
    if (bytes === undefined && this.doubt === '') {
      this.doubt = 'its body, which decides, has not come yet';
      this.bodyWanted = limit;
    }
    if (!bytes) return undefined;
    this.#body ??= new BodyView(bytes);
    return this.#body.bytes;
  }

  /** The body as JSON, `undefined` when it is none; to be asked for when there is a body. */
  json(limit: number): unknown {
    return this.body(limit) && this.#body!.json;
  }

  /** The same with its numbers as the texts they were written as. */
  exactJson(limit: number): unknown {
    return this.body(limit) && this.#body!.exactJson;
  }

  /** The decoded values of a field of the form in the body, `undefined` when it was not sent. */
  form(name: string, limit: number): readonly string[] | undefined {
    if (this.body(limit) === undefined || !isForm(this.facts.header('content-type'))) return undefined;
    const found = this.#body!.form(this.#names.form);
    if (!found) this.doubt ||= `the form in its body has more than ${MAX_PARAMETERS} fields`;
    return found?.get(name);
  }

  #readPath(): string {
    const reading = readPath(this.facts.path);
    this.#pathDoubt = reading.doubt;
    if (reading.other !== reading.normal) this.#otherPath = reading.other;
    return reading.normal;
  }

  #parseCookies(): NamedValues {
    const text = this.facts.header('cookie');
    if (text === undefined) return none;
    const found = parseCookies(text, this.#names.cookies);
    if (!found) this.doubt = `it has more than ${MAX_COOKIES} cookies`;
    return found ?? none;
  }

  #parseQuery(): NamedValues {
    if (this.facts.query === '') return none;
    const found = parseQuery(this.facts.query, this.#names.query);
    if (!found) this.doubt = `it has more than ${MAX_PARAMETERS} query parameters`;
    return found ?? none;
  }
}
