import type { Dialler } from '../connect/dialler.ts';
import type { ProxyVersion } from '../connect/proxy-header.ts';
import type { AccessBuffer } from '../observe/access-log.ts';
import type { Meters } from '../observe/meters.ts';
import type { Backend } from '../pool/backend.ts';
import type { BanTable } from '../pool/ban-table.ts';
import type { LimitTable } from '../pool/limit-table.ts';
import type { Pool } from '../pool/pool.ts';
import type { SessionTable } from '../pool/session-table.ts';
import type { SharedTable } from '../pool/table.ts';
import type { Deadlines } from '../support/deadlines.ts';
import type { FileRoom } from '../support/file-room.ts';
import type { ConnectTlsPlan } from '../support/tls-client.ts';
import type { PoolMeters } from './pool-meters.ts';
import type { Pressure } from './pressure.ts';
import type { RequestTracer } from './request-trace.ts';
import type { NewBan } from './source-guard.ts';

/** What every proxy of a worker works with. */
export interface ProxyDeps {
  readonly table: SharedTable;
  readonly lane: number;
  readonly deadlines: Deadlines;
  readonly meters: Meters;
  /** Where the sessions of sticky routes are. */
  readonly sessions: SessionTable;
  /** Where the connections of sources are counted. */
  readonly sources: LimitTable;
  /** Where the keys of rate limits are. */
  readonly rates: LimitTable;
  /** Who is banned from which listener. */
  readonly bans: BanTable;
  /** Tells that a source was banned. */
  onBan(ban: NewBan): void;
  /** Whether new work is to be refused. */
  readonly pressure: Pressure;
  /** Whether there are descriptors for new clients. */
  readonly files: FileRoom;
  /** Settings that a reload may change; read when they are needed. */
  readonly settings: ProcessSettings;
  /** Milliseconds, monotonic, exact. */
  now(): number;
}

/** Settings of the whole process. */
export interface ProcessSettings {
  /** Client connections over all workers, 0 for no limit. */
  maxConnections: number;
  /** Undefined when the access log is off. */
  access: AccessBuffer | undefined;
  /** Undefined when no exporter of spans is configured. */
  tracing: RequestTracer | undefined;
}

/** How a pool's backends are connected to: plain data, sent from the control plane. */
export interface ConnectPlan {
  readonly timeoutMs: number;
  /** The address to connect from, '' for any. */
  readonly local: string;
  /** Idle connections kept per backend in each worker, and for how long. */
  readonly keepAliveMax: number;
  readonly keepAliveIdleMs: number;
  /** Undefined for connections in the clear. */
  readonly tls?: ConnectTlsPlan | undefined;
  /** Backends are spoken to over HTTP/2. */
  readonly http2?: boolean | undefined;
  /** The header that tells backends of their client, if any. */
  readonly proxyProtocol: 'off' | ProxyVersion;
}

/** How a pool's backends are connected to, in a worker. */
export interface Connect extends ConnectPlan {
  /** In the clear when it is left out. */
  readonly dialler?: Dialler;
}

/** What a pool's `hash` algorithm hashes. */
export type HashKey =
  | { readonly kind: 'source' }
  | { readonly kind: 'uri' }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string };

/** A pool with what the proxies need around it. */
export interface PoolSite {
  readonly pool: Pool;
  readonly meters: PoolMeters;
  connect: Connect;
  /** Undefined unless the pool's algorithm hashes. */
  hashKey: HashKey | undefined;
}

/** As much of it as waiting and trying again need. */
export type MeteredPool = Pick<PoolSite, 'pool' | 'meters'>;

/** A backend of a pool that a route leads to, where sessions can be. */
export interface Seat {
  readonly pool: PoolSite;
  readonly backend: Backend;
}
