import { networkOf } from '../support/network.ts';

/** Wrong tokens that a source may send at once, and how many more a second. */
const BURST = 10;
const PER_SECOND = 1;
/** Sources that are remembered, the latest ones: so many guess from few tries each. */
const MOST_SOURCES = 1024;

/** Slows down those who guess the token. Time is in ms. */
export class TokenAttempts {
  readonly #now: () => number;
  /** What each source has left of its burst, as of when. Those that failed longest ago come first. */
  readonly #left = new Map<string, { readonly tries: number; readonly at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True when a source has sent so many wrong tokens lately that not even the right one is looked at. */
  barred(address: string): boolean {
    return this.#triesOf(networkOf(address)) < 1;
  }

  /** Counts a wrong token. */
  failed(address: string): void {
    const source = networkOf(address);
    const tries = Math.max(0, this.#triesOf(source) - 1);
    this.#left.delete(source);
    this.#left.set(source, { tries, at: this.#now() });
    if (this.#left.size > MOST_SOURCES) this.#left.delete(this.#left.keys().next().value!);
  }

  #triesOf(source: string): number {
    const left = this.#left.get(source);
    if (left === undefined) return BURST;
    return Math.min(BURST, left.tries + ((this.#now() - left.at) / 1000) * PER_SECOND);
  }
}
