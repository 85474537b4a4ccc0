/** Work that wants to pass a gate; it never rejects. */
export type Job = () => Promise<void>;

/**
 * Lets a limited number of jobs run at once. The rest wait: the urgent first, otherwise first come, first served. A
 * job is itself its ticket, so one that is already waiting is not queued twice.
 */
export class Gate {
  readonly #limit: number;
  #running = 0;
  readonly #urgent = new Set<Job>();
  readonly #patient = new Set<Job>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the job, within this call when there is room. Asking again as urgent moves a waiting job ahead. */
  enter(job: Job, urgent: boolean): void {
    if (urgent) {
      this.#patient.delete(job);
      this.#urgent.add(job);
    } else if (!this.#urgent.has(job)) {
      this.#patient.add(job);
    }
    this.#admit();
  }

  /** Forgets a job that waits; one that runs, or is not known, is left alone. */
  leave(job: Job): void {
    this.#urgent.delete(job);
    this.#patient.delete(job);
  }

  #admit(): void {
    while (this.#running < this.#limit) {
      const line = this.#urgent.size > 0 ? this.#urgent : this.#patient;
      const [job] = line;
      if (job === undefined) return;
      line.delete(job);
      this.#running++;
      void job().finally(() => {
        this.#running--;
        this.#admit();
      });
    }
  }
}
