import type { Explanation } from '../../admin/explain-schema.ts';
import type { PoolConfig } from '../../config/schema.ts';
import { keyedAlgorithms } from '../../config/schema-pool.ts';
import { formatAddress } from '../../support/address.ts';
import { cidrSet } from '../../support/cidr.ts';
import { backendForKey, type Place } from './determined.ts';

/** What one listener makes of a request. */
export type Found = Pick<
  Explanation,
  'outcome' | 'source' | 'route' | 'refusal' | 'action' | 'steps' | 'changes' | 'settings' | 'backendHead'
> & {
  readonly notes: readonly string[];
  /** The backend that the request itself decides on. */
  readonly determined: Place | undefined;
};

/** Nothing found yet: what the fields are until something is. */
export function nothingFound(source: string): Found {
  return {
    outcome: 'no-route',
    source,
    route: null,
    refusal: null,
    action: null,
    steps: [],
    changes: [],
    settings: [],
    notes: [],
    backendHead: null,
    determined: undefined,
  };
}

/** Why `allow` and `deny` keep a client out, in words; undefined when they do not. */
export function forbidding(
  { allow, deny }: { readonly allow: readonly string[]; readonly deny: readonly string[] },
  source: string,
): string | undefined {
  const denied = deny.find((range) => cidrSet([range]).has(source));
  if (denied !== undefined) return `${source} is in ${denied}, which \`deny\` of the listener keeps out`;
  if (allow.length === 0 || cidrSet(allow).has(source)) return undefined;
  return `${source} is in none of ${allow.join(', ')}, and \`allow\` of the listener lets in no other`;
}

/** A pool of a route; `share` of the route's requests go to it, and `key` is what its algorithm would hash. */
export function poolShare(
  name: string,
  pool: PoolConfig,
  { share, key }: { readonly share: number; readonly key: string | undefined },
): NonNullable<Explanation['action']>['pools'][number] {
  const { algorithm } = pool.balance;
  const hashed = keyedAlgorithms.some((keyed) => keyed === algorithm) ? key : undefined;
  return {
    pool: name,
    share,
    algorithm,
    key: hashed ?? null,
    backend: hashed === undefined ? null : (backendForKey(pool, hashed) ?? null),
    backends: pool.backends.map(({ id, address, weight, backup }) => ({
      id,
      address: formatAddress(address),
      weight,
      backup,
    })),
  };
}

/** The backend that the key of a pool leads to, where nothing else has a say: where one pool takes all. */
export function determinedBy(pools: NonNullable<Explanation['action']>['pools']): Place | undefined {
  const [only] = pools;
  if (pools.length !== 1 || only === undefined || only.backend === null) return undefined;
  return { pool: only.pool, backend: only.backend };
}
