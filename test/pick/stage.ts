import type { Balancer, BalancerContext, Candidate } from '../../src/pick/balancer.ts';
import { seededRandom } from '../../src/simulate/seeded-random.ts';

/** A candidate whose load a test sets by hand. */
export interface StageCandidate extends Candidate {
  id: string;
  weight: number;
  active: number;
  maxActive: number;
  latencyUs: number;
  latencyAtLoadUs: number;
  ramp: number;
}

/** One candidate, idle and without a limit unless told otherwise. */
export function candidate(id: string, fields: Partial<Omit<StageCandidate, 'id'>> = {}): StageCandidate {
  return { id, weight: 1, active: 0, maxActive: 0, latencyUs: 0, latencyAtLoadUs: 0, ramp: 1, ...fields };
}

/** One idle candidate for each weight, named a, b, c and so on (c26, c27, … after z). */
export function weighted(...weights: number[]): StageCandidate[] {
  return weights.map((weight, index) => candidate(nameOf(index), { weight }));
}

/** `count` idle candidates of weight 1. */
export function equals(count: number): StageCandidate[] {
  return weighted(...Array.from({ length: count }, () => 1));
}

function nameOf(index: number): string {
  return index < 26 ? String.fromCharCode(97 + index) : `c${index}`;
}

/** A context with a cursor that starts at `turn` and shows how far it got, and the given or a seeded randomness. */
export function context(
  options: { turn?: number; seed?: number; random?: () => number } = {},
): BalancerContext & { readonly turn: number } {
  let turn = options.turn ?? 0;
  const random = options.random ?? seededRandom(options.seed ?? 1);
  return {
    nextTurn: () => turn++ >>> 0,
    random,
    get turn() {
      return turn;
    },
  };
}

/** Hands out the given numbers in order, and fails the test when there are no more. */
export function scripted(...numbers: number[]): () => number {
  let at = 0;
  return () => {
    const next = numbers[at++];
    if (next === undefined) throw new Error(`random() was called more than ${numbers.length} times`);
    return next;
  };
}

/** What to do with each pick, besides counting it. */
export interface Run {
  readonly times: number;
  /** Takes a lease of the candidate picked and never gives it back. */
  readonly hold?: boolean;
  readonly avoid?: ReadonlySet<StageCandidate>;
  /** Gives each pick a key of its own. */
  readonly keyed?: boolean;
}

/** Picks over and over; how often each id was picked. */
export function tally(balancer: Balancer<StageCandidate>, run: Run): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let time = 0; time < run.times; time++) {
    const picked = balancer.pick(run.keyed ? { key: `key-${time}` } : {}, run.avoid);
    const id = picked?.id ?? 'none';
    counts[id] = (counts[id] ?? 0) + 1;
    if (picked !== undefined && run.hold) picked.active++;
  }
  return counts;
}

/** The ids of so many picks without a hint, in order, joined. */
export function sequence(
  balancer: Balancer<StageCandidate>,
  times: number,
  avoid?: ReadonlySet<StageCandidate>,
): string {
  return Array.from({ length: times }, () => balancer.pick({}, avoid)?.id ?? '-').join('');
}

/** The same items in an order that depends on `seed` alone. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  return items
    .map((item) => ({ item, at: random() }))
    .sort((x, y) => x.at - y.at)
    .map(({ item }) => item);
}
