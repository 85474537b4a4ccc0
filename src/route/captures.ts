import type { RawPath } from './raw-path.ts';
import { RouteRegex } from './route-regex.ts';

/** How many groups a regular expression captures. Throws SyntaxError on an expression that is none. */
export function groupCount(source: string): number {
  return new RegExp(`${source}|`).exec('')!.length - 1;
}

/**
 * What the regular expressions of a route's path capture. They look at the normal form, as routing does, and what they
 * capture is given as the client wrote it. Throws SyntaxError on an expression that is none.
 */
export class Captures {
  readonly #patterns: readonly RouteRegex[];

  /** Path patterns; those that are no regular expression capture nothing. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns
      .filter((pattern) => pattern.startsWith('~'))
      .map((pattern) => new RouteRegex(pattern.slice(1)));
  }

  /** The groups of the first expression that matches, from 1 on, '' for one that took no part; `undefined` when none matches. */
  of(path: RawPath): readonly string[] | undefined {
    for (const pattern of this.#patterns) {
      const spans = pattern.spans(path.normal);
      if (spans !== undefined) return spans.map((span) => (span === undefined ? '' : path.slice(span[0], span[1])));
    }
    return undefined;
  }
}
