import { constants } from 'node:os';
import { EXIT_OK } from './command.ts';
import type { SignalName, SignalSource } from './io.ts';

/** A running instance, as far as signals are concerned. */
export interface Serving {
  /** Applies the config again; a failure is its own to report. */
  reload(): Promise<unknown>;
  /** Takes nothing new, and resolves when what is open has ended or the grace period is over. */
  drain(): Promise<unknown>;
  /** Ends everything at once. */
  close(): Promise<unknown>;
}

const SHELL_SIGNAL_BASE = 128;

/**
 * Serves until SIGTERM or SIGINT, then drains and gives exit code 0. A second one of either ends everything at once and
 * gives 128 and the signal's number, as a shell does. SIGHUP reloads, unless the drain has begun. Signals that come
 * during the start are heard, and acted on when it is over. `onDrain` is told of the first signal. Rejects with what the
 * start rejects with.
 */
export async function serveUntilSignal(
  starting: Promise<Serving>,
  signals: SignalSource,
  onDrain: (signal: SignalName) => void,
): Promise<number> {
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<number>();
  let serving: Serving | undefined;
  let draining = false;
  const stop = (signal: 'SIGTERM' | 'SIGINT') => () => {
    if (draining) {
      serving?.close().catch(fail);
      end(SHELL_SIGNAL_BASE + constants.signals[signal]);
      return;
    }
    draining = true;
    onDrain(signal);
    starting.then((started) => started.drain()).then(() => end(EXIT_OK), fail);
  };
  const reload = () => {
    starting.then((started) => (draining ? undefined : started.reload())).catch(fail);
  };
  const listeners = { SIGTERM: stop('SIGTERM'), SIGINT: stop('SIGINT'), SIGHUP: reload };
  for (const [signal, listener] of Object.entries(listeners)) signals.on(signal as SignalName, listener);
  starting.then((started) => {
    serving = started;
  }, fail);
  try {
    return await ended;
  } finally {
    for (const [signal, listener] of Object.entries(listeners)) signals.off(signal as SignalName, listener);
  }
}
