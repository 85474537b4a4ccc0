import { BoundedRegex, type Span } from '../support/bounded-regex.ts';
import { LONGEST_LOOK_MS } from '../support/watched-exec.ts';

/** Longest text, in characters, that a regular expression of a route is run on. */
export const MAX_REGEX_INPUT = 8192;

/** Where a condition leaves word that it cannot tell: the request is then refused, neither matched nor passed on. */
export interface Doubtful {
  /** Why the request cannot be routed safely; '' while it can. */
  doubt: string;
}

/** A regular expression of a route, as `BoundedRegex`. The constructor throws SyntaxError on an expression that is none. */
export class RouteRegex {
  readonly source: string;
  readonly #regex: BoundedRegex;

  constructor(source: string) {
    this.source = source;
    this.#regex = new BoundedRegex(source);
  }

  /**
   * Whether the text matches. One that is too long, or takes too long, is in doubt: what is cut short could match or miss
   * what it should not.
   */
  test(text: string, view: Doubtful): boolean {
    if (text.length > MAX_REGEX_INPUT) {
      view.doubt = `a text of ${text.length} characters is too long for ~${this.source} (at most ${MAX_REGEX_INPUT})`;
      return false;
    }
    const found = this.#regex.find(text);
    if (found === undefined) view.doubt = `it takes longer than ${LONGEST_LOOK_MS} ms to look for ~${this.source}`;
    return found === true;
  }

  /** Whether it is certain that a request with this very text matches. */
  accepts(text: string): boolean {
    return text.length <= MAX_REGEX_INPUT && this.#regex.find(text) === true;
  }

  /** Where the whole and each of its groups has found; undefined when it is not certain that it matches. */
  spans(text: string): readonly Span[] | undefined {
    return text.length <= MAX_REGEX_INPUT ? this.#regex.spans(text) : undefined;
  }
}
