/** Where progress goes: `process.stderr`, or something like it. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const BAR_CELLS = 24;
const CLEAR_LINE = '\r\u001b[2K';
const DEFAULT_COLUMNS = 100;

/** `fraction` (0..1, cut to that) as a bar of 24 cells with the percentage behind it. */
export function bar(fraction: number): string {
  const part = Math.min(1, Math.max(0, fraction));
  const full = Math.round(part * BAR_CELLS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${String(Math.round(part * 100)).padStart(3)} %`;
}

/**
 * Shows how far a run of several timed steps is. On a terminal it is one line that is redrawn; anywhere else one plain
 * line for each finished step, so that a log stays readable.
 */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #totalMs: number;
  #doneMs = 0;

  /** `totalMs` is the sum of the planned lengths of all steps. */
  constructor(totalMs: number, stream: ProgressStream = process.stderr) {
    this.#totalMs = totalMs;
    this.#stream = stream;
  }

  /** Shows that the current step is `elapsedMs` in. */
  tick(label: string, elapsedMs: number): void {
    if (!this.#stream.isTTY) return;
    const text = `${bar((this.#doneMs + elapsedMs) / this.#totalMs)}  ${label}`;
    this.#stream.write(CLEAR_LINE + text.slice(0, (this.#stream.columns ?? DEFAULT_COLUMNS) - 1));
  }

  /** Ends the current step, of `plannedMs`, and leaves one line with its result. */
  step(result: string, plannedMs: number): void {
    this.#doneMs += plannedMs;
    this.#stream.write(`${this.#stream.isTTY ? CLEAR_LINE : ''}${result}\n`);
  }

  /** Runs `work` with a redraw five times a second while it lasts. */
  async during<T>(label: string, work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const timer = setInterval(() => this.tick(label, performance.now() - startedAt), 200);
    this.tick(label, 0);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      if (this.#stream.isTTY) this.#stream.write(CLEAR_LINE);
    }
  }
}
