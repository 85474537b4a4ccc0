import { z } from 'zod';

/** What a scalar's JSON Schema says beside its title. */
export type JsonScalar = Readonly<Record<string, unknown>>;

/** Why a written value is not one that a scalar takes. */
export class Refusal {
  /** What is wrong, when there is more to say than that it is not what was expected. */
  readonly reason: string | undefined;
  /** What would set it right. */
  readonly hint: string | undefined;

  constructor(reason?: string, hint?: string) {
    this.reason = reason;
    this.hint = hint;
  }
}

/** How one kind of single value is written, read and described. */
export interface ScalarForm<O> {
  /** The kind in a word or two, for the reference: `duration`. */
  readonly title: string;
  /** Completes "expected …". */
  readonly expected: string;
  readonly json: JsonScalar;
  /** Messages never show a secret's value. */
  readonly secret?: boolean;
  /** The value as the code wants it. Is handed strings, numbers and booleans only. */
  parse(written: string | number | boolean): O | Refusal;
}

/** What a failed scalar tells the translation of issues into words. */
export interface ScalarIssue {
  readonly expected: string;
  readonly reason: string | undefined;
  readonly hint: string | undefined;
  readonly secret: boolean;
  /** True when the value is a list, an object or nothing, so that another branch of a union may have been meant. */
  readonly otherKind: boolean;
}

/**
 * The schema of a single value, written as I and read as O. A custom type rather than one of zod's, so that every
 * message is in our words and the JSON Schema says what is written, not what it becomes.
 */
export function scalar<I, O>(form: ScalarForm<O>): z.ZodType<O, I> {
  const { title, json, expected, secret = false } = form;
  return z
    .custom<I>(() => true)
    .meta({ title, ...json })
    .transform((written: unknown, context): O => {
      const single = typeof written === 'string' || typeof written === 'number' || typeof written === 'boolean';
      const value = single ? form.parse(written) : new Refusal();
      if (!(value instanceof Refusal)) return value;
      const params: ScalarIssue = { expected, secret, reason: value.reason, hint: value.hint, otherKind: !single };
      context.issues.push({ code: 'custom', message: expected, input: written, params: { ...params } });
      return z.NEVER;
    });
}

/** A list of at least one, or the one by itself. */
export function oneOrList<O, I>(item: z.ZodType<O, I>): z.ZodType<O[], I | I[]> {
  return z.union([item, z.array(item).min(1)]).transform((value) => (Array.isArray(value) ? value : [value]) as O[]);
}
