import type { Condition } from './condition.ts';
import { type Entry, Gathered, type IndexedRoute, type RouteGroup, RouteIndex } from './route-index.ts';
import { MAX_REGEX_INPUT } from './route-regex.ts';
import type { RequestView } from './view.ts';

/** Finds the first route in file order whose conditions all hold; none when one before it leaves the view in doubt. */
export interface RouteFinder<R> {
  find(view: RequestView): R | undefined;
}

/** Asks one route after the other: the quickest way for a few routes, and the meaning of all other ways. */
export class LinearFinder<R extends IndexedRoute> implements RouteFinder<R> {
  readonly #routes: readonly R[];

  constructor(routes: readonly R[]) {
    this.#routes = routes;
  }

  find(view: RequestView): R | undefined {
    for (const route of this.#routes) {
      const matched = allHold(route.conditions, view);
      if (view.doubt !== '') return undefined;
      if (matched) return route;
    }
    return undefined;
  }
}

/**
 * Asks only the routes that the request's host and path may meet, in file order, so that what a request costs hardly
 * depends on how many routes there are. It finds what `LinearFinder` finds.
 */
export class IndexedFinder<R extends IndexedRoute> implements RouteFinder<R> {
  readonly #index = new RouteIndex<R>();
  // Finding never waits, so one set of lists serves all requests.
  readonly #groups = new Gathered<RouteGroup<R>>();
  readonly #lists = new Gathered<readonly Entry<R>[]>();
  readonly #places: number[] = [];

  constructor(routes: readonly R[]) {
    for (const route of routes) this.#index.add(route);
  }

  find(view: RequestView): R | undefined {
    const groups = this.#groups;
    const lists = this.#lists;
    groups.count = 0;
    lists.count = 0;
    this.#index.collect(view.host, groups);
    for (let i = 0; i < groups.count; i++) this.#collect(groups.items[i]!, view);
    return lists.count === 1 ? this.#firstOf(lists.items[0]!, view) : this.#firstOfAll(view);
  }

  #collect(group: RouteGroup<R>, view: RequestView): void {
    if (!group.literal) return this.#lists.add(group.anywhere);
    const path = view.knownPath;
    // Which routes a doubtful path may meet cannot be told, nor which expressions a long one: then all are asked.
    if (view.pathDoubt !== '' || path.length > MAX_REGEX_INPUT) this.#lists.add(group.all);
    else group.collect(path, this.#lists);
  }

  #firstOf(list: readonly Entry<R>[], view: RequestView): R | undefined {
    for (const { open, route } of list) {
      const matched = allHold(open, view);
      if (view.doubt !== '') return undefined;
      if (matched) return route;
    }
    return undefined;
  }

  /** The first match in several lists; a route that is in more than one of them may be asked again, to the same effect. */
  #firstOfAll(view: RequestView): R | undefined {
    const { items, count } = this.#lists;
    const places = this.#places;
    for (let i = 0; i < count; i++) places[i] = 0;
    for (;;) {
      let first: Entry<R> | undefined;
      let from = 0;
      for (let i = 0; i < count; i++) {
        const list = items[i]!;
        const place = places[i]!;
        if (place === list.length) continue;
        const entry = list[place]!;
        if (first !== undefined && first.index <= entry.index) continue;
        first = entry;
        from = i;
      }
      if (first === undefined) return undefined;
      places[from]!++;
      const matched = allHold(first.open, view);
      if (view.doubt !== '') return undefined;
      if (matched) return first.route;
    }
  }
}

function allHold(conditions: readonly Condition[], view: RequestView): boolean {
  for (const condition of conditions) if (!condition.holds(view)) return false;
  return true;
}
