import type { BindTarget } from '../accept/listen.ts';
import type { Config } from '../config/schema.ts';
import type { AccessBatch } from '../observe/access-log.ts';
import type { Claim, MeterMemory } from '../observe/meters.ts';
import type { TracingPlan } from '../observe/trace-record.ts';
import type { BanMemory } from '../pool/ban-table.ts';
import type { LimitMemory } from '../pool/limit-table.ts';
import type { PoolPlan, Trouble } from '../pool/pool.ts';
import type { TableSize } from '../pool/table.ts';
import type { ConnectionsShown, ConnectionsWanted } from '../proxy/connection-view.ts';
import type { ConnectPlan, HashKey } from '../proxy/deps.ts';
import type { HttpListenerPlan } from '../proxy/http-site.ts';
import type { NewBan } from '../proxy/source-guard.ts';
import type { TcpListenerPlan } from '../proxy/tcp-site.ts';
import type { UdpListenerPlan } from '../proxy/udp-site.ts';
import type { RingRecord } from '../support/ring-record.ts';

/** One socket of a listener. */
export interface BindPlan {
  /** Tells it from all others over reloads: a bind that stays keeps its socket. */
  readonly key: string;
  readonly listener: string;
  readonly to: BindTarget;
  /** A UDP socket. */
  readonly isUdp: boolean;
  /** Several sockets can be on its port: not on Unix paths, nor on platforms without reusePort. */
  readonly shared: boolean;
}

/** A pool with how its backends are connected to. */
export interface PoolSitePlan {
  readonly pool: PoolPlan;
  readonly connect: ConnectPlan;
  readonly hashKey: HashKey | undefined;
}

/** One generation of the config as a worker needs it: plain data. */
export interface WorkerPlan {
  readonly generation: number;
  readonly pools: readonly PoolSitePlan[];
  /** By `backendName`, those of the pools and those that have left within the last minute: what was counted of others may go. */
  readonly countedBackends: readonly string[];
  readonly listeners: readonly (HttpListenerPlan | TcpListenerPlan | UdpListenerPlan)[];
  readonly binds: readonly BindPlan[];
  /** Client connections over all workers, 0 for no limit. */
  readonly maxConnections: number;
  /** Whether connections may use io_uring. */
  readonly ioUring: Config['ioUring'];
  /** Share of requests that are logged; 0 when the access log is off. */
  readonly accessSample: number;
  /** Undefined when no exporter of spans is configured; the same in all plans of a process. */
  readonly tracing: TracingPlan | undefined;
  /** How often deadlines are looked at, in ms. */
  readonly tickMs: number;
}

/** What a worker is started with. */
export interface WorkerSeed {
  readonly lane: number;
  readonly table: { readonly memory: SharedArrayBuffer; readonly size: TableSize };
  readonly meters: MeterMemory;
  /** Where the sessions of sticky routes are, for a SessionTable. */
  readonly sessions: SharedArrayBuffer;
  /** Where sources and the keys of rate limits are counted, for LimitTables, and who is banned. */
  readonly limits: { readonly sources: LimitMemory; readonly rates: LimitMemory; readonly bans: BanMemory };
  /** One count per worker, an Int32 each, which goes on as long as its event loop does. */
  readonly beats: SharedArrayBuffer;
  /** What the worker's ring of io_uring holds, for `freeRing`. */
  readonly ring: RingRecord;
  /** Series that a former worker of this lane has announced. */
  readonly claims: readonly Claim[];
}

/** From the control plane to a worker. A new plan is prepared, which may fail and changes nothing, and then committed. */
export type ToWorker =
  | { readonly type: 'prepare'; readonly plan: WorkerPlan }
  | { readonly type: 'commit'; readonly generation: number }
  | { readonly type: 'rollback'; readonly generation: number }
  /** Cells that the worker had given up have been read for the last time. */
  | { readonly type: 'reuse'; readonly cells: readonly number[] }
  | { readonly type: 'access-taken' }
  | { readonly type: 'spans-taken' }
  | { readonly type: 'show-connections'; readonly ask: number; readonly wanted: ConnectionsWanted }
  | { readonly type: 'cut-source'; readonly listener: string; readonly network: string }
  | { readonly type: 'drain' }
  | { readonly type: 'cut' };

/** From a worker to the control plane. */
export type FromWorker =
  | { readonly type: 'prepared'; readonly generation: number; readonly ports: readonly (readonly [string, number])[] }
  | { readonly type: 'prepare-failed'; readonly generation: number; readonly error: string }
  | { readonly type: 'committed'; readonly generation: number }
  | { readonly type: 'trouble'; readonly pool: string; readonly trouble: Trouble }
  | { readonly type: 'claim'; readonly claim: Claim }
  /** Cells that the worker counts in no more, by where they start. */
  | { readonly type: 'released'; readonly cells: readonly number[] }
  | { readonly type: 'access'; readonly batch: AccessBatch }
  | { readonly type: 'spans'; readonly batch: AccessBatch }
  | { readonly type: 'tls-failure'; readonly pool: string; readonly name: string; readonly cause: string }
  | { readonly type: 'listener-error'; readonly listener: string; readonly what: string; readonly error: string }
  | { readonly type: 'banned'; readonly ban: NewBan }
  /** Connections use io_uring from now on, as was set; `obstacle` says why they cannot. */
  | { readonly type: 'io-uring'; readonly set: true | 'auto'; readonly obstacle: string | undefined }
  | { readonly type: 'overload'; readonly shedding: boolean }
  | { readonly type: 'connections'; readonly ask: number; readonly shown: ConnectionsShown }
  | { readonly type: 'drained' };
