import { setTimeout as wait } from 'node:timers/promises';

/** When a series of memory readings counts as settled. */
export interface SettleLimits {
  /** Milliseconds between readings. */
  readonly everyMs: number;
  /** So many readings in a row must lie within `within` bytes of each other. */
  readonly readings: number;
  readonly within: number;
  /** After so many readings the last one is taken as it is. */
  readonly most: number;
}

/** Half-second readings that differ by less than 256 KiB for three seconds; at most 20 seconds. */
export const SETTLED: SettleLimits = { everyMs: 500, readings: 6, within: 256 * 1024, most: 40 };

/** Whether the newest readings lie close enough together. */
export function isSettled(readings: readonly number[], limits: SettleLimits): boolean {
  const newest = readings.slice(-limits.readings);
  return newest.length === limits.readings && Math.max(...newest) - Math.min(...newest) <= limits.within;
}

/** Reads until the readings have settled, and gives the last one. */
export async function settle(
  read: () => number,
  limits: SettleLimits = SETTLED,
  pause: (ms: number) => Promise<unknown> = wait,
): Promise<number> {
  const readings = [read()];
  while (!isSettled(readings, limits) && readings.length < limits.most) {
    await pause(limits.everyMs);
    readings.push(read());
  }
  return readings.at(-1)!;
}
