import type { PoolConfig, RouteConfig } from '../../config/schema.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import { type AlgorithmName, algorithms } from '../../pick/algorithms.ts';
import type { Candidate } from '../../pick/balancer.ts';
import { CookieBook } from '../../proxy/sticky-cookie.ts';
import { keyReader } from '../../proxy/sticky-key.ts';

/** A backend of a pool, by their names. */
export interface Place {
  readonly pool: string;
  readonly backend: string;
}

/** What is known of the session that a request belongs to, without the sessions of a running instance. */
export interface SessionFacts {
  /** What the request says of its session; undefined when it says nothing. */
  readonly key: string | undefined;
  /** Where its cookie says that the session is. */
  readonly place: Place | undefined;
  /** Where a new session with its key begins; undefined also when more than one pool may have it. */
  readonly begins: Place | undefined;
}

/**
 * The backend that an algorithm which hashes picks for a key while every backend is well and idle; undefined when none
 * can be picked.
 */
export function backendForKey(
  { backends, balance }: PoolConfig,
  key: string,
  algorithm: AlgorithmName = balance.algorithm,
): string | undefined {
  const balancer = algorithms[algorithm].create<Candidate>({ ...balance, nextTurn: () => 0, random: () => 0 });
  const wanted = backends.filter(({ weight }) => weight > 0);
  const first = wanted.filter(({ backup }) => !backup);
  const idle = { ramp: 1, active: 0, maxActive: 0, latencyUs: 0, latencyAtLoadUs: 0 };
  balancer.update((first.length > 0 ? first : wanted).map(({ id, weight }) => ({ ...idle, id, weight })));
  return balancer.pick({ key })?.id;
}

/** Reads the session of a request, as of now; undefined where the route keeps none. */
export function sessionOf(
  route: RouteConfig,
  head: RequestHead,
  { pools, secure }: { readonly pools: Readonly<Record<string, PoolConfig>>; readonly secure: boolean },
): SessionFacts | undefined {
  const { sticky, action } = route;
  if (sticky === undefined || action.kind !== 'pool') return undefined;
  const names = action.split.map(({ pool }) => pool);
  const key = keyReader(sticky)(head);
  if (key === undefined) return { key, place: undefined, begins: undefined };
  if (sticky.kind !== 'cookie') {
    const [pool = ''] = names;
    const backend = names.length === 1 ? backendForKey(pools[pool]!, key, 'hash') : undefined;
    return { key, place: undefined, begins: backend === undefined ? undefined : { pool, backend } };
  }
  const seats = names.flatMap((name) =>
    pools[name]!.backends.map((backend) => ({ pool: { pool: { name } }, backend })),
  );
  const seat = new CookieBook({ ...sticky, secure }, seats, Date.now).read(key)?.seat;
  const place = seat && { pool: seat.pool.pool.name, backend: seat.backend.id };
  return { key, place, begins: undefined };
}
