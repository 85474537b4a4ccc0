import { SmoothTurns } from './smooth-turns.ts';

/** Slots of the longest schedule. Weights that would need more are scaled down to about this many. */
export const MAX_SLOTS = 65_536;

/**
 * One full cycle of smooth weighted round-robin: the index of a member for each slot, every member as often as its
 * weight says and spread over the cycle, n slots for n equal weights. Weights must be above 0 and finite.
 *
 * Members of equal weight form a class: the classes share the slots by smooth turns and the members of a class take
 * its slots by rotation. That spreads better than turns between single members (5:1:1 has three in a row at most,
 * where nginx has four) and costs slots × distinct weights, which stays small however many members there are.
 *
 * Exact while the weights, divided by their greatest common divisor, add up to MAX_SLOTS at most. Beyond that a weight
 * is rounded to whole slots, at least one, and so is off by less than one slot: the share `s` of a member in a
 * schedule of L slots for n members is off by less than (1 + n·s) / L.
 */
export function smoothSchedule(weights: ArrayLike<number>): Uint32Array {
  const slots = slotsOf(Array.from(weights));
  const classes = classesOf(slots);
  const turns = new SmoothTurns();
  const classSlots = classes.map((members) => members.length * slots[members[0]!]!);
  turns.reset(Float64Array.from(classSlots), 0);
  const every = Uint32Array.from(classes.keys());
  const served = new Uint32Array(classes.length);
  const length = slots.reduce((sum, count) => sum + count, 0);
  return new Uint32Array(length).map(() => {
    const turn = turns.take(every, every.length);
    const members = classes[turn]!;
    return members[served[turn]!++ % members.length]!;
  });
}

/** How many slots each weight gets in the shortest cycle that is exact, or in one of about MAX_SLOTS. */
function slotsOf(weights: number[]): number[] {
  // Of fractions hardly any two have a divisor in common, so that they count to the hundredth.
  if (!weights.every(Number.isInteger)) weights = weights.map((weight) => Math.max(1, Math.round(weight * 100)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const weightPerSlot = Math.max(weights.reduce(greatestCommonDivisor, 0), total / MAX_SLOTS);
  return weights.map((weight) => Math.max(1, Math.round(weight / weightPerSlot)));
}

/** Indexes of the members, grouped by their number of slots. */
function classesOf(slots: number[]): number[][] {
  return [...Map.groupBy(slots.keys(), (index) => slots[index]!).values()];
}

/** Euclid's; for fractions too, where it ends with a divisor too small to be of use. */
function greatestCommonDivisor(a: number, b: number): number {
  while (b > 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
