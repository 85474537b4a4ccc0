import { setFlagsFromString } from 'node:v8';
import { shapeOf } from './regex-shape.ts';
import { execWatched } from './watched-exec.ts';

/**
 * The expressions are the operator's and the texts are somebody else's, and JavaScript's engine backtracks: one such as
 * `(a+)+$` can be kept busy for ever by a short text. After 50,000 steps back V8 begins anew with its other engine, whose
 * time is linear in the text. Expressions which that one does not know (look-ahead, back-references) are run under a watch,
 * unless their shape shows that they come to an end soon.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** From where to where a group has found; undefined for one that took no part. */
export type Span = readonly [number, number] | undefined;

/**
 * A regular expression of the config: JavaScript's syntax, no flags, unanchored, case-sensitive (`(?i:…)` where that
 * is not wanted). The constructor throws SyntaxError on an expression that is none.
 */
export class BoundedRegex {
  readonly #regex: RegExp;
  readonly #isWatched: boolean;
  readonly #isTame: boolean;
  readonly #folded: string;
  #withSpans: RegExp | undefined;

  constructor(source: string) {
    const { folded, linear, isTame } = shapeOf(source);
    this.#folded = folded;
    this.#regex = new RegExp(isTame ? folded : (linear ?? folded));
    this.#isWatched = linear === undefined && !isTame;
    this.#isTame = isTame;
  }

  /** Whether it is found in the text; undefined when that cannot be told within `LONGEST_LOOK_MS`. */
  find(text: string): boolean | undefined {
    if (!this.#isWatched) return this.#regex.test(text);
    const found = execWatched(this.#regex, text);
    return found === undefined ? undefined : found !== null;
  }

  /** Where the whole and each of its groups has found; undefined when it has not, or that cannot be told. */
  spans(text: string): readonly Span[] | undefined {
    this.#withSpans ??= new RegExp(this.#folded, 'd');
    if (this.#isTame) return this.#withSpans.exec(text)?.indices;
    // The engine that does not backtrack tells no spans, so that it is asked first whether there are any.
    return this.find(text) === true ? execWatched(this.#withSpans, text)?.indices : undefined;
  }
}
