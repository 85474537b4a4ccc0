import { setFlagsFromString } from 'node:v8';

/**
 * The expressions are the operator's and the texts are the client's, and JavaScript's engine backtracks: one such as
 * `(a+)+$` can be kept busy for ever by a short text. After 50,000 steps back V8 begins anew with its other engine, whose
 * time is linear in the text. That one knows no `(?i:…)`, no look-around and no back-references: of expressions that have
 * those the operator must know that they come to an end, or the worker is replaced when it stands still.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** Longest text, in characters, that a regular expression of the config is run on. */
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
