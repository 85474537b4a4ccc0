import { Buffer } from 'node:buffer';
import type { Condition } from '../condition.ts';
import type { BodyMatch, ValueMatch } from '../rule.ts';
import { type Values, valuesInWords } from '../value-set.ts';
import type { RequestView } from '../view.ts';
import { ValueCondition } from './value.ts';

/** The condition for what a body must be like. */
export function bodyCondition(match: BodyMatch): Condition {
  switch (match.kind) {
    case 'json':
      return new JsonCondition(match.path, match.is, match.limit);
    case 'form':
      return new FormCondition(match.name, match.is, match.limit);
    case 'contains':
      return new ContainsCondition(match.text, match.limit);
  }
}

// A body that is compressed, larger than the limit or not there at all satisfies none of these. A smaller limit can
// only make a condition hold less often, which is what `covers` goes by.

/** Longest value, in characters, that an explanation quotes. */
const MOST_QUOTED = 200;

abstract class BodyValueCondition extends ValueCondition {
  readonly limit: number;

  constructor(kind: string, name: string, match: ValueMatch, limit: number) {
    super(kind, name, match);
    this.limit = limit;
  }

  override got(view: RequestView): string {
    if (view.body(this.limit) === undefined) return noBody(view, this.limit);
    const words = valuesInWords(this.values(view));
    return words.length > MOST_QUOTED ? `${words.slice(0, MOST_QUOTED)}…` : words;
  }

  override covers(other: Condition): boolean {
    return other instanceof BodyValueCondition && this.limit >= other.limit && super.covers(other);
  }
}

/**
 * Looks at a value in a JSON body by its path: names of members and indexes of lists, with dots between. Texts, numbers
 * and booleans are compared by their text; an object, a list and null can only be there. Of members of one name the
 * last counts.
 */
export class JsonCondition extends BodyValueCondition {
  readonly #steps: readonly string[];

  constructor(path: string, match: ValueMatch, limit: number) {
    super('body json', path, match, limit);
    this.#steps = path.split('.');
  }

  protected override values(view: RequestView): Values {
    if (view.body(this.limit) === undefined) return undefined;
    return textsOf(valueAt(view.json(this.limit), this.#steps), () => valueAt(view.exactJson(this.limit), this.#steps));
  }
}

function valueAt(root: unknown, steps: readonly string[]): unknown {
  let value = root;
  for (const step of steps) {
    // Only what the body itself says: neither `length` of a list nor what objects inherit.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** No texts, but something, for what has none. A number that does not fit into a double is compared as it was written. */
function textsOf(value: unknown, exact: () => unknown): Values {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return String(value);
    case 'number':
      if (Number.isSafeInteger(value)) return String(value);
      return Number.isInteger(value) ? String(exact() ?? value) : [String(value), String(exact() ?? value)];
    case 'object':
      return [];
    default:
      return undefined;
  }
}

/** Looks at a field of a form (application/x-www-form-urlencoded), decoded; of several with its name any may hold. */
export class FormCondition extends BodyValueCondition {
  constructor(name: string, match: ValueMatch, limit: number) {
    super('body form', name, match, limit);
  }

  protected override values(view: RequestView): Values {
    return view.form(this.name, this.limit);
  }
}

/** Holds for a body that has the bytes of a text in it. */
export class ContainsCondition implements Condition {
  readonly subject = 'body';
  readonly expected: string;
  readonly flaw: string | undefined = undefined;
  readonly limit: number;
  readonly #text: string;
  readonly #bytes: Buffer;

  constructor(text: string, limit: number) {
    this.expected = `containing ${JSON.stringify(text)}`;
    this.limit = limit;
    this.#text = text;
    this.#bytes = Buffer.from(text);
  }

  holds(view: RequestView): boolean {
    return view.body(this.limit)?.includes(this.#bytes) === true;
  }

  got(view: RequestView): string {
    const body = view.body(this.limit);
    return body === undefined ? noBody(view, this.limit) : `${body.length} bytes without it`;
  }

  covers(other: Condition): boolean {
    return other instanceof ContainsCondition && this.limit >= other.limit && other.#text.includes(this.#text);
  }
}

function noBody(view: RequestView, limit: number): string {
  const waits = view.facts.body(limit) === undefined;
  return waits ? 'a body that has not come yet' : `no body, or one that is compressed or larger than ${limit} bytes`;
}
