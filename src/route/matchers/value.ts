import { type Condition, flawOfEmpty } from '../condition.ts';
import type { ValueMatch } from '../rule.ts';
import { ValueSet, type Values, valuesInWords } from '../value-set.ts';
import type { RequestView } from '../view.ts';

/** What header, cookie and query conditions have in common: a name, and what its values may be. */
export abstract class ValueCondition implements Condition {
  readonly subject: string;
  readonly expected: string;
  readonly flaw: string | undefined;
  readonly name: string;
  readonly #accepted: ValueSet;

  constructor(kind: string, name: string, match: ValueMatch) {
    this.subject = `${kind} ${name}`;
    this.name = name;
    this.#accepted = new ValueSet(match);
    this.expected = this.#accepted.toString();
    this.flaw = flawOfEmpty(this.subject, this.#accepted.acceptsNone);
  }

  /** What the request sent under the name. */
  protected abstract values(view: RequestView): Values;

  /** True when no request can miss it. */
  get holdsAlways(): boolean {
    return this.#accepted.acceptsAll;
  }

  holds(view: RequestView): boolean {
    return this.#accepted.accepts(this.values(view), view);
  }

  got(view: RequestView): string {
    return valuesInWords(this.values(view));
  }

  covers(other: Condition): boolean {
    return other instanceof ValueCondition && other.subject === this.subject && this.#accepted.covers(other.#accepted);
  }

  /** Whether it is certain that no request satisfies both. */
  excludes(other: Condition): boolean {
    return (
      other instanceof ValueCondition && other.subject === this.subject && this.#accepted.excludes(other.#accepted)
    );
  }
}
