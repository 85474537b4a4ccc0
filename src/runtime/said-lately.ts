import type { Clock } from '../support/clock.ts';

/** What several workers say at the same time is said once. */
export class SaidLately {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #said = new Set<string>();

  /** `forMs` is how long something needs not be said again. */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** True when this was not said lately; from now on it was. */
  isNew(text: string): boolean {
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    this.#clock.setTimeout(() => this.#said.delete(text), this.#forMs).unref();
    return true;
  }
}
