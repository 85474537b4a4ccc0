import type { BackendStatus, ListenerStatus, PoolStatus } from './schema.ts';

/** What a thing did so far and does now. Rates are over the last second or so, totals since the start. */
export interface Flow {
  readonly total: number;
  readonly perSecond: number;
}

/** Median and 99th percentile of the last ten seconds in ms; null when nothing was measured. */
export interface RecentLatency {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** A backend with what flows through it. */
export interface BackendTraffic extends BackendStatus {
  /** Leases taken: requests tried in L7, connections in L4. */
  readonly perSecond: number;
  /** Attempts that failed. */
  readonly failuresPerSecond: number;
  /** Answers of 500 and above that clients got from it. */
  readonly errors: Flow;
}

/** A pool with what flows through it. */
export interface PoolTraffic extends Omit<PoolStatus, 'backends'> {
  /** Leases taken, over all backends. */
  readonly leases: Flow;
  /** Attempts that failed, over all backends. */
  readonly failures: Flow;
  /** Answers of 500 and above to requests that were for this pool, Fairlead's own among them. */
  readonly errors: Flow;
  readonly retries: Flow;
  /** Times a backend was ejected, since the start. */
  readonly ejections: number;
  readonly recentMs: RecentLatency;
  readonly backends: readonly BackendTraffic[];
}

/** A route with what took it. */
export interface RouteTraffic {
  readonly name: string;
  readonly kind: ListenerStatus['routes'][number]['kind'];
  /** Requests answered in L7, connections given to a backend in L4. */
  readonly hits: Flow;
  readonly errors: Flow;
  /** Where it leads, as configured, with what went there in the last second. */
  readonly pools: readonly { readonly pool: string; readonly weight: number; readonly perSecond: number }[];
}

/** A listener with what came in through it. */
export interface ListenerTraffic extends Omit<ListenerStatus, 'routes' | 'bind' | 'total'> {
  readonly connections: Flow;
  readonly requests: Flow;
  readonly errors: Flow;
  readonly refusals: Flow;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly routes: readonly RouteTraffic[];
}

/** Everything that moves, as of one moment. */
export interface Traffic {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What the rates are over; 0 in what is told first, where they are not known yet and read 0. */
  readonly seconds: number;
  /** Number of the config in force. */
  readonly generation: number;
  readonly listeners: readonly ListenerTraffic[];
  readonly pools: readonly PoolTraffic[];
}

/** Told of the traffic once a second. */
export type TrafficListener = (traffic: Traffic) => void;
