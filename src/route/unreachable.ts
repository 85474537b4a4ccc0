import type { Condition } from './condition.ts';
import { conditionsOf } from './conditions.ts';
import { HostCondition } from './matchers/host.ts';
import { PathCondition } from './matchers/path.ts';
import { ValueCondition } from './matchers/value.ts';
import { type Entry, Gathered, type IndexedRoute, type RouteGroup, RouteIndex } from './route-index.ts';
import type { RouteRule } from './rule.ts';

/** A route that nothing can ever take. */
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
 * about regular expressions, goes unnoticed. A route is compared only with those before it that share its host and the
 * start of its path, so thousands take no long time. Throws as `compile` does.
 */
export function findUnreachable<F>(rules: readonly RouteRule<F>[]): Unreachable[] {
  const found: Unreachable[] = [];
  const reachable = new RouteIndex<IndexedRoute>();
  for (const [index, { match }] of rules.entries()) {
    const route = { index, conditions: conditionsOf(match) };
    const flaw = flawOf(route.conditions);
    const by = flaw === undefined ? firstCovering(route.conditions, reachable) : undefined;
    if (flaw !== undefined) found.push({ index, by: index, reason: flaw });
    else if (by === undefined) reachable.add(route);
    else {
      const reason = reasonOf(rules[by.index]!.name, by.conditions, route.conditions, 'request');
      found.push({ index, by: by.index, reason });
    }
  }
  return found;
}

/** The first route of an index that takes all that one with these conditions could. */
function firstCovering(conditions: readonly Condition[], index: RouteIndex<IndexedRoute>): IndexedRoute | undefined {
  const host = conditions.find((condition) => condition instanceof HostCondition);
  const path = conditions.find((condition) => condition instanceof PathCondition);
  const groups = new Gathered<RouteGroup<IndexedRoute>>();
  const lists = new Gathered<readonly Entry<IndexedRoute>[]>();
  // What takes all of them takes the first of its hosts and the first of its paths.
  index.collect(host?.names[0] ?? (host && `any${host.suffixes[0]}`) ?? '', groups);
  for (const group of groups.items) group.collect(path?.literals[0]?.text ?? '', lists);
  let first: IndexedRoute | undefined;
  for (const list of lists.items) {
    for (const { route } of list) {
      if (first !== undefined && route.index >= first.index) break;
      if (coversAll(route.conditions, conditions)) first = route;
    }
  }
  return first;
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

/** As much of a condition as tells which of two routes takes more. */
export interface Comparable {
  readonly subject: string;
  readonly expected: string;
  covers(other: Comparable): boolean;
}

/** Whether everything that satisfies all of `narrow` satisfies all of `wide`. */
export function coversAll(wide: readonly Comparable[], narrow: readonly Comparable[]): boolean {
  for (const condition of wide) if (!coveredBy(condition, narrow)) return false;
  return true;
}

/** The condition of `narrow` that makes `wide` hold whenever it holds itself. */
function coveredBy(wide: Comparable, narrow: readonly Comparable[]): Comparable | undefined {
  for (const condition of narrow) if (wide.covers(condition)) return condition;
  return undefined;
}

/** Why a route that covers another leaves nothing to it, in words; `what` is what the two of them take. */
export function reasonOf(
  name: string,
  wide: readonly Comparable[],
  narrow: readonly Comparable[],
  what: 'request' | 'connection',
): string {
  if (wide.length === 0) return `route "${name}" before it takes every ${what}`;
  const pairs = wide.map((condition) => {
    const other = coveredBy(condition, narrow)!;
    const same = condition.expected === other.expected;
    return `${condition.subject} ${condition.expected}${same ? ' is the same' : ` includes ${other.expected}`}`;
  });
  return `route "${name}" before it takes all that it could: ${pairs.join(', ')}`;
}
