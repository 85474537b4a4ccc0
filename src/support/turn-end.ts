/** Something that is to be done when all events of this turn of the event loop have been seen. */
export interface TurnEnd {
  /** May ask for more, of itself or others, which is then done in the same pass. Must not throw. */
  afterPoll(): void;
}

/** Whoever has asked in this turn, in the order in which they are called. */
let asked: TurnEnd[] = [];

function run(): void {
  for (let i = 0; i < asked.length; i++) asked[i]!.afterPoll();
  asked = [];
}

/**
 * Calls `one.afterPoll` when all events of this turn have been seen, so that what they write goes out at once: the other
 * side, which usually sleeps, is then woken once for a burst and not once for each.
 */
export function atTurnEnd(one: TurnEnd): void {
  if (asked.push(one) === 1) setImmediate(run);
}
