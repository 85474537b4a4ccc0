import { constants } from 'node:os';
import type { SignalName, SignalSource } from './io.ts';

const SHELL_SIGNAL_BASE = 128;

/**
 * Keeps the signals of a source until somebody listens to them, who is then given what came before. A second SIGINT or
 * SIGTERM is not kept: whoever sends it wants `end` at once, with the exit code that a shell gives.
 */
export class HeldSignals implements SignalSource {
  readonly #source: SignalSource;
  /** What goes on for a signal until somebody listens to it. */
  readonly #held = new Map<SignalName, { count: number; readonly keep: () => void }>();

  constructor(source: SignalSource, end: (code: number) => void) {
    this.#source = source;
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const keep = () => {
        if (++held.count > 1 && name !== 'SIGHUP') end(SHELL_SIGNAL_BASE + constants.signals[name]);
      };
      const held = { count: 0, keep };
      this.#held.set(name, held);
      source.on(name, keep);
    }
  }

  on(signal: SignalName, listener: () => void): void {
    this.#source.on(signal, listener);
    const held = this.#held.get(signal);
    if (held === undefined) return;
    this.#held.delete(signal);
    this.#source.off(signal, held.keep);
    for (let left = held.count; left > 0; left--) listener();
  }

  off(signal: SignalName, listener: () => void): void {
    this.#source.off(signal, listener);
  }
}
