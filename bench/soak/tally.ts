/** How one piece of work of the soak went. */
export type Result =
  /** As it should. */
  | 'good'
  /** An error that a backend which was killed under it explains: a 5xx of Fairlead, a reset, an early end, silence. */
  | 'failed'
  /** What nothing explains: other bytes than were sent, another backend's answer, a status nobody gave. */
  | 'wrong';

/** Counts results by kind of work, and keeps the first few reasons of what was wrong. */
export class Tally {
  readonly counts = new Map<string, Record<Result, number>>();
  readonly faults: string[] = [];

  add(kind: string, result: Result, detail = ''): void {
    const counts = this.counts.get(kind) ?? { good: 0, failed: 0, wrong: 0 };
    counts[result]++;
    this.counts.set(kind, counts);
    if (result === 'wrong' && this.faults.length < MOST_FAULTS) this.faults.push(`${kind}: ${detail}`);
  }

  /** All of one result, over every kind. */
  total(result: Result): number {
    return [...this.counts.values()].reduce((sum, counts) => sum + counts[result], 0);
  }
}

const MOST_FAULTS = 10;
