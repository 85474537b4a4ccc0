/** A bucket of tokens: how much of something a peer may do at once, and how much of it in the long run. */
export class FrameBudget {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #at = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
  }

  /** Takes one; false when there is none left at `nowMs`. */
  take(nowMs: number): boolean {
    if (nowMs > this.#at) {
      this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#at) * this.#perMs);
      this.#at = nowMs;
    }
    this.#left -= 1;
    return this.#left >= 0;
  }
}
