import type { MeterName } from '../../src/observe/catalogue.ts';
import { MeterReader } from '../../src/observe/meter-reader.ts';
import { createMeterMemory, Meters } from '../../src/observe/meters.ts';

/** Meters of one worker, and what they show. */
export interface Counted {
  readonly meters: Meters;
  /** Every series of a meter that is not 0: its label values, joined by blanks, and the sum of its cells. */
  shown(name: MeterName): Record<string, number>;
  /** Frees the cells of all backends; gives back where they are. */
  free(): readonly number[];
}

/** Makes meters that a test can read. */
export function counted(): Counted {
  const memory = createMeterMemory({ lanes: 1 });
  const reader = new MeterReader(memory);
  const shown = (name: MeterName): Record<string, number> => {
    const series: Record<string, number> = {};
    for (const { labels, values } of reader.sum(name)) {
      const sum = values.reduce((total, value) => total + value, 0);
      if (sum !== 0) series[Object.values(labels).join(' ')] = sum;
    }
    return series;
  };
  const meters = new Meters(memory, 0, (claim) => reader.add(0, claim));
  const free = (): readonly number[] => {
    const cells = meters.keepBackends(new Set());
    reader.release(0, cells);
    meters.reuse(cells);
    return cells;
  };
  return { meters, shown, free };
}
