import { alternatives } from './condition.ts';
import { type Doubtful, RouteRegex } from './route-regex.ts';
import type { ValueMatch } from './rule.ts';
import { TextSet } from './text-set.ts';

/** What was sent under a name: one text, several, or nothing. */
export type Values = string | readonly string[] | undefined;

/**
 * What a header, a cookie or a query parameter may be: a ValueMatch with its nesting folded out. It accepts several
 * values when it accepts any of them. Throws SyntaxError on an expression that is none.
 */
export class ValueSet {
  readonly #exact: TextSet;
  readonly #regexes: readonly RouteRegex[];
  readonly #present: boolean;
  readonly #absent: boolean;

  constructor(match: ValueMatch) {
    const parts = partsOf(match);
    this.#exact = new TextSet(parts.flatMap((part) => (part.kind === 'exact' ? part.values : [])));
    this.#regexes = parts.filter((part) => part.kind === 'regex').map(({ source }) => new RouteRegex(source));
    this.#present = parts.some(({ kind }) => kind === 'present');
    this.#absent = parts.some(({ kind }) => kind === 'absent');
  }

  /** Whether what was sent is in the set. */
  accepts(values: Values, view: Doubtful): boolean {
    if (values === undefined) return this.#absent;
    if (this.#present) return true;
    if (typeof values === 'string') return this.#acceptsOne(values, view);
    for (const value of values) if (this.#acceptsOne(value, view)) return true;
    return false;
  }

  #acceptsOne(value: string, view: Doubtful): boolean {
    if (this.#exact.has(value)) return true;
    for (const regex of this.#regexes) if (regex.test(value, view)) return true;
    return false;
  }

  /** True when it accepts all there is. */
  get acceptsAll(): boolean {
    return this.#present && this.#absent;
  }

  /** True when it accepts nothing at all. */
  get acceptsNone(): boolean {
    return !this.#absent && this.#needsNoPresence;
  }

  get #needsNoPresence(): boolean {
    return !this.#present && this.#exact.texts.length === 0 && this.#regexes.length === 0;
  }

  /** Whether it is certain that nothing is in both sets: one wants the value absent, the other wants it there. */
  excludes(other: ValueSet): boolean {
    if (this.#absent && other.#absent) return false;
    return this.#needsNoPresence || other.#needsNoPresence;
  }

  /** Whether it is certain that everything in `other` is in this one. */
  covers(other: ValueSet): boolean {
    if (other.#absent && !this.#absent) return false;
    if (this.#present) return true;
    if (other.#present) return false;
    if (!other.#exact.texts.every((value) => this.#coversText(value))) return false;
    return other.#regexes.every(({ source }) => this.#regexes.some((regex) => regex.source === source));
  }

  #coversText(value: string): boolean {
    return this.#exact.has(value) || this.#regexes.some((regex) => regex.accepts(value));
  }

  /** In words: `"gold" or ~^sil or absent`. */
  toString(): string {
    const entries = this.#exact.texts.map((value) => JSON.stringify(value));
    entries.push(...this.#regexes.map(({ source }) => `~${source}`));
    if (this.#present) entries.push('present');
    if (this.#absent) entries.push('absent');
    return alternatives(entries);
  }
}

function partsOf(match: ValueMatch): readonly Exclude<ValueMatch, { kind: 'any' }>[] {
  return match.kind === 'any' ? match.of.flatMap(partsOf) : [match];
}

/** What was sent, in words. */
export function valuesInWords(values: Values): string {
  if (values === undefined) return 'absent';
  const list = typeof values === 'string' ? [values] : values;
  return list.map((value) => JSON.stringify(value)).join(' and ');
}
