import type { Output } from '../io.ts';
import { whole } from './report-text.ts';

const WIDTH = 30;

/** A bar in one line of a terminal; elsewhere nothing. */
export class ProgressBar {
  readonly #output: Output;
  readonly #durationMs: number;
  readonly #label: string;
  #startedAt = 0;

  constructor(output: Output, durationMs: number, label: string) {
    this.#output = output;
    this.#durationMs = durationMs;
    this.#label = label;
    this.#write('warming up');
  }

  /** The measured run begins. */
  start(): void {
    this.#startedAt = performance.now();
    this.update(0);
  }

  /** Shows how many answers there are. */
  update(answered: number): void {
    const spentMs = performance.now() - this.#startedAt;
    const part = Math.min(1, spentMs / this.#durationMs);
    const done = Math.round(part * WIDTH);
    const bar = `${'█'.repeat(done)}${'░'.repeat(WIDTH - done)}`;
    const seconds = `${(Math.min(spentMs, this.#durationMs) / 1000).toFixed(1)}/${(this.#durationMs / 1000).toFixed(1)} s`;
    const rate = spentMs < 1 ? 0 : (answered * 1000) / spentMs;
    this.#write(`${bar} ${seconds}  ${whole(rate)} requests/s`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#output.isTTY) this.#output.write('\r\u001b[K');
  }

  #write(text: string): void {
    if (this.#output.isTTY) this.#output.write(`\r${this.#label}${text}\u001b[K`);
  }
}
