import type { Backend } from './backend.ts';

/**
 * How a lease ended. `client-aborted`, `stale` (a kept connection had been closed by the backend before it could see the
 * request), `connect-no-port` and `out-of-files` (this side could open no connection to it, or to any) are never held against the
 * backend.
 */
export type Outcome =
  | 'served'
  | 'bad-status'
  | 'bad-response'
  | 'connect-refused'
  | 'connect-failed'
  | 'connect-timeout'
  | 'connect-tls'
  | 'connect-no-port'
  | 'backend-reset'
  | 'backend-timeout'
  | 'client-aborted'
  | 'stale'
  | 'out-of-files';

/** Outcomes that count as the backend's failure. */
const failures: ReadonlySet<Outcome> = new Set([
  'bad-status',
  'bad-response',
  'connect-refused',
  'connect-failed',
  'connect-timeout',
  'connect-tls',
  'backend-reset',
  'backend-timeout',
]);

/** True when this end of a lease is the backend's fault. */
export function isFailure(outcome: Outcome): boolean {
  return failures.has(outcome);
}

/** Takes leases back. */
export interface Lessor {
  release(lease: Lease, outcome: Outcome): void;
  /** What the lease of a trial has shown of its backend: that it works, that it does not, or nothing. */
  judge(lease: Lease, verdict: 'passed' | 'failed' | 'open'): void;
}

/** One unit of load held on a backend: a connection in L4, a request attempt in L7. Released exactly once. */
export class Lease {
  readonly backend: Backend;
  /** True until it has decided whether the ejection of its backend ends. */
  onTrial = false;
  readonly #lessor: Lessor;
  #released = false;

  constructor(lessor: Lessor, backend: Backend) {
    this.#lessor = lessor;
    this.backend = backend;
  }

  /** Its answer has begun, or its connection stands; of interest only where latencies are measured. */
  answered(_us: number): void {}

  /** The first that came from the backend shows that it works, or that it does not; of interest only on trial. */
  show(works: boolean): void {
    if (this.onTrial) this.#judge(works ? 'passed' : 'failed');
  }

  #judge(verdict: 'passed' | 'failed' | 'open'): void {
    this.onTrial = false;
    this.#lessor.judge(this, verdict);
  }

  /** Gives the lease back and says how it went. A second release is a bug and throws. */
  release(outcome: Outcome): void {
    if (this.#released) throw new Error(`the lease on ${this.backend.id} was released twice`);
    this.#released = true;
    if (this.onTrial) this.#judge(outcome === 'served' ? 'passed' : isFailure(outcome) ? 'failed' : 'open');
    this.#lessor.release(this, outcome);
  }
}
