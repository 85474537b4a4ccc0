import { alternatives, type Condition, flawOfEmpty } from '../condition.ts';
import { TextSet } from '../text-set.ts';
import type { RequestView } from '../view.ts';

/** Holds for the listed methods, letter by letter: methods are case-sensitive (RFC 9110 §9.1). */
export class MethodCondition implements Condition {
  readonly subject = 'method';
  readonly expected: string;
  readonly flaw: string | undefined;
  readonly #methods: TextSet;

  constructor(methods: readonly string[]) {
    this.expected = alternatives(methods);
    this.flaw = flawOfEmpty(this.subject, methods.length === 0);
    this.#methods = new TextSet(methods);
  }

  holds(view: RequestView): boolean {
    return this.#methods.has(view.facts.method);
  }

  got(view: RequestView): string {
    return view.facts.method;
  }

  covers(other: Condition): boolean {
    return other instanceof MethodCondition && other.#methods.texts.every((method) => this.#methods.has(method));
  }
}
