import { constants } from 'node:os';
import type { SignalSource } from './io.ts';

/** Work that SIGINT and SIGTERM end. */
export interface Interrupt {
  /** Aborts at the first of them. */
  readonly signal: AbortSignal;
  /** The exit code that a shell gives for the signal that came: 128 and its number; undefined when none came. */
  readonly code: number | undefined;
  /** Stops listening. */
  end(): void;
}

const SHELL_SIGNAL_BASE = 128;

/** Hears SIGINT and SIGTERM until it is ended. */
export function abortOnSignal(signals: SignalSource): Interrupt {
  const controller = new AbortController();
  let code: number | undefined;
  const stop = (signal: 'SIGINT' | 'SIGTERM') => () => {
    code ??= SHELL_SIGNAL_BASE + constants.signals[signal];
    controller.abort(new Error(`interrupted by ${signal}`));
  };
  const listeners = { SIGINT: stop('SIGINT'), SIGTERM: stop('SIGTERM') };
  signals.on('SIGINT', listeners.SIGINT);
  signals.on('SIGTERM', listeners.SIGTERM);
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    end() {
      signals.off('SIGINT', listeners.SIGINT);
      signals.off('SIGTERM', listeners.SIGTERM);
    },
  };
}
