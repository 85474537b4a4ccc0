import { describe, expect, it } from 'vitest';
import { RingPasses } from '../../src/support/ring-passes.ts';

const seen = () => ({ pass: 0, look: 0 });

/** What is seen, one look after the other. */
function look(passes: RingPasses, ...all: ReturnType<typeof seen>[]): void {
  passes.lookAgain();
  for (const one of all) passes.sees(one);
}

describe('RingPasses', () => {
  it('leaves turns as they are that see all there is', () => {
    const passes = new RingPasses();
    const [a, b] = [seen(), seen()];
    for (let turn = 0; turn < 3; turn++) {
      look(passes, a, b);
      passes.end();
    }
    expect(passes.surplus).toBe(0);
  });

  it('makes one pass of turns that were cut short', () => {
    const passes = new RingPasses();
    for (let turn = 0; turn < 5; turn++) {
      look(passes, seen(), seen());
      passes.cutShort(true);
    }
    look(passes, seen());
    passes.end();
    expect(passes.surplus).toBe(-5);
  });

  it('counts a turn once that was cut short and went on before the next', () => {
    const passes = new RingPasses();
    look(passes, seen(), seen());
    passes.cutShort(false);
    look(passes, seen());
    passes.end();
    expect(passes.surplus).toBe(0);
  });

  it('ends a pass when something comes again, though the turns never come to an end', () => {
    const passes = new RingPasses();
    const all = Array.from({ length: 6 }, seen);
    for (let round = 0; round < 4; round++) {
      look(passes, ...all.slice(0, 3));
      passes.cutShort(true);
      look(passes, ...all.slice(3));
      passes.cutShort(true);
    }
    // Eight turns, and the fourth pass is under way.
    expect(passes.surplus).toBe(3 - 8);
  });

  it('does not take what one socket has at once for a pass', () => {
    const passes = new RingPasses();
    const chatty = seen();
    look(passes, chatty, chatty, chatty);
    passes.cutShort(true);
    expect(passes.surplus).toBe(-1);
  });

  it('calls back at once when nothing is left, else at the end of the pass', () => {
    const passes = new RingPasses();
    const calls: string[] = [];
    const [a, b] = [seen(), seen()];
    passes.whenOver(() => calls.push('at once'));
    look(passes, a, b);
    passes.cutShort(true);
    passes.whenOver(() => calls.push('when a came again'));
    expect(calls).toEqual(['at once']);
    look(passes, a);
    expect(calls).toEqual(['at once', 'when a came again']);
    passes.whenOver(() => calls.push('when nothing was left'));
    expect(calls).toHaveLength(2);
    passes.end();
    expect(calls).toEqual(['at once', 'when a came again', 'when nothing was left']);
    passes.whenOver(() => calls.push('at once again'));
    expect(calls).toHaveLength(4);
  });
});
