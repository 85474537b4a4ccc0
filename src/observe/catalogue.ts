import { LATENCY_CELLS } from './latency.ts';

/** What a metric is: its Prometheus type, who counts it, and the labels its series are told apart by. */
export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** 'lane': every worker counts in its own cells; 'control': the control plane knows it by itself. */
  readonly held: 'lane' | 'control';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  readonly buckets?: readonly number[];
}

/** What every metric's name starts with when it is scraped. */
export const METRIC_PREFIX = 'fairlead_';

const durationBucketsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/**
 * Every metric there is, by its name without the prefix. A label's values come from the config or from a fixed list,
 * never from what a client sent, so the number of series is bounded by the config.
 */
export const catalogue = {
  requests_total: {
    type: 'counter',
    held: 'lane',
    help: 'Requests answered, by the status code the client was sent; 499 when the client left first.',
    labels: ['listener', 'route', 'pool', 'backend', 'code'],
  },
  request_duration_seconds: {
    type: 'histogram',
    held: 'lane',
    help: 'Time from the first byte of a request to the last byte of its answer.',
    labels: ['listener', 'route'],
    buckets: durationBucketsSeconds,
  },
  connections_total: {
    type: 'counter',
    held: 'lane',
    help: 'Client connections accepted.',
    labels: ['listener'],
  },
  connections_active: {
    type: 'gauge',
    held: 'lane',
    help: 'Client connections open now.',
    labels: ['listener'],
  },
  connections_limit: {
    type: 'gauge',
    held: 'control',
    help: 'The most client connections at once that all listeners together may have, if there is such a limit.',
    labels: [],
  },
  listener_connections_limit: {
    type: 'gauge',
    held: 'control',
    help: 'The most client connections at once that the listener may have, where there is such a limit.',
    labels: ['listener'],
  },
  connections_phase: {
    type: 'gauge',
    held: 'lane',
    help: 'Connections of tcp listeners and flows of udp listeners open now, by where they stand.',
    labels: ['listener', 'phase'],
  },
  connections_ended_total: {
    type: 'counter',
    held: 'lane',
    help: 'Connections of tcp listeners and flows of udp listeners that have ended, by how.',
    labels: ['listener', 'how'],
  },
  connections_routed_total: {
    type: 'counter',
    held: 'lane',
    help: 'Connections of tcp listeners and flows of udp listeners, by the route they took.',
    labels: ['listener', 'route', 'pool'],
  },
  bytes_total: {
    type: 'counter',
    held: 'lane',
    help: 'Bytes read from clients (in) and written to them (out).',
    labels: ['listener', 'direction'],
  },
  datagrams_total: {
    type: 'counter',
    held: 'lane',
    help: 'Datagrams of udp listeners: read from clients (in) and from backends for them (out).',
    labels: ['listener', 'direction'],
  },
  backend_up: {
    type: 'gauge',
    held: 'control',
    help: '1 while the backend is healthy and not ejected, else 0.',
    labels: ['pool', 'backend'],
  },
  backend_active: {
    type: 'gauge',
    held: 'control',
    help: 'Leases held on the backend now: connections in L4, request attempts in L7.',
    labels: ['pool', 'backend'],
  },
  backend_enabled: {
    type: 'gauge',
    held: 'control',
    help: '1 while new work may go to the backend, 0 while an operator or its agent drains it or has disabled it.',
    labels: ['pool', 'backend'],
  },
  backend_connections_limit: {
    type: 'gauge',
    held: 'control',
    help: 'The most leases at once that the backend may have, where there is such a limit.',
    labels: ['pool', 'backend'],
  },
  backend_picks_total: {
    type: 'counter',
    held: 'lane',
    help: 'Times the backend was picked.',
    labels: ['pool', 'backend'],
  },
  backend_failures_total: {
    type: 'counter',
    held: 'lane',
    help: 'Attempts that the backend failed.',
    labels: ['pool', 'backend', 'reason'],
  },
  backend_connect_seconds: {
    type: 'histogram',
    held: 'lane',
    help: 'Time to open a connection to a backend.',
    labels: ['pool'],
    buckets: durationBucketsSeconds,
  },
  retries_total: {
    type: 'counter',
    held: 'lane',
    help: 'Attempts made again on another backend, by what went wrong with the one before.',
    labels: ['pool', 'reason'],
  },
  retry_budget_exhausted_total: {
    type: 'counter',
    held: 'lane',
    help: 'Requests that were not tried again because too many of the pool were all the time they waited.',
    labels: ['pool'],
  },
  queue_length: {
    type: 'gauge',
    held: 'control',
    help: 'Requests and connections that wait now for a backend of the pool to have a free place, in pools with a queue.',
    labels: ['pool'],
  },
  queue_waits_total: {
    type: 'counter',
    held: 'lane',
    help: 'Requests and connections that found every backend at its limit, by how that ended: served, timeout, left, or full when the queue had no place.',
    labels: ['pool', 'result'],
  },
  queue_wait_seconds: {
    type: 'histogram',
    held: 'lane',
    help: 'Time in the queue of a pool, however it ended.',
    labels: ['pool'],
    buckets: durationBucketsSeconds,
  },
  sticky_requests_total: {
    type: 'counter',
    held: 'lane',
    help: 'Tries of requests on sticky routes: of new sessions, of those kept on their backend, of those moved because it is gone, and those served elsewhere because it was full.',
    labels: ['listener', 'route', 'result'],
  },
  mirrors_total: {
    type: 'counter',
    held: 'lane',
    help: 'Copies of requests for another pool, by what became of them.',
    labels: ['listener', 'route', 'result'],
  },
  refusals_total: {
    type: 'counter',
    held: 'lane',
    help: 'Connections and requests that Fairlead refused by itself.',
    labels: ['listener', 'reason'],
  },
  bans_total: {
    type: 'counter',
    held: 'control',
    help: 'Sources that were banned from a listener, by what for: bad, not-found, or manual.',
    labels: ['listener', 'reason'],
  },
  bans_active: {
    type: 'gauge',
    held: 'control',
    help: 'Sources that are banned from a listener now.',
    labels: ['listener', 'reason'],
  },
  tls_handshakes_total: {
    type: 'counter',
    held: 'lane',
    help: 'TLS handshakes with clients, by how they ended: full, resumed, failed, timeout, plain-http, or aborted by the client.',
    labels: ['listener', 'result'],
  },
  certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    held: 'control',
    help: 'When a certificate of a listener expires, in seconds since 1970; the label is its file as the config names it.',
    labels: ['listener', 'certificate'],
  },
  health_transitions_total: {
    type: 'counter',
    held: 'control',
    help: 'Changes of a backend from one health to another.',
    labels: ['pool', 'backend', 'to'],
  },
  event_loop_utilization: {
    type: 'gauge',
    held: 'lane',
    help: 'Share of the last second, 0 to 1, in which a worker was not waiting for something to do.',
    labels: ['worker'],
  },
  event_loop_lag_seconds: {
    type: 'gauge',
    held: 'lane',
    help: "How long a worker takes to come to what has arrived: the 99th percentile of its event loop's turns in the last second.",
    labels: ['worker'],
  },
  overloaded: {
    type: 'gauge',
    held: 'lane',
    help: '1 while a worker refuses new work because it has more than it can do.',
    labels: ['worker'],
  },
  config_generation: {
    type: 'gauge',
    held: 'control',
    help: 'Number of the config in force: 1 at the start, one more with every reload that was applied.',
    labels: [],
  },
  config_reloads_total: {
    type: 'counter',
    held: 'control',
    help: 'Reloads that were applied, and that were rejected because the new config was bad.',
    labels: ['result'],
  },
  config_last_reload_success: {
    type: 'gauge',
    held: 'control',
    help: '1 while the config that was loaded last is in force, 0 after one that was rejected.',
    labels: [],
  },
  workers: {
    type: 'gauge',
    held: 'control',
    help: 'Data-plane threads that are running.',
    labels: [],
  },
  worker_restarts_total: {
    type: 'counter',
    held: 'control',
    help: 'Times a worker that had died was replaced.',
    labels: ['worker'],
  },
  build_info: {
    type: 'gauge',
    held: 'control',
    help: 'Always 1; the labels tell the versions of Fairlead and of Node.',
    labels: ['version', 'node'],
  },
} as const satisfies Record<string, MetricEntry>;

