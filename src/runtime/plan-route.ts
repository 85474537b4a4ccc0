import { Buffer } from 'node:buffer';
import type { RouteConfig } from '../config/schema.ts';
import type { HeaderEditConfig } from '../config/schema-headers.ts';
import type { HeadEditPlan } from '../http1/head-edit.ts';
import type { RoutePlan } from '../proxy/route-site.ts';

/**
 * Turns a route of the config into what workers need of it; `splitNumber` is its cursor in the shared table, `unforgeable`
 * the fields that no client's request may bring.
 */
export function routePlan(route: RouteConfig, splitNumber: number, unforgeable: readonly string[]): RoutePlan {
  const { name, action, timeout, retry, rewrite, headers } = route;
  return {
    name,
    action: action.kind === 'pool' ? { ...action, splitNumber } : action,
    timeoutMs: timeout,
    retry: {
      attempts: retry.attempts,
      onConnect: retry.on.includes('connect'),
      onReset: retry.on.includes('reset'),
    },
    paths: route.match.path ?? [],
    rewrite: rewrite && { ...rewrite, host: rewrite.host === 'backend' ? '' : rewrite.host },
    headers: { request: editPlan(headers.request, unforgeable), response: editPlan(headers.response) },
  };
}

/** What is set is dropped first, wherever it comes from; texts beyond ASCII go out as the bytes of their UTF-8. */
function editPlan({ set, add, remove }: HeaderEditConfig, alsoDrop: readonly string[] = []): HeadEditPlan | undefined {
  const added = Object.entries(add).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  const lines = [...Object.entries(set), ...added].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const drop = [...alsoDrop, ...remove, ...Object.keys(set)];
  if (drop.length === 0 && lines === '') return undefined;
  return { drop, lines: Buffer.from(lines).toString('latin1') };
}
