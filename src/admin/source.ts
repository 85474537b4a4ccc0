import type { BanBoard } from './bans.ts';
import type { BackendChange, Changed, ChangedBy } from './changes.ts';
import type { Reloaded, ShownConfig } from './config-schema.ts';
import type { EventStreams } from './event-stream.ts';
import type { ExplainRequest, Explanation } from './explain-schema.ts';
import type {
  BanStatus,
  Connections,
  ListenerStatus,
  PoolStatus,
  Readiness,
  Status,
  TrafficHistory,
} from './schema.ts';

/** Which connections are wanted. */
export interface ConnectionsWanted {
  /** At most so many open ones, and so many that have ended. */
  readonly limit: number;
  /** Open ones that are left out before them. */
  readonly offset: number;
  /** Undefined for all. */
  readonly listener: string | undefined;
  readonly protocol: 'http' | 'tcp' | 'udp' | undefined;
}

/**
 * What the admin server shows. Every call is one request's, must be quick, and gives the state of that moment; what is
 * given is not kept.
 */
export interface AdminSource {
  /** The process, its workers and listeners. */
  status(): Status;
  /** Every listener, in the order of the config. */
  listeners(): ListenerStatus[];
  /** Every pool, in the order of the config. */
  pools(): PoolStatus[];
  /** One pool; undefined when there is none of that name. */
  pool(name: string): PoolStatus | undefined;
  /** Changes a pool, or says why not; changes are made one after another. */
  change(change: BackendChange, by: ChangedBy): Promise<Changed>;
  /** The config in force, without its secrets. */
  config(): ShownConfig;
  /** Loads the config again from where it came from; undefined when that cannot be done. */
  reload(): Promise<Reloaded | undefined>;
  /** What would become of a request, and why; or why it is none that could be asked about. */
  explain(
    request: ExplainRequest,
  ): { readonly ok: true; readonly explanation: Explanation } | { readonly ok: false; readonly problem: string };
  /** Connections and flows, a part of them. */
  connections(wanted: ConnectionsWanted): Promise<Connections>;
  /** What happens, as it happens. */
  readonly events: EventStreams;
  /** Who is banned from which listener. */
  readonly bans: BanBoard<BanStatus>;
  /** The last ten minutes of a pool, as far as somebody was listening to the traffic. */
  trafficHistory(pool: string): TrafficHistory;
  /** Ready when every listener is open and every pool has a healthy backend. */
  readiness(): Readiness;
  /** All metrics in Prometheus' text format. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
}
