/** What is seen again and again. */
export interface Seen {
  /** When it was seen last. */
  pass: number;
  look: number;
}

/**
 * Tells when all that waited for a ring has had its turn. A turn of the event loop sees all that came during the one before, so
 * that a queue shows in how long it takes; but a turn of the ring may be cut short. The kernel has things queued in the order
 * in which they came. So when something is seen again that was seen in this pass, all that waited then has been seen, and
 * the pass is over, as it is when nothing is left.
 */
export class RingPasses {
  /** Passes that ended amid a turn of the event loop, less turns that ended amid a pass: what is to be added to turns. */
  surplus = 0;
  #pass = 1;
  #look = 0;
  /** A turn was cut short. */
  #isAmid = false;
  #waiting: (() => void)[] = [];

  /** What is seen from now on waited together: that two of these are of one socket says nothing. */
  lookAgain(): void {
    this.#look++;
  }

  sees(one: Seen): void {
    if (one.pass === this.#pass && one.look !== this.#look) {
      this.surplus++;
      this.#end();
    }
    one.pass = this.#pass;
    one.look = this.#look;
  }

  /** A turn of the ring was cut short; another follows in this turn of the event loop or in the next. */
  cutShort(isNext: boolean): void {
    this.#isAmid = true;
    if (isNext) this.surplus--;
  }

  /** Nothing is left. */
  end(): void {
    this.#isAmid = false;
    this.#end();
  }

  /** Calls back at the end of the pass that a turn was cut short in, or now. */
  whenOver(done: () => void): void {
    if (this.#isAmid) this.#waiting.push(done);
    else done();
  }

  #end(): void {
    this.#pass++;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
  }
}
