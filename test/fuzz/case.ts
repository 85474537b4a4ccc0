import { mutant } from './mutate.ts';
import type { Stream } from './own.ts';
import { Random } from './random.ts';
import { requestSeeds, responseSeeds } from './seeds.ts';

/** A text to try, how it arrives, and what it is. */
export interface FuzzCase {
  readonly stream: Stream;
  readonly text: string;
  /** Where the pieces end in which it arrives. */
  readonly cuts: readonly number[];
}

const ANSWERED: readonly Stream[] = [
  ...[{ method: 'GET' }, { method: 'GET' }, { method: 'POST' }, { method: 'HEAD' }],
  { method: 'GET', upgrade: true },
];

/** Case number `index` of a seed: two of three are requests, the others responses. */
export function fuzzCase(seed: number, index: number): FuzzCase {
  const random = new Random(seed, index);
  const stream = random.oneIn(3) ? random.pick(ANSWERED) : 'requests';
  const text = mutant(stream === 'requests' ? requestSeeds : responseSeeds, random);
  return { stream, text, cuts: random.cuts(text.length) };
}
