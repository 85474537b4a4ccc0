import type { Condition } from './condition.ts';
import { conditionsOf } from './conditions.ts';
import { type Explanation, explainRoutes } from './explain.ts';
import type { RequestFacts } from './facts.ts';
import { IndexedFinder, LinearFinder, type RouteFinder } from './finder.ts';
import { FormCondition } from './matchers/body.ts';
import { CookieCondition } from './matchers/cookie.ts';
import { QueryCondition } from './matchers/query.ts';
import type { RouteRule } from './rule.ts';
import { RequestView, type ViewNames } from './view.ts';

/** A route that was compiled, as a router hands it out: the same object every time. */
export interface Compiled<F> {
  /** Position in the file, from 0. */
  readonly index: number;
  readonly name: string;
  readonly payload: F;
}

/** Decides which route takes a request: the first in file order whose conditions all hold. */
export interface Router<F> {
  /**
   * The route, or `undefined` when none matches, and when it cannot be told safely (see path-reading.ts and
   * route-regex.ts): then nobody gets the request. Synchronous; allocates nothing unless cookies, a query or an
   * unusual path have to be parsed.
   */
  route(facts: RequestFacts): Compiled<F> | undefined;
  /** The same decision with its reasons, route by route; for people, not for the data path. */
  explain(facts: RequestFacts): Explanation;
  /** What some route wants parsed; even then it is parsed only for a request that gets that far. */
  readonly needs: { readonly cookies: boolean; readonly query: boolean };
  /**
   * When `route` gave none: how many bytes of the body have to be there before it can tell, the whole body when it is
   * smaller. 0 when it can tell now. Only a request that gets as far as a condition on its body waits for it.
   */
  readonly bodyWanted: number;
}

interface CompiledRoute<F> extends Compiled<F> {
  readonly conditions: readonly Condition[];
}

/** From so many routes on an index is quicker than asking one after the other. */
const INDEX_FROM = 8;

/**
 * Compiles routes once; `indexFrom` routes and more get an index. Throws SyntaxError on a bad regular expression and
 * TypeError on a bad CIDR range.
 */
export function compile<F>(rules: readonly RouteRule<F>[], indexFrom = INDEX_FROM): Router<F> {
  const routes = rules.map(({ name, match, payload }, index) => ({
    index,
    name,
    payload,
    conditions: conditionsOf(match),
  }));
  return new CompiledRouter(routes, routes.length < indexFrom ? new LinearFinder(routes) : new IndexedFinder(routes));
}

class CompiledRouter<F> implements Router<F> {
  readonly needs: { readonly cookies: boolean; readonly query: boolean };
  bodyWanted = 0;
  readonly #routes: readonly CompiledRoute<F>[];
  readonly #finder: RouteFinder<CompiledRoute<F>>;
  /** The first route when it takes all there is, which then costs nothing. */
  readonly #catchAll: CompiledRoute<F> | undefined;
  readonly #names: ViewNames;
  readonly #view: RequestView;

  constructor(routes: readonly CompiledRoute<F>[], finder: RouteFinder<CompiledRoute<F>>) {
    const conditions = routes.flatMap((route) => route.conditions);
    this.#routes = routes;
    this.#finder = finder;
    this.#catchAll = routes[0]?.conditions.length === 0 ? routes[0] : undefined;
    this.#names = {
      cookies: new Set(conditions.filter((one) => one instanceof CookieCondition).map(({ name }) => name)),
      query: new Set(conditions.filter((one) => one instanceof QueryCondition).map(({ name }) => name)),
      form: new Set(conditions.filter((one) => one instanceof FormCondition).map(({ name }) => name)),
    };
    this.#view = this.#newView();
    this.needs = { cookies: this.#names.cookies.size > 0, query: this.#names.query.size > 0 };
  }

  route(facts: RequestFacts): Compiled<F> | undefined {
    if (this.#catchAll) return this.#catchAll;
    const view = this.#view;
    view.begin(facts);
    let found = this.#finder.find(view);
    if (view.turnToOtherPath() && this.#finder.find(view) !== found) found = undefined;
    if (found === undefined) this.bodyWanted = view.bodyWanted;
    view.end();
    return found;
  }

  explain(facts: RequestFacts): Explanation {
    const views = { routing: this.#newView(), beyond: this.#newView() };
    views.routing.begin(facts);
    views.beyond.begin(facts);
    return explainRoutes(this.#routes, views);
  }

  #newView(): RequestView {
    return new RequestView(this.#names);
  }
}
