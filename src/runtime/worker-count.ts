import { availableParallelism } from 'node:os';

/** How many data-plane threads a setting asks for: `auto` is one per core this process may use. */
export function workerCount(setting: number | 'auto'): number {
  return setting === 'auto' ? availableParallelism() : setting;
}
