import type { Condition } from './condition.ts';
import { readPath } from './path-reading.ts';
import type { RequestView } from './view.ts';

/** A condition that did not hold. */
export interface Failure {
  /** What it looks at: `host`, `header x-tier`. */
  readonly condition: string;
  /** What it wants, in words. */
  readonly expected: string;
  /** What the request has, in words. */
  readonly got: string;
}

/** How one route took the request. */
export interface RouteStep {
  /** Position in the file, from 0. */
  readonly index: number;
  readonly name: string;
  /** `undecided`: it could not be told, and the request goes nowhere; `not-reached`: another came first. */
  readonly outcome: 'matched' | 'failed' | 'undecided' | 'not-reached';
  /** All conditions that did not hold, not only the first; empty for any other outcome. */
  readonly failures: readonly Failure[];
}

/** What became of a request, route by route. */
export interface Explanation {
  /** The route that takes it; `undefined` when none does. */
  readonly route: { readonly index: number; readonly name: string } | undefined;
  /** Why it is taken by no route although one might match: it could not be decided safely. */
  readonly refusal: string | undefined;
  /** Every route in file order, for the path in its normal form. */
  readonly steps: readonly RouteStep[];
}

/** A route as far as explaining goes. */
export interface ExplainedRoute {
  readonly index: number;
  readonly name: string;
  readonly conditions: readonly Condition[];
}

/** Two views that have begun on the same request. */
export interface ExplainViews {
  /** Is asked just what routing asks. */
  readonly routing: RequestView;
  /** Is asked what routing, which stops at the first condition that fails, never gets to; its doubts count for nothing. */
  readonly beyond: RequestView;
}

/** Plays the routes on a request; gives the same answer as routing does, with its reasons. */
export function explainRoutes(routes: readonly ExplainedRoute[], views: ExplainViews): Explanation {
  const { routing } = views;
  const steps = stepsOf(routes, views);
  const route = matchedOf(steps);
  if (routing.doubt !== '') return { route: undefined, refusal: routing.doubt, steps };
  if (!routing.turnToOtherPath()) return { route, refusal: undefined, steps };
  const other = matchedOf(stepsOf(routes, views));
  if (routing.doubt !== '') return { route: undefined, refusal: routing.doubt, steps };
  if (route?.index === other?.index) return { route, refusal: undefined, steps };
  const refusal =
    `a backend may read its path as ${readPath(routing.facts.path).normal}, which takes ${inWords(route)}, ` +
    `or as ${routing.path}, which takes ${inWords(other)}`;
  return { route: undefined, refusal, steps };
}

function stepsOf(routes: readonly ExplainedRoute[], views: ExplainViews): RouteStep[] {
  let open = true;
  return routes.map(({ index, name, conditions }) => {
    if (!open) return { index, name, outcome: 'not-reached', failures: [] };
    const failures = failuresOf(conditions, views);
    open = failures.length > 0;
    if (views.routing.doubt !== '') return { index, name, outcome: 'undecided', failures: [] };
    return { index, name, outcome: open ? 'failed' : 'matched', failures };
  });
}

/** Empty when all hold, and when the routing view is left in doubt. */
function failuresOf(conditions: readonly Condition[], views: ExplainViews): Failure[] {
  const first = conditions.findIndex((condition) => !condition.holds(views.routing) || views.routing.doubt !== '');
  if (first < 0 || views.routing.doubt !== '') return [];
  const [failed, ...rest] = conditions.slice(first);
  return [
    failureOf(failed!, views.routing),
    ...rest
      .filter((condition) => !condition.holds(views.beyond))
      .map((condition) => failureOf(condition, views.beyond)),
  ];
}

function failureOf(condition: Condition, view: RequestView): Failure {
  return { condition: condition.subject, expected: condition.expected, got: condition.got(view) };
}

function matchedOf(steps: readonly RouteStep[]): { index: number; name: string } | undefined {
  const step = steps.find(({ outcome }) => outcome === 'matched');
  return step && { index: step.index, name: step.name };
}

function inWords(route: { name: string } | undefined): string {
  return route ? `route "${route.name}"` : 'no route';
}
