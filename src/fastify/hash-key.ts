import type { FastifyRequest } from 'fastify';
import type { PoolSite } from '../proxy/deps.ts';
import { hintFor } from '../proxy/http-policy.ts';

/** What `hash` and `maglev` hash of a request, as listeners have it; undefined when it has no key, or the pool needs none. */
export function hashKeyOf(request: FastifyRequest, pool: Pick<PoolSite, 'hashKey'>): string | undefined {
  const get = (name: string): string | undefined => request.headers[name]?.toString();
  return hintFor(pool, { originTarget: request.url, get }, request.ip).key;
}
