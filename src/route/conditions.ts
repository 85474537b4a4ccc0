import type { Condition } from './condition.ts';
import { bodyCondition } from './matchers/body.ts';
import { CookieCondition } from './matchers/cookie.ts';
import { HeaderCondition } from './matchers/header.ts';
import { HostCondition } from './matchers/host.ts';
import { MethodCondition } from './matchers/method.ts';
import { PathCondition } from './matchers/path.ts';
import { QueryCondition } from './matchers/query.ts';
import { SourceCondition } from './matchers/source.ts';
import type { ValueCondition } from './matchers/value.ts';
import type { MatchConfig, NamedMatches } from './rule.ts';

/**
 * Compiles what a route wants, cheapest first, so that what must be parsed is parsed only for a request that passed
 * the rest. A condition that always holds is left out. Throws SyntaxError on a bad regular expression and TypeError on
 * a bad CIDR range: both are to be validated before.
 */
export function conditionsOf(match: MatchConfig): Condition[] {
  const conditions: Condition[] = [];
  if (match.method) conditions.push(new MethodCondition(match.method));
  if (match.host) conditions.push(new HostCondition(match.host));
  if (match.path) {
    const path = new PathCondition(match.path);
    if (!path.holdsAlways) conditions.push(path);
  }
  if (match.source) conditions.push(new SourceCondition(match.source));
  const values = [
    ...named(match.header, HeaderCondition),
    ...named(match.query, QueryCondition),
    ...named(match.cookie, CookieCondition),
  ];
  conditions.push(...values.filter((condition) => !condition.holdsAlways));
  // The body comes last, since a request has to be held for it.
  if (match.body) conditions.push(bodyCondition(match.body));
  return conditions;
}

function named(
  matches: NamedMatches | undefined,
  Kind: new (name: string, match: NamedMatches[string]) => ValueCondition,
): ValueCondition[] {
  return Object.entries(matches ?? {}).map(([name, match]) => new Kind(name, match));
}
