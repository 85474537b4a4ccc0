/** Something that is to be done when all events of this turn of the event loop have been seen. */
export interface TurnEnd {
  /** May ask for more, of itself or others, which is then done in the same pass. Must not throw. */
  afterPoll(): void;
}

/** Something that is to be done when all events of the next turn have been seen, too. */
export interface NextTurnEnd {
  /** Must not throw. */
  afterNextPoll(): void;
}

/** Whoever has asked in this turn, in the order in which they are called. */
let asked: TurnEnd[] = [];
/** Whoever has asked in this turn for the end of the next, and in the last for the end of this one. */
let later: NextTurnEnd[] = [];
let due: NextTurnEnd[] = [];
let scheduled = false;

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(run);
}

function run(): void {
  for (let i = 0; i < due.length; i++) due[i]!.afterNextPoll();
  for (let i = 0; i < asked.length; i++) asked[i]!.afterPoll();
  asked = [];
  due = later;
  later = [];
  scheduled = false;
  if (due.length > 0) schedule();
}

/**
 * Calls `one.afterPoll` when all events of this turn have been seen, so that what they write goes out at once: the other
 * side, which usually sleeps, is then woken once for a burst and not once for each.
 */
export function atTurnEnd(one: TurnEnd): void {
  asked.push(one);
  schedule();
}

/** Calls `one.afterNextPoll` a turn later than that: what the other side does at once is known then. */
export function atNextTurnEnd(one: NextTurnEnd): void {
  later.push(one);
  schedule();
}
