import type { z } from 'zod';
import { closest } from '../support/suggest.ts';

type Issue = z.core.$ZodIssue;

/** A body as a schema reads it, or all that is wrong with it, in words. */
export type ReadBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

/** Holds what was sent against what an endpoint wants. */
export function readBody(schema: z.ZodType, sent: unknown): ReadBody {
  const result = schema.safeParse(sent);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problem: result.error.issues.map((issue) => inWords(issue, schema)).join('; ') };
}

function inWords(issue: Issue, schema: z.ZodType): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((schema as z.ZodObject).shape ?? {});
    return issue.keys.map((key) => unknownKey(key, known)).join('; ');
  }
  return `${path === '' ? 'the body' : path}: ${issue.message}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = closest(key, known);
  return `unknown key '${key}', ${meant === undefined ? `expected ${known.join(', ')}` : `did you mean '${meant}'?`}`;
}
