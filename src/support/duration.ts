const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const form = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/;

/** The longest duration in ms that a Node timer keeps: a longer one would fire at once (timers hold an int32). */
export const longestDurationMs = 2_147_483_647;

/**
 * Reads a duration such as `250ms`, `5s`, `1.5m`, `1h` or a bare `0` into whole milliseconds.
 * Anything else, a fraction of a millisecond included, is `undefined`: a bare number has no unit to guess.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const parts = form.exec(text);
  if (!parts) return undefined;
  const ms = Number(parts[1]) * unitMs[parts[2] as keyof typeof unitMs];
  // Binary fractions make 1.1s a hair off 1100; what is within a billionth of a whole millisecond is that one.
  const whole = Math.round(ms);
  return Math.abs(ms - whole) <= 1e-9 * Math.max(1, ms) ? whole : undefined;
}

/** Writes whole milliseconds in the largest unit that keeps them exact: 90000 is `90s`, 60000 is `1m`, 0 is `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms % unitMs.h === 0) return `${ms / unitMs.h}h`;
  if (ms % unitMs.m === 0) return `${ms / unitMs.m}m`;
  if (ms % unitMs.s === 0) return `${ms / unitMs.s}s`;
  return `${ms}ms`;
}
