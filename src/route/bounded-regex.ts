/**
 * Longest text, in characters, that a regular expression of the config is run on. The expressions are the operator's
 * and the texts are the client's, and JavaScript's engine backtracks: an expression such as `(a+)+$` can be kept busy
 * for ever by a short text, and none of our bounds mends that. The operator answers for the expression. What we answer
 * for is that a polynomial one meets no text of unlimited length.
 */
export const MAX_REGEX_INPUT = 8192;

/** Where a condition leaves word that it cannot tell: the request is then refused, neither matched nor passed on. */
export interface Doubtful {
  /** Why the request cannot be routed safely; '' while it can. */
  doubt: string;
}

/**
 * A regular expression of the config: JavaScript's syntax, no flags, unanchored, case-sensitive (`(?i:…)` where that
 * is not wanted). The constructor throws SyntaxError on an expression that is none.
 */
export class BoundedRegex {
  readonly source: string;
  readonly #regex: RegExp;

  constructor(source: string) {
    this.source = source;
    this.#regex = new RegExp(source);
  }

  /** Whether the text matches. One that is too long is in doubt: cut short it could match or miss what it should not. */
  test(text: string, view: Doubtful): boolean {
    if (text.length <= MAX_REGEX_INPUT) return this.#regex.test(text);
    view.doubt = `a text of ${text.length} characters is too long for ~${this.source} (at most ${MAX_REGEX_INPUT})`;
    return false;
  }

  /** Whether it is certain that a request with this very text matches. */
  accepts(text: string): boolean {
    return text.length <= MAX_REGEX_INPUT && this.#regex.test(text);
  }
}