type Catalogue = typeof catalogue;

/** The name of a metric, without the prefix. */
export type MetricName = keyof Catalogue;

/** What workers keep cells for: the metrics they count, and each backend's latency, which is not exported as it is. */
export type MeterName =
  | { [N in MetricName]: Catalogue[N]['held'] extends 'lane' ? N : never }[MetricName]
  | 'backend_latency';

/** The names of the metrics of one type that workers count. */
export type LaneMetric<T extends MetricEntry['type']> = {
  [N in MetricName]: Catalogue[N] extends { readonly type: T; readonly held: 'lane' } ? N : never;
}[MetricName];

/** The labels that a series of metric `N` must have, all of them. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Catalogue[N]['labels'][number], string>>;

/** How one meter lies in a lane: its labels in the order of the catalogue, and the number of cells of one series. */
export interface MeterShape {
  readonly name: MeterName;
  readonly type: MetricEntry['type'] | 'latency';
  readonly labels: readonly string[];
  readonly width: number;
  /** Upper bounds of a histogram's buckets; none for anything else. */
  readonly buckets: readonly number[];
}

/**
 * Every meter of the workers, in a fixed order. A histogram is its buckets, then one for what exceeds them all, then
 * the sum; their count is not kept, because it is the sum of the buckets.
 */
export const meterShapes: readonly MeterShape[] = [
  ...Object.entries(catalogue as Record<MetricName, MetricEntry>)
    .filter(([, entry]) => entry.held === 'lane')
    .map(([name, { type, labels, buckets = [] }]) => ({
      name: name as MeterName,
      type,
      labels,
      width: type === 'histogram' ? buckets.length + 2 : 1,
      buckets,
    })),
  { name: 'backend_latency', type: 'latency', labels: ['pool', 'backend'], width: LATENCY_CELLS, buckets: [] },
];
