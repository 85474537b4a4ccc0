import type { Condition } from './condition.ts';
import { HostCondition } from './matchers/host.ts';
import { PathCondition } from './matchers/path.ts';

/** A route as far as an index goes. */
export interface IndexedRoute {
  /** Position in the file, from 0. */
  readonly index: number;
  readonly conditions: readonly Condition[];
}

/** A route in one place of an index. */
export interface Entry<R> {
  readonly index: number;
  readonly route: R;
  /** Its conditions that are not certain to hold for what is found in that place. */
  readonly open: readonly Condition[];
}

/** A list that is emptied for each request without giving its memory back. */
export class Gathered<T> {
  readonly items: T[] = [];
  count = 0;

  add(item: T): void {
    if (this.count === this.items.length) this.items.push(item);
    else this.items[this.count] = item;
    this.count++;
  }
}

/** More places than this one route does not get: then it is found by its hosts alone, or asked by every request. */
const MOST_PLACES = 4096;

const SLASH = 47;
const DOT = 46;

/** Most routes have nothing left to ask, and share this. */
const nothing: readonly Condition[] = [];

/** Routes below one segment of a path. There may be many, so it has only what it needs: what is small stays in the caches. */
class Segment<R> {
  /** Routes for the path that ends here. */
  exact: Entry<R>[] | undefined;
  /** Routes for the path that ends here and all paths below. */
  within: Entry<R>[] | undefined;
  below: Map<string, Segment<R>> | undefined;
}

/** The routes of one host, or of every host, by what their paths literally begin with. Each list is in file order. */
export class RouteGroup<R extends IndexedRoute> {
  /** Every one of them, with all of its conditions but the host. */
  readonly all: Entry<R>[] = [];
  /** Those that any path may meet. */
  readonly anywhere: Entry<R>[] = [];
  /** The others, by the first segment of their paths; undefined when there are none. */
  #below: Map<string, Segment<R>> | undefined;
  /** Those whose path does not begin with a slash, as only the `*` of OPTIONS does not. */
  #odd: Map<string, Entry<R>[]> | undefined;

  /** True when some of them are found by the path. */
  get literal(): boolean {
    return this.#below !== undefined;
  }

  /** Adds a route; `open` are its conditions that are not certain for this host. */
  add(route: R, open: readonly Condition[]): void {
    const { index } = route;
    const entry = { index, route, open: open.length === 0 ? nothing : open };
    const path = open.find((condition) => condition instanceof PathCondition);
    const places = path?.literals;
    this.all.push(entry);
    if (places === undefined || places.length === 0 || places.length > MOST_PLACES) {
      this.anywhere.push(entry);
      return;
    }
    const rest = open.filter((condition) => condition !== path);
    const sure = { index, route, open: rest.length === 0 ? nothing : rest };
    for (const { text, kind, certain } of places) {
      if (text === '' && kind === 'within') this.anywhere.push(entry);
      else this.#listAt(text, kind).push(certain ? sure : entry);
    }
  }

  #listAt(path: string, kind: 'exact' | 'within'): Entry<R>[] {
    this.#below ??= new Map();
    if (path.charCodeAt(0) !== SLASH) {
      this.#odd ??= new Map();
      return had(this.#odd, path, () => []);
    }
    const [first = '', ...names] = path.slice(1).split('/');
    let segment = had(this.#below, first, () => new Segment());
    for (const name of names) {
      segment.below ??= new Map();
      segment = had(segment.below, name, () => new Segment());
    }
    segment[kind] ??= [];
    return segment[kind];
  }

  /** Adds the lists of routes whose path conditions may hold for this path; it goes no deeper than routes do. */
  collect(path: string, lists: Gathered<readonly Entry<R>[]>): void {
    if (this.anywhere.length > 0) lists.add(this.anywhere);
    if (path.charCodeAt(0) !== SLASH) {
      const odd = this.#odd?.get(path);
      if (odd !== undefined) lists.add(odd);
      return;
    }
    let below = this.#below;
    for (let start = 1; below !== undefined; ) {
      const slash = path.indexOf('/', start);
      const next: Segment<R> | undefined = below.get(slash < 0 ? path.slice(start) : path.slice(start, slash));
      if (next === undefined) return;
      if (next.within !== undefined) lists.add(next.within);
      if (slash < 0 && next.exact !== undefined) lists.add(next.exact);
      if (slash < 0) return;
      below = next.below;
      start = slash + 1;
    }
  }
}

/**
 * Routes by their hosts and by what their paths literally begin with: together, the groups for a host and the lists of
 * these for a path have every route whose host and path conditions may hold. Routes are added in file order.
 */
export class RouteIndex<R extends IndexedRoute> {
  readonly #anyHost = new RouteGroup<R>();
  readonly #names = new Map<string, RouteGroup<R>>();
  /** By the suffix with its leading dot. */
  readonly #suffixes = new Map<string, RouteGroup<R>>();

  add(route: R): void {
    const { conditions } = route;
    const host = conditions.find((condition) => condition instanceof HostCondition);
    if (host === undefined || host.names.length + host.suffixes.length > MOST_PLACES) {
      this.#anyHost.add(route, conditions);
      return;
    }
    const open = conditions.filter((condition) => condition !== host);
    for (const name of host.names) had(this.#names, name, () => new RouteGroup()).add(route, open);
    for (const suffix of new Set(host.suffixes)) had(this.#suffixes, suffix, () => new RouteGroup()).add(route, open);
  }

  /** Adds the groups of routes that a host name may meet: at most one for each of its labels, and one for every host. */
  collect(host: string, groups: Gathered<RouteGroup<R>>): void {
    if (this.#anyHost.all.length > 0) groups.add(this.#anyHost);
    if (host === '') return;
    // Looking up a text that was just cut out of a head costs its hash, so an empty map is not even asked.
    const named = this.#names.size > 0 ? this.#names.get(host) : undefined;
    if (named !== undefined) groups.add(named);
    if (this.#suffixes.size > 0 && host.charCodeAt(0) !== DOT) this.#collectBelow(host, groups);
  }

  #collectBelow(host: string, groups: Gathered<RouteGroup<R>>): void {
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const below = this.#suffixes.get(host.slice(dot));
      if (below !== undefined) groups.add(below);
    }
  }
}

function had<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
