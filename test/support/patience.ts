import { setTimeout as pause } from 'node:timers/promises';

/** How long a test waits for what should happen at once, in ms: much longer than it takes on a machine that is busy with other things. */
export const PATIENCE_MS = 20_000;

/** Waits until this holds, looking every `lookMs`; says what did not happen when it takes too long. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string),
  lookMs = 20,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline)
      throw new Error(`${typeof what === 'string' ? what : what()} did not happen within ${PATIENCE_MS} ms`);
    await pause(lookMs);
  }
}
