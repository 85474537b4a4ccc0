import { FrameBudget } from './frame-budget.ts';

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
}
