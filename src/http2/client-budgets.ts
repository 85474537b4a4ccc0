import { FrameBudget } from './frame-budget.ts';

/** WINDOW_UPDATE frames that nobody has to have a reason for. */
const FREE_UPDATES = 10_000;
/** There are clients that open two windows for every 4 KiB that they take, and a frame of data has 16 KiB at most. */
const UPDATES_PER_DATA = 16;
/** There are clients that open the window of each stream first of all. */
const UPDATES_PER_STREAM = 4;

/** What a client may do at once and per second on one connection; nobody who wants answers comes near it. */
export class ClientBudgets {
  /** Streams that end without an answer because the client has reset them, or broken a rule on them (CVE-2023-44487, CVE-2025-8671). */
  readonly reset = new FrameBudget(500, 100);
  readonly ping = new FrameBudget(1000, 500);
  readonly settings = new FrameBudget(50, 5);
  /** Frames of data that carry none, and do not end their stream (CVE-2019-9518). */
  readonly empty = new FrameBudget(100, 10);
  /** Frames that change nothing here: PRIORITY, GOAWAY, and types that are not known. */
  readonly idle = new FrameBudget(1000, 200);
  /** Streams beyond those that it may have at a time. */
  readonly refused = new FrameBudget(100, 10);
  #updates = 0;

  /**
   * Counts a WINDOW_UPDATE; false when there were too many for the streams that the client has opened and the frames of data
   * that it was sent. The faster it is sent data the more of them come, so that time says nothing here.
   */
  takeUpdate(streams: number, dataFrames: number): boolean {
    this.#updates++;
    return this.#updates <= FREE_UPDATES + UPDATES_PER_STREAM * streams + UPDATES_PER_DATA * dataFrames;
  }
}
