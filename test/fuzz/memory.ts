import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory of the whole process, all threads, and of the JavaScript heap of the main thread. */
export interface MemoryReading {
  readonly residentMiB: number;
  readonly heapMiB: number;
}

const MIB = 2 ** 20;

/** Collects the garbage of the main thread, so that readings show what is held. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

export function readMemory(): MemoryReading {
  const { rss, heapUsed } = process.memoryUsage();
  return { residentMiB: rss / MIB, heapMiB: heapUsed / MIB };
}

function lowest(readings: readonly MemoryReading[]): number {
  return Math.min(...readings.map(({ residentMiB }) => residentMiB));
}

/**
 * By how many MiB resident memory grew from the second quarter of the readings to the last: in the first one code is
 * compiled and pools fill. The lowest of each counts, since garbage of other threads comes and goes.
 */
export function growthOf(readings: readonly MemoryReading[]): number {
  const quarter = Math.floor(readings.length / 4);
  if (quarter === 0) return 0;
  return lowest(readings.slice(-quarter)) - lowest(readings.slice(quarter, 2 * quarter));
}
