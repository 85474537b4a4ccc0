import { type HeadEdit, type HeadEditPlan, joinedEdit } from '../http1/head-edit.ts';
import type { Histogram, Meters } from '../observe/meters.ts';
import type { Backend } from '../pool/backend.ts';
import { type PathRewrite, redirectLocation, type TargetRewrite, targetRewrite } from '../route/rewrite.ts';
import type { PoolSite } from './deps.ts';
import { Fault, type FaultPlan } from './fault.ts';
import type { RateLimit, RateLimitPlan } from './rate-limit.ts';
import type { RetryPlan } from './retry.ts';
import type { Sticky, StickyPlan } from './sticky.ts';

/** A share of a route's requests for one pool. */
export interface SplitShare {
  readonly pool: string;
  readonly weight: number;
}

/** What a route does with a request: plain data, sent from the control plane. */
export type RouteAction =
  | { readonly kind: 'pool'; readonly split: readonly SplitShare[]; readonly splitNumber: number }
  | { readonly kind: 'redirect'; readonly to: string; readonly status: number; readonly keepQuery?: boolean }
  | { readonly kind: 'respond'; readonly status: number; readonly body: string };

/** What a worker must know of a route besides its match: plain data, sent from the control plane. */
export interface RoutePlan {
  readonly name: string;
  readonly action: RouteAction;
  readonly timeoutMs: number;
  readonly retry: RetryPlan;
  /** How it keeps sessions on their backends, if it does. */
  readonly sticky?: StickyPlan | undefined;
  /** The path patterns of its match: what a regular expression among them captures, rewrites and redirects can use. */
  readonly paths: readonly string[];
  /** Requests carry the trace context that Fairlead makes of what they came with; the client's own is dropped. */
  readonly traced?: boolean;
  /** How often one source, or one value of a header or cookie, may ask; undefined for no limit. */
  readonly rateLimit?: RateLimitPlan | undefined;
  /** What is done to some requests on purpose; undefined for nothing. */
  readonly fault?: FaultPlan | undefined;
  /** Where copies of some requests go. */
  readonly mirror?: { readonly pool: string; readonly share: number } | undefined;
  /** How the target changes; host: a name, or '' for that of the backend. */
  readonly rewrite?: (PathRewrite & { readonly host?: string | undefined }) | undefined;
  /** What changes in the heads of requests, and of answers. */
  readonly headers: { readonly request?: HeadEditPlan | undefined; readonly response?: HeadEditPlan | undefined };
}

/** How a route comes to a backend. */
export interface RouteLeads {
  readonly choosePool: () => PoolSite | undefined;
  readonly sticky?: Sticky | undefined;
  readonly rateLimit?: RateLimit | undefined;
}

/** Of a route that answers by itself. */
export const NOT_TO_A_POOL: RouteLeads = { choosePool: () => undefined };

/** Stands for "no pool" and "no backend" where requests are counted. */
const NOWHERE = {};

/** A route in one worker, with what is counted of it. */
export class RouteSite {
  readonly plan: RoutePlan;
  /** What changes in the heads of requests to backends; `undefined` when nothing does. */
  readonly requestEdit: HeadEdit | undefined;
  /** What changes in the heads of answers to clients; `undefined` when nothing does. */
  readonly answerEdit: HeadEdit | undefined;
  /** How targets and Host fields change; `undefined` when they stay. */
  readonly rewrite: { readonly target: TargetRewrite | undefined; readonly host: string | undefined } | undefined;
  /** Gives the pool for the next request; undefined for a route that answers by itself. */
  readonly choosePool: () => PoolSite | undefined;
  /** The sessions of the route; `undefined` when it keeps none. */
  readonly sticky: Sticky | undefined;
  /** Where a redirect leads. */
  readonly location: TargetRewrite | undefined;
  readonly fault: Fault | undefined;
  /** Statuses of answers that lead to another try; `undefined` for none. */
  readonly unwanted: ReadonlySet<number> | undefined;
  /** For one try, in ms; 0 for no limit of its own. */
  readonly perTryMs: number;
  /** Undefined when the route has none. */
  readonly rateLimit: RateLimit | undefined;
  readonly #meters: Meters;
  readonly #listener: string;
  /** Claimed by the first request, since there may be thousands of routes that nobody asks for. */
  #duration: Histogram | undefined;
  /** Cells of `requests_total` by who answered and by status. */
  readonly #requests = new Map<object, Map<number, number>>();
  /** When these cells were asked for: see `Meters.releases`. */
  #releases: number;

  constructor(meters: Meters, listener: string, plan: RoutePlan, leads: RouteLeads = NOT_TO_A_POOL) {
    this.plan = plan;
    this.choosePool = leads.choosePool;
    this.sticky = leads.sticky;
    this.rateLimit = leads.rateLimit;
    // Whatever else changes fields on a listener (TLS, tracing) is joined here, so that a request meets one edit at most.
    this.requestEdit = joinedEdit(plan.headers.request);
    this.answerEdit = joinedEdit(plan.headers.response);
    const { action, paths, rewrite } = plan;
    const target = rewrite && targetRewrite(rewrite, paths);
    this.rewrite = target || rewrite?.host !== undefined ? { target, host: rewrite?.host } : undefined;
    this.location = action.kind === 'redirect' ? redirectLocation(action, paths) : undefined;
    this.fault = plan.fault && new Fault(plan.fault, Math.random);
    const { statuses = [], perTryMs = 0 } = plan.retry;
    this.perTryMs = perTryMs;
    this.unwanted = statuses.length > 0 ? new Set(statuses) : undefined;
    this.#meters = meters;
    this.#releases = meters.releases;
    this.#listener = listener;
  }

  /** One request was answered with `status`; by a backend, or by Fairlead for want of one. */
  count(status: number, durationMs: number, pool: PoolSite | undefined, backend: Backend | undefined): void {
    if (this.#releases !== this.#meters.releases) {
      this.#releases = this.#meters.releases;
      this.#requests.clear();
    }
    const who = backend ?? pool ?? NOWHERE;
    let byStatus = this.#requests.get(who);
    if (byStatus === undefined) {
      byStatus = new Map();
      this.#requests.set(who, byStatus);
    }
    let cell = byStatus.get(status);
    if (cell === undefined) {
      cell = this.#meters.counter('requests_total', {
        listener: this.#listener,
        route: this.plan.name,
        pool: pool?.pool.name ?? '',
        backend: backend?.id ?? '',
        code: String(status),
      });
      byStatus.set(status, cell);
    }
    this.#meters.cells[cell]! += 1;
    this.#duration ??= this.#meters.histogram('request_duration_seconds', {
      listener: this.#listener,
      route: this.plan.name,
    });
    this.#duration.observe(durationMs / 1000);
  }
}
