import type { Config } from '../config/schema.ts';
import { useIoUring } from '../support/open-wire.ts';
import type { RingRecord } from '../support/ring-record.ts';

type Setting = Config['ioUring'];

/** Turns io_uring on and off for the connections of a worker, as the config says. */
export class RingSwitch {
  readonly #record: RingRecord;
  readonly #onTurnedOn: (set: Exclude<Setting, false>, obstacle: string | undefined) => void;
  #set: Setting = false;

  /** `record` is for `freeRing`. `onTurnedOn` hears when it is on, or why it cannot be had, and what was set. */
  constructor(record: RingRecord, onTurnedOn: (set: Exclude<Setting, false>, obstacle: string | undefined) => void) {
    this.#record = record;
    this.#onTurnedOn = onTurnedOn;
  }

  turn(set: Setting): void {
    if (set === this.#set) return;
    this.#set = set;
    let obstacle: string | undefined;
    try {
      useIoUring(set !== false, this.#record);
    } catch (error) {
      obstacle = (error as Error).message;
    }
    if (set !== false) this.#onTurnedOn(set, obstacle);
  }
}
