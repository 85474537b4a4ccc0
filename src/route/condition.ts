import type { RequestView } from './view.ts';

/** One condition of a route, compiled. A route matches when all of its conditions hold. */
export interface Condition {
  /** What it looks at, as the config names it: `host`, `header x-tier`. */
  readonly subject: string;
  /** What it wants, in words. */
  readonly expected: string;
  /** Why no request can satisfy it; `undefined` when one may. */
  readonly flaw: string | undefined;
  /** Whether it holds. When it cannot tell it leaves a doubt in the view, and its answer is not used. */
  holds(view: RequestView): boolean;
  /** What the request has instead, in words. */
  got(view: RequestView): string;
  /** Whether it is certain that every request that satisfies `other` satisfies this one too. */
  covers(other: Condition): boolean;
}

/** Alternatives in words: `a or b`. */
export function alternatives(entries: readonly string[]): string {
  return entries.length === 0 ? 'nothing, for its list is empty' : entries.join(' or ');
}

/** The flaw of a condition without alternatives. */
export function flawOfEmpty(subject: string, empty: boolean): string | undefined {
  return empty ? `its list for ${subject} is empty` : undefined;
}
