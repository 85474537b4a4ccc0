import type { Config } from '../config/schema.ts';
import { useIoUring } from '../support/open-wire.ts';
import type { RingRecord } from '../support/ring-record.ts';

type Setting = Config['ioUring'];

/** Hears that io_uring is used as `set`, or why it cannot be had. */
export type RingListener = (set: Exclude<Setting, false>, obstacle: string | undefined) => void;

/** Turns io_uring on and off for the connections of a worker, as the config says. */
export class RingSwitch {
  readonly #record: RingRecord;
  readonly #onTurnedOn: RingListener;
  #set: Setting = false;
  #obstacle: string | undefined;

  /** `record` is for `freeRing`. */
  constructor(record: RingRecord, onTurnedOn: RingListener) {
    this.#record = record;
    this.#onTurnedOn = onTurnedOn;
  }

  turn(set: Setting): void {
    if (set === this.#set) return;
    if (set === false || this.#set === false) this.#use(set !== false);
    this.#set = set;
    if (set !== false) this.#onTurnedOn(set, this.#obstacle);
  }

  #use(on: boolean): void {
    this.#obstacle = undefined;
    try {
      useIoUring(on, this.#record);
    } catch (error) {
      this.#obstacle = (error as Error).message;
    }
  }
}
