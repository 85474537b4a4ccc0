import { alternatives, type Condition, flawOfEmpty } from '../condition.ts';
import { normalPattern } from '../path-reading.ts';
import { RouteRegex } from '../route-regex.ts';
import { TextSet } from '../text-set.ts';
import type { RequestView } from '../view.ts';

const SLASH = 47;

// What the patterns mean, all of them case-sensitive and compared in the normal form that path-reading.ts describes:
// - `/a` is that path alone, not `/a/`;
// - `/a/*` is `/a`, `/a/` and all below, and not `/ab`; a prefix is made of whole segments. `/a` is in it because who
//   guards `/admin/*` does not mean to leave `/admin` open (Traefik, Envoy and Kubernetes say so, Caddy does not);
// - `/*` is every request, also `OPTIONS *`;
// - `~^/a\d+$` is what the regular expression finds.

/** A path, or it and all below; within '' lies every path. */
export interface PathPlace {
  readonly text: string;
  readonly kind: 'exact' | 'within';
  /** The condition holds for every path there. */
  readonly certain: boolean;
}

/** Holds for the listed paths: exact, prefixes or regular expressions. Throws SyntaxError on an expression that is none. */
export class PathCondition implements Condition {
  readonly subject = 'path';
  readonly expected: string;
  readonly flaw: string | undefined;
  readonly #paths: TextSet;
  /** Without the slash at their end, which may be missing in the request; the one of `/*` is ''. */
  readonly #prefixes: readonly string[];
  readonly #regexes: readonly RouteRegex[];

  constructor(patterns: readonly string[]) {
    this.expected = alternatives(patterns);
    const { regex = [], prefix = [], exact = [] } = Object.groupBy(patterns, kindOf);
    this.#paths = new TextSet(exact.map(normalPattern));
    this.#prefixes = prefix.map((pattern) => normalPattern(pattern.slice(0, -1)).slice(0, -1));
    this.#regexes = regex.map((pattern) => new RouteRegex(pattern.slice(1)));
    this.flaw = this.#mayHold() ? undefined : flawOf(patterns);
  }

  #mayHold(): boolean {
    return (
      this.#regexes.length > 0 || [...this.#paths.texts, ...this.#prefixes].some((path) => /^(?:[/*]|$)/.test(path))
    );
  }

  /** True for a list with `/*`. */
  get holdsAlways(): boolean {
    return this.#prefixes.includes('');
  }

  /** Where the paths lie that it holds for, all of them. */
  get literals(): readonly PathPlace[] {
    return [
      ...this.#paths.texts.map((text) => ({ text, kind: 'exact' as const, certain: true })),
      ...this.#prefixes.map((text) => ({ text, kind: 'within' as const, certain: true })),
      ...this.#regexes.map(({ source }) => ({ text: literalStart(source), kind: 'within' as const, certain: false })),
    ];
  }

  holds(view: RequestView): boolean {
    const path = view.path;
    if (this.#hasLiterally(path)) return true;
    for (const regex of this.#regexes) if (regex.test(path, view)) return true;
    return false;
  }

  #hasLiterally(path: string): boolean {
    if (this.#paths.has(path)) return true;
    for (const prefix of this.#prefixes) if (isWithin(path, prefix)) return true;
    return false;
  }

  got(view: RequestView): string {
    const { path, facts } = view;
    return path === facts.path ? path : `${path}, which is how ${facts.path} was read`;
  }

  covers(other: Condition): boolean {
    if (!(other instanceof PathCondition)) return false;
    return (
      other.#paths.texts.every((path) => this.#hasLiterally(path) || this.#regexes.some((one) => one.accepts(path))) &&
      other.#prefixes.every((prefix) => this.#prefixes.some((wide) => isWithin(prefix, wide))) &&
      other.#regexes.every(({ source }) => this.#regexes.some((regex) => regex.source === source))
    );
  }
}

function kindOf(pattern: string): 'regex' | 'prefix' | 'exact' {
  if (pattern.startsWith('~')) return 'regex';
  return pattern.endsWith('/*') ? 'prefix' : 'exact';
}

function isWithin(path: string, prefix: string): boolean {
  // The boundary comes first: it is the cheaper test, and rules out most.
  return (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH) && path.startsWith(prefix);
}

const plainStart = /^\^(\/[\w\-~%@!&=:,;'/ ]*)(?![\w\-~%@!&=:,;'/ ]|[?*{])/;

/** The whole segments that every text begins with which the expression finds; '' when that cannot be told. */
function literalStart(source: string): string {
  if (hasAlternatives(source)) return '';
  const [, start = ''] = plainStart.exec(source) ?? [];
  return start.slice(0, Math.max(0, start.lastIndexOf('/')));
}

/** Whether the expression has a `|` outside of all groups. */
function hasAlternatives(source: string): boolean {
  const outside = source.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, '');
  let depth = 0;
  for (const sign of outside) {
    if (sign === '(') depth++;
    else if (sign === ')') depth--;
    else if (sign === '|' && depth === 0) return true;
  }
  return false;
}

function flawOf(patterns: readonly string[]): string {
  return (
    flawOfEmpty('path', patterns.length === 0) ?? `a path begins with a slash, and ${patterns.join(', ')} does not`
  );
}
