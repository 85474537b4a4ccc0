/** What a route does to some of its requests on purpose: plain data, sent from the control plane. */
export interface FaultPlan {
  /** How long such a request waits before it goes on, in ms; 0 for not at all. */
  readonly delayMs: number;
  /** What it is answered in place of a backend's answer; 0 for nothing. */
  readonly status: number;
  /** The share of requests that are hit, 0 to 1. */
  readonly share: number;
}

/** A fault of a route: tells which requests it hits. */
export class Fault {
  readonly plan: FaultPlan;
  readonly #random: () => number;

  /** `random` is uniform in [0, 1). */
  constructor(plan: FaultPlan, random: () => number) {
    this.plan = plan;
    this.#random = random;
  }

  /** Whether it hits the next request; to be asked once. */
  hits(): boolean {
    return this.#random() < this.plan.share;
  }
}
