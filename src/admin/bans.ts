/** The bans of all listeners, for those who look at them and who set and lift them by hand. */
export interface BanBoard<Shown> {
  /** Every ban in force, the latest first. */
  list(): Shown[];
  /**
   * Bans an address from one listener, or from all that have a guard, anew if it was banned already; for `forMs`, or as
   * long as their guards ban. Returns the listeners, or what is wrong.
   */
  ban(order: BanOrder, who: string): readonly string[] | string;
  /** Lifts the bans of an address, and forgets what led to them. Returns the listeners that it was banned from. */
  lift(address: string, who: string): readonly string[];
}

/** Whom somebody wants banned. */
export interface BanOrder {
  readonly address: string;
  readonly listener?: string | undefined;
  readonly forMs?: number | undefined;
}
