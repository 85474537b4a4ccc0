import { hash53 } from '../pick/text-hash.ts';
import type { LimitTable } from '../pool/limit-table.ts';
import { type CidrSet, cidrSet } from '../support/cidr.ts';
import { networkOf } from '../support/network.ts';
import type { Rate } from '../support/rate.ts';
import type { AcceptedSocket, SocketName } from '../support/socket-handle.ts';
import type { Complaint } from './http-policy.ts';

/** What a listener asks of the sources of its connections: plain data, sent from the control plane. */
export interface SourcePlan {
  /** CIDR ranges; when there are any, other sources are refused. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Connections of one source at a time, 0 for no limit. */
  readonly connectionsPerIp: number;
  readonly connectionRatePerIp: Rate | undefined;
}

/** Why a connection is refused for its source; also the reason in the metrics. */
export type SourceRefusal = 'forbidden' | 'connections-per-ip' | 'connection-rate-per-ip';

/** What clients of http are told. */
export const sourceComplaints: Readonly<Record<SourceRefusal, Complaint>> = {
  forbidden: { code: 'forbidden', cause: 'this client is not allowed here' },
  'connections-per-ip': { code: 'rate-limited', cause: 'too many connections from this address' },
  'connection-rate-per-ip': { code: 'rate-limited', cause: 'too many new connections from this address' },
};

/** What a client behind a trusted proxy is told while it is banned. */
export const bannedComplaint: Complaint = {
  code: 'forbidden',
  cause: 'this client is banned for a while',
  reason: 'banned',
};

/** What a gate works with. */
export interface GateParts {
  readonly table: LimitTable;
  /** Its name, which tells its counts from those of others. */
  readonly listener: string;
  /** True for a proxy: its connections are those of many clients, which are looked at one by one. Missing where there is none. */
  trusts?(source: string): boolean;
}

/** Where the connections of a listener are let in or not, by their source. Listeners that ask nothing of it have none. */
export class SourceGate {
  readonly #plan: SourcePlan;
  readonly #table: LimitTable;
  readonly #salt: number;
  readonly #allow: CidrSet | undefined;
  readonly #deny: CidrSet;
  readonly #trusts: GateParts['trusts'];
  readonly #counts: boolean;

  constructor(plan: SourcePlan, parts: GateParts) {
    this.#plan = plan;
    this.#table = parts.table;
    this.#salt = hash53(parts.listener);
    this.#allow = plan.allow.length > 0 ? cidrSet(plan.allow) : undefined;
    this.#deny = cidrSet(plan.deny);
    this.#trusts = parts.trusts;
    this.#counts = plan.connectionsPerIp > 0 || plan.connectionRatePerIp !== undefined;
  }

  /** Lets a connection in, which counts until its handle closes; or says why not. */
  enter(source: string, handle: AcceptedSocket): SourceRefusal | undefined {
    if (this.#trusts?.(source) === true) return undefined;
    if (this.forbids(source)) return 'forbidden';
    if (!this.#counts || source === '') return undefined;
    const { connectionsPerIp: connections, connectionRatePerIp: rate } = this.#plan;
    const key = hash53(networkOf(source));
    const entry = this.#table.enter(key, this.#salt, { connections, rate });
    if (entry === 'too-many') return 'connections-per-ip';
    if (entry === 'too-fast') return 'connection-rate-per-ip';
    if (entry === 'counted') whenClosed(handle, () => this.#table.leave(key, this.#salt));
    return undefined;
  }

  /** True for a source whose connections are not let in. */
  bars(source: string): boolean {
    return this.#trusts?.(source) !== true && this.forbids(source);
  }

  /** True for a source that `allow` and `deny` keep out. A client without an address, over a Unix socket, is in no range. */
  forbids(source: string): boolean {
    return this.#deny.has(source) || this.#allow?.has(source) === false;
  }
}

/** Ends those of a listener's connections whose sources are not let in any more. A proxy may stay: its requests are looked at. */
export function cutDenied<C extends { cut(ended: 'denied'): void }>(
  gate: SourceGate | undefined,
  connections: readonly C[],
  sourceOfOne: (connection: C) => string,
): void {
  if (gate === undefined) return;
  for (const connection of connections) if (gate.bars(sourceOfOne(connection))) connection.cut('denied');
}

/** The gate of a listener; undefined when it asks nothing of sources, which then costs nothing. */
export function gateFor(plan: SourcePlan, parts: GateParts): SourceGate | undefined {
  const { allow, deny, connectionsPerIp, connectionRatePerIp } = plan;
  const asks = allow.length > 0 || deny.length > 0 || connectionsPerIp > 0 || connectionRatePerIp !== undefined;
  return asks ? new SourceGate(plan, parts) : undefined;
}

/** Ends an accepted connection at once, with a reset: nothing is read or written, and no wire is made of it. */
export function resetHandle(handle: AcceptedSocket): void {
  if (handle.reset?.() !== 0) handle.close();
}

/** The address of the peer of an accepted handle; '' over a Unix socket. */
export function sourceOf(handle: AcceptedSocket): string {
  const name: SocketName = {};
  return handle.getpeername?.(name) === 0 ? (name.address ?? '') : '';
}

/** Whatever becomes of a connection, in the clear or under TLS, its handle is closed once: there its count ends. */
function whenClosed(handle: AcceptedSocket, left: () => void): void {
  let open = true;
  const leave = (): void => {
    if (open) left();
    open = false;
  };
  const { close, reset } = handle;
  handle.close = (done) => {
    leave();
    close.call(handle, done);
  };
  if (reset === undefined) return;
  handle.reset = (done) => {
    const result = reset.call(handle, done);
    if (result === 0) leave();
    return result;
  };
}
