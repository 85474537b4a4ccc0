import { smoothSchedule } from './smooth-schedule.ts';
import { hash53, highHalf } from './text-hash.ts';

/** Places of the table: a prime, so that every step through it reaches every place. */
export const MAGLEV_PLACES = 65_537;

const FREE = 0xffff_ffff;

/**
 * Maglev's look-up table (Eisenbud and others, NSDI 2016): for each place the index of the member that has it. Every
 * member prefers the places in an order of its own, that its id alone decides: it starts at `offset` and goes on by
 * `skip`. Members take turns, as often as their weights say, and each takes the first place of its order that is free.
 * So each has its share almost exactly, and when one leaves, nearly all places of the others stay with them.
 *
 * It takes about 65,537 × 11 steps, some milliseconds, however many members there are.
 */
export function maglevTable(ids: readonly string[], weights: Float64Array): Uint32Array {
  const table = new Uint32Array(MAGLEV_PLACES).fill(FREE);
  if (ids.length === 0) return table;
  const hashes = ids.map(hash53);
  const next = Uint32Array.from(hashes, (hash) => highHalf(hash) % MAGLEV_PLACES);
  const skips = Uint32Array.from(hashes, (hash) => ((hash >>> 0) % (MAGLEV_PLACES - 1)) + 1);
  const turns = smoothSchedule(weights);
  for (let filled = 0; filled < MAGLEV_PLACES; filled++) {
    const member = turns[filled % turns.length]!;
    const skip = skips[member]!;
    let place = next[member]!;
    while (table[place] !== FREE) place = (place + skip) % MAGLEV_PLACES;
    table[place] = member;
    next[member] = (place + skip) % MAGLEV_PLACES;
  }
  return table;
}
