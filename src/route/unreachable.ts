import type { Condition } from './condition.ts';
import { conditionsOf } from './conditions.ts';
import { ValueCondition } from './matchers/value.ts';
import type { RouteRule } from './rule.ts';

/** A route that no request can ever take. */
export interface Unreachable {
  /** Position of the route in the file, from 0. */
  readonly index: number;
  /** Position of the earlier route that takes all it could take; its own when its conditions contradict themselves. */
  readonly by: number;
  /** Why, in words that read on after `route "x" can never match: `. */
  readonly reason: string;
}

/**
 * Finds routes that can never match: those whose conditions nothing can satisfy, and those of which one earlier route
 * takes everything. Never a false alarm; what only several earlier routes take together, or what would need reasoning
 * about regular expressions, goes unnoticed. Takes time in proportion to the square of the number of routes. Throws as
 * `compile` does.
 */
export function findUnreachable<F>(rules: readonly RouteRule<F>[]): Unreachable[] {
  const found: Unreachable[] = [];
  const compiled = rules.map(({ match }) => conditionsOf(match));
  const reachable: number[] = [];
  for (const [index, conditions] of compiled.entries()) {
    const flaw = flawOf(conditions);
    const by = flaw === undefined ? reachable.find((earlier) => coversAll(compiled[earlier]!, conditions)) : index;
    if (by === undefined) reachable.push(index);
    else found.push({ index, by, reason: flaw ?? reasonOf(rules[by]!.name, compiled[by]!, conditions) });
  }
  return found;
}

/** Why no request can satisfy all of them. */
function flawOf(conditions: readonly Condition[]): string | undefined {
  for (const [at, condition] of conditions.entries()) {
    if (condition.flaw !== undefined) return condition.flaw;
    const other = conditions
      .slice(at + 1)
      .find((later) => condition instanceof ValueCondition && condition.excludes(later));
    if (other) return `${condition.subject} cannot be both ${condition.expected} and ${other.expected}`;
  }
  return undefined;
}

/** Whether every request that satisfies all of `narrow` satisfies all of `wide`. */
function coversAll(wide: readonly Condition[], narrow: readonly Condition[]): boolean {
  for (const condition of wide) if (!coveredBy(condition, narrow)) return false;
  return true;
}

/** The condition of `narrow` that makes `wide` hold whenever it holds itself. */
function coveredBy(wide: Condition, narrow: readonly Condition[]): Condition | undefined {
  for (const condition of narrow) if (wide.covers(condition)) return condition;
  return undefined;
}

function reasonOf(name: string, wide: readonly Condition[], narrow: readonly Condition[]): string {
  if (wide.length === 0) return `route "${name}" before it takes every request`;
  const pairs = wide.map((condition) => {
    const other = coveredBy(condition, narrow)!;
    const same = condition.expected === other.expected;
    return `${condition.subject} ${condition.expected}${same ? ' is the same' : ` includes ${other.expected}`}`;
  });
  return `route "${name}" before it takes all that it could: ${pairs.join(', ')}`;
}
