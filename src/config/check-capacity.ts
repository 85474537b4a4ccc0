import type { Finding, Path } from './problem.ts';
import { entriesOf, get, itemsOf } from './raw.ts';

/**
 * How many of each a config may have. The tables that all workers share have a fixed size and hold the old config
 * beside the new one while it drains, so these are half of what fits.
 */
export const capacity = { listeners: 128, pools: 512, backends: 2048, routes: 16_384, splits: 2048 } as const;

/** Finds what there is too much of. */
export function capacityFindings(root: unknown): Finding[] {
  const listeners = entriesOf(get(root, 'listeners'));
  const pools = entriesOf(get(root, 'pools'));
  const routes = listeners.flatMap(([, listener]) => itemsOf(get(listener, 'routes')).map(([, route]) => route));
  const splits = routes.filter((route) => itemsOf(get(route, 'split')).length > 1);
  const backends = pools.reduce((sum, [, pool]) => sum + itemsOf(get(pool, 'backends')).length, 0);
  return [
    ...over(['listeners'], 'listeners', listeners.length),
    ...over(['listeners'], 'routes', routes.length),
    ...over(['listeners'], 'splits', splits.length),
    ...over(['pools'], 'pools', pools.length),
    ...over(['pools'], 'backends', backends),
  ];
}

function over(path: Path, what: keyof typeof capacity, count: number): Finding[] {
  return count > capacity[what]
    ? [{ path, message: `${count} ${what} in all, expected at most ${capacity[what]}` }]
    : [];
}
