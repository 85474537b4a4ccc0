import { useIoUring } from '../support/open-wire.ts';
import type { RingRecord } from '../support/ring-record.ts';

/** Turns io_uring on and off for the connections of a worker, as the config says. */
export class RingSwitch {
  readonly #record: RingRecord;
  readonly #onTurnedOn: (obstacle: string | undefined) => void;
  #on = false;

  /** `record` is for `freeRing`. `onTurnedOn` hears when it is on, or why it cannot be had. */
  constructor(record: RingRecord, onTurnedOn: (obstacle: string | undefined) => void) {
    this.#record = record;
    this.#onTurnedOn = onTurnedOn;
  }

  turn(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    let obstacle: string | undefined;
    try {
      useIoUring(on, this.#record);
    } catch (error) {
      obstacle = (error as Error).message;
    }
    if (on) this.#onTurnedOn(obstacle);
  }
}
