import type { z } from 'zod';
import { closest } from '../support/suggest.ts';
import { knownKeys } from './known-keys.ts';
import { didYouMean, type Finding, type Path, show } from './problem.ts';
import { valueAt } from './raw.ts';
import type { ScalarIssue } from './scalar.ts';
import { oneOf } from './scalars.ts';

type Issue = z.core.$ZodIssue;
type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** What the schema found wrong with what stands `at` this place of `root`, in plain words: what it was and what was expected. */
export function findingsOf(issues: readonly Issue[], root: unknown, at: Path = []): Finding[] {
  return issues.flatMap((issue) => translate(issue, at, root));
}

function translate(issue: Issue, at: Path, root: unknown): Finding[] {
  const path = [...at, ...(issue.path as Path)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, root));
    case 'invalid_union':
      return union(issue, path, root);
    case 'invalid_key':
      return [{ path, message: `not ${expectedOf(issue.issues[0]!)}${reasonOf(issue.issues[0]!)}` }];
    case 'custom':
      return [custom(issue, path, root)];
    default:
      return [{ path, ...sentence(valueAt(root, path), expectedOf(issue)) }];
  }
}

function unknownKey(path: Path, key: string, root: unknown): Finding {
  const known = knownKeys(root, path).filter((word) => !word.startsWith('$'));
  const hint = didYouMean(closest(key, known));
  return { path: [...path, key], message: `unknown key, expected ${oneOf(known)}`, hint };
}

function custom(issue: Issue, path: Path, root: unknown): Finding {
  const scalar = scalarIssue(issue);
  if (!scalar) return { path, message: issue.message };
  const value = valueAt(root, path);
  return { path, ...sentence(value, scalar.expected, scalar), hint: scalar.hint };
}

/** `got X, expected Y`, or `missing, expected Y`. */
function sentence(value: unknown, expected: string, scalar?: ScalarIssue): Pick<Finding, 'message' | 'part'> {
  if (value === undefined) return { message: `missing, expected ${expected}` };
  const reason = scalar?.reason === undefined ? '' : ` (${scalar.reason})`;
  return { message: `got ${scalar?.secret ? '***' : show(value)}${reason}, expected ${expected}`, part: 'value' };
}

/**
 * A union fails in all its branches; what people want to read is the branch they meant. That is the one whose kind of
 * value (text, list, object) was written; when there is none, all of them are named.
 */
function union(issue: UnionIssue, path: Path, root: unknown): Finding[] {
  const value = valueAt(root, path);
  if ('discriminator' in issue) {
    const known = discriminators(issue);
    return [{ path, ...sentence(value, oneOf(known)), hint: didYouMean(closest(String(value ?? ''), known)) }];
  }
  const meant = issue.errors.find((branch) => !branch.some(isOtherKind));
  if (!meant) return [{ path, ...sentence(value, kindsOf(issue).join(', or ')) }];
  const object = kindsOf(issue).find((kind) => kind.startsWith('an object'));
  const orObject = object === undefined ? '' : `, or ${object}`;
  return meant
    .flatMap((inner) => translate(inner, path, root))
    .map((finding) =>
      finding.path.length === path.length ? { ...finding, message: finding.message + orObject } : finding,
    );
}

/** What the branches expect of which another kind of value was written. */
function kindsOf({ errors }: UnionIssue): string[] {
  return errors.flatMap((branch) => branch.filter(isOtherKind).slice(0, 1)).map(expectedOf);
}

/** The values that tell the branches apart; zod hands them over without declaring them. */
function discriminators(issue: UnionIssue): string[] {
  return ((issue as { options?: unknown[] }).options ?? []).map(String);
}

function isOtherKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union')
    return issue.errors.length > 0 && issue.errors.every((branch) => branch.some(isOtherKind));
  return issue.code === 'invalid_type' || scalarIssue(issue)?.otherKind === true;
}

function scalarIssue(issue: Issue): ScalarIssue | undefined {
  return issue.code === 'custom' && issue.params && 'expected' in issue.params
    ? (issue.params as unknown as ScalarIssue)
    : undefined;
}

function reasonOf(issue: Issue): string {
  const reason = scalarIssue(issue)?.reason;
  return reason === undefined ? '' : ` (${reason})`;
}

function expectedOf(issue: Issue): string {
  const scalar = scalarIssue(issue);
  if (scalar) return scalar.expected;
  if (issue.code === 'invalid_union') return kindsOf(issue).join(', or ');
  if (issue.code === 'too_small') return 'at least one';
  if (issue.code === 'invalid_type') return issue.expected === 'array' ? 'a list' : 'an object';
  return issue.message;
}
