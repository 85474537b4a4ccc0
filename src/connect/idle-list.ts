/** A connection that may wait in an `IdleList`. */
export interface Idle {
  /** Closes it in order; it has nothing under way. */
  retire(): void;
}

/**
 * Kept connections to one backend, last in first out: the most recent is the least likely to have been closed by the
 * backend, and the oldest expire by themselves when the load falls.
 */
export class IdleList<T extends Idle> {
  readonly #waiting: T[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** Keeps a connection, or retires it when `max` wait already. */
  put(connection: T, max: number): void {
    if (this.#waiting.length >= max) connection.retire();
    else this.#waiting.push(connection);
  }

  take(): T | undefined {
    return this.#waiting.pop();
  }

  /** Forgets a connection that closed or expired while it waited. */
  remove(connection: T): void {
    const index = this.#waiting.lastIndexOf(connection);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Retires all, for a backend that left. */
  clear(): void {
    for (const connection of this.#waiting.splice(0)) connection.retire();
  }
}
