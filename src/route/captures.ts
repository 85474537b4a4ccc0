import { BoundedRegex } from './bounded-regex.ts';
import type { RawPath } from './raw-path.ts';

/** How many groups a regular expression captures. Throws SyntaxError on an expression that is none. */
export function groupCount(source: string): number {
  return new RegExp(`${source}|`).exec('')!.length - 1;
}

/**
 * What the regular expressions of a route's path capture. They look at the normal form, as routing does, and what they
 * capture is given as the client wrote it. Throws SyntaxError on an expression that is none.
 */
export class Captures {
  readonly #patterns: readonly { readonly bounded: BoundedRegex; readonly regex: RegExp }[];

  /** Path patterns; those that are no regular expression capture nothing. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns
      .filter((pattern) => pattern.startsWith('~'))
      .map((pattern) => ({ bounded: new BoundedRegex(pattern.slice(1)), regex: new RegExp(pattern.slice(1), 'd') }));
  }

  /** The groups of the first expression that matches, from 1 on, '' for one that took no part; `undefined` when none matches. */
  of(path: RawPath): readonly string[] | undefined {
    for (const { bounded, regex } of this.#patterns) {
      // The engine that does not backtrack tells no spans, so that it is asked first whether there are any.
      if (!bounded.accepts(path.normal)) continue;
      const spans = regex.exec(path.normal)?.indices;
      if (spans) return Array.from(spans, (span) => (span === undefined ? '' : path.slice(span[0], span[1])));
    }
    return undefined;
  }
}
