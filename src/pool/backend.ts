import type { Candidate } from '../pick/balancer.ts';
import { parseAddress } from '../support/address.ts';
import { AdminState, Health, type SharedTable } from './table.ts';

/** What a worker must know to use a backend: plain data, sent from the control plane. */
export interface BackendPlan {
  /** Its place in the shared table: the same as long as its pool and address stay. */
  readonly slot: number;
  readonly id: string;
  /** Where to connect, names resolved: IP addresses or one Unix path; none while its name does not resolve. */
  readonly endpoints: readonly Endpoint[];
  /** True when it is used only while no other backend of its pool can be. */
  readonly backup?: boolean;
  /** As in the config, for a Host field and for messages. */
  readonly address: string;
}

/** An address that can be dialled without asking a resolver. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** How long leases on a backend wait for their answers, in µs; 0 when that was never measured. */
export interface Latencies {
  readonly latencyUs: number;
  latencyAt(active: number): number;
}

/** One backend as one thread sees it. Its numbers are read from the shared table at each look. */
export class Backend implements Candidate {
  readonly slot: number;
  /** Its own also when another has got its slot: see `SharedTable.backendNumber`. */
  readonly number: number;
  readonly id: string;
  readonly address: string;
  /** The host of its address; undefined for a Unix socket. */
  readonly host: string | undefined;
  /** See `BackendPlan`; a reload may change it. */
  backup: boolean;
  readonly #table: SharedTable;
  #endpoints: readonly Endpoint[];
  #turn = 0;
  /** Undefined in pools that do not go by latency. */
  timing: Latencies | undefined;

  constructor(table: SharedTable, plan: BackendPlan) {
    this.#table = table;
    this.slot = plan.slot;
    this.number = table.backendNumber(plan.slot);
    this.id = plan.id;
    this.address = plan.address;
    const parsed = parseAddress(plan.address);
    this.host = typeof parsed === 'object' && parsed.kind === 'tcp' ? parsed.host : undefined;
    this.#endpoints = plan.endpoints;
    this.backup = plan.backup === true;
  }

  set endpoints(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Where to connect: of several addresses behind a name the one that worked last; none while it does not resolve. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoints[this.#turn % this.#endpoints.length];
  }

  /** That endpoint could not be reached: the next one is tried from now on, unless somebody else has moved on already. */
  skipEndpoint(failed: Endpoint | undefined): void {
    if (failed === this.endpoint) this.#turn++;
  }

  get weight(): number {
    return this.#table.weight(this.slot) * this.#table.weightShare(this.slot);
  }

  get ramp(): number {
    return this.#table.ramp(this.slot);
  }

  get active(): number {
    return this.#table.active(this.slot);
  }

  get maxActive(): number {
    return this.#table.maxActive(this.slot);
  }

  get latencyUs(): number {
    return this.timing?.latencyUs ?? 0;
  }

  get latencyAtLoadUs(): number {
    return this.timing?.latencyAt(this.active) ?? 0;
  }

  /** True when it may be given new leases. */
  get eligible(): boolean {
    return this.eligibleButEjected && !this.ejected;
  }

  get ejected(): boolean {
    return this.#table.ejected(this.slot);
  }

  /** True when nothing but an ejection may keep new leases from it. */
  get eligibleButEjected(): boolean {
    const { slot } = this;
    return (
      this.#table.health(slot) === Health.up &&
      this.#table.admin(slot) === AdminState.enabled &&
      !this.#table.refused(slot) &&
      this.weight > 0
    );
  }

  /** True when nothing but its health may keep leases from it. */
  get wanted(): boolean {
    return this.#table.admin(this.slot) === AdminState.enabled && this.weight > 0;
  }

  /** True when it may be given requests of the sessions it has: also while it drains, and when new ones go elsewhere. */
  get keepsSessions(): boolean {
    const { slot } = this;
    return (
      this.#table.health(slot) === Health.up &&
      this.#table.admin(slot) !== AdminState.disabled &&
      !this.#table.refused(slot) &&
      !this.ejected
    );
  }
}
