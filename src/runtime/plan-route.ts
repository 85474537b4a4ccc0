import { Buffer } from 'node:buffer';
import type { RouteConfig } from '../config/schema.ts';
import type { HeaderEditConfig } from '../config/schema-headers.ts';
import type { HeadEditPlan } from '../http1/head-edit.ts';
import type { TracingPlan } from '../observe/trace-record.ts';
import type { RoutePlan } from '../proxy/route-site.ts';
import type { Rate } from '../support/rate.ts';

/** What holds for the fields of requests on all routes. */
export interface FieldRules {
  /** Fields that no client's request may bring. */
  readonly unforgeable: readonly string[];
  /** How requests are traced; undefined when they are not. */
  readonly tracing: TracingPlan | undefined;
}

const traceFields = ['traceparent', 'tracestate'];

/**
 * Turns a route of the config into what workers need of it; `splitNumber` is its cursor in the shared table. A route that
 * edits `traceparent` by itself has its way.
 */
export function routePlan(route: RouteConfig, splitNumber: number, { unforgeable, tracing }: FieldRules): RoutePlan {
  const { name, action, timeout, retry, rewrite, headers, fault, mirror, rateLimit } = route;
  const { set, add, remove } = headers.request;
  const edited = [...Object.keys(set), ...Object.keys(add), ...remove].map((field) => field.toLowerCase());
  const traced = tracing !== undefined && !edited.some((field) => traceFields.includes(field));
  return {
    name,
    action: action.kind === 'pool' ? { ...action, splitNumber } : action,
    timeoutMs: timeout,
    retry: {
      attempts: retry.attempts,
      onConnect: retry.on.includes('connect'),
      onReset: retry.on.includes('reset'),
      onTimeout: retry.on.includes('timeout'),
      statuses: retry.on.filter((cause) => typeof cause === 'number'),
      perTryMs: retry.perTry ?? 0,
      budget: retry.budget,
    },
    sticky: route.sticky,
    paths: route.match.path ?? [],
    rewrite: rewrite && { ...rewrite, host: rewrite.host === 'backend' ? '' : rewrite.host },
    traced,
    rateLimit: rateLimit
      ? {
          rate: { count: rateLimit.burst ?? perSecond(rateLimit.rate), intervalMs: rateLimit.rate.intervalMs },
          by: rateLimit.by,
        }
      : undefined,
    fault: fault ? { delayMs: fault.delay ?? 0, status: fault.status ?? 0, share: fault.percent } : undefined,
    mirror: mirror ? { pool: mirror.pool, share: mirror.percent } : undefined,
    headers: {
      request: editPlan(headers.request, traced ? [...unforgeable, ...traceFields] : unforgeable),
      response: editPlan(headers.response),
    },
  };
}

/** The burst unless told otherwise: what comes in a second, one at least. */
function perSecond({ intervalMs }: Rate): number {
  return Math.max(1, Math.round(1000 / intervalMs));
}

/** What is set is dropped first, wherever it comes from; texts beyond ASCII go out as the bytes of their UTF-8. */
function editPlan({ set, add, remove }: HeaderEditConfig, alsoDrop: readonly string[] = []): HeadEditPlan | undefined {
  const added = Object.entries(add).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  const lines = [...Object.entries(set), ...added].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const drop = [...alsoDrop, ...remove, ...Object.keys(set)];
  if (drop.length === 0 && lines === '') return undefined;
  return { drop, lines: Buffer.from(lines).toString('latin1') };
}
