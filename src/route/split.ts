/** Most slots a schedule has; shares that would need more are rounded to it. */
export const MAX_SPLIT_SLOTS = 65_536;

/** Weights are told apart to this part of 1. */
const FRACTIONS = 1e6;

/** One of the things a split chooses among, and its share: 0 or less, or no finite number, is never chosen. */
export interface Share<P> {
  readonly value: P;
  readonly weight: number;
}

/**
 * Chooses by weight, exactly: of every full cycle of turns each share gets just its part, spread over the cycle
 * (smooth weighted round-robin, nginx). `nextTurn` is a cursor that only this split uses and all workers share, a
 * uint32 that wraps, so 10 of 100 are 10 of 100 over all workers together. What is returned gives `undefined` when
 * nothing may be chosen; it takes no turn when there is nothing to choose between. Shares whose smallest exact cycle
 * is over MAX_SPLIT_SLOTS are rounded to whole slots, at least one.
 */
export function createSplit<P>(shares: readonly Share<P>[], nextTurn: () => number): () => P | undefined {
  const live = shares.filter(({ weight }) => weight > 0 && Number.isFinite(weight));
  if (live.length < 2) return () => live[0]?.value;
  const values = live.map(({ value }) => value);
  const schedule = smoothCycle(slotsOf(live.map(({ weight }) => weight)));
  return () => values[schedule[(nextTurn() >>> 0) % schedule.length]!];
}

function slotsOf(weights: readonly number[]): number[] {
  const parts = weights.map((weight) => Math.max(1, Math.round(weight * FRACTIONS)));
  const divisor = parts.reduce(greatestCommonDivisor);
  const total = parts.reduce((sum, part) => sum + part, 0);
  const partsPerSlot = Math.max(divisor, total / MAX_SPLIT_SLOTS);
  return parts.map((part) => Math.max(1, Math.round(part / partsPerSlot)));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function smoothCycle(slots: readonly number[]): Uint16Array {
  const total = slots.reduce((sum, count) => sum + count, 0);
  const credit = slots.map(() => 0);
  return new Uint16Array(total).map(() => {
    let best = 0;
    for (const [index, count] of slots.entries()) {
      credit[index]! += count;
      if (credit[index]! > credit[best]!) best = index;
    }
    credit[best]! -= total;
    return best;
  });
}
